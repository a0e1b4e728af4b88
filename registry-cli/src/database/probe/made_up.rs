//! Values for made-up rows. They are chosen by the types of the columns alone, never by the policies that they try.

use std::collections::BTreeMap;

use crate::database::catalog::ColumnRow;
use crate::database::session::Session;
use crate::database::statements::literal;
use crate::failure::Failure;

/// Makes the text of a value. Different numbers make different values, where the type has enough of them.
type Generator = fn(u32) -> String;

/// In the order in which they are tried. The values behind the fourth line are for types with a check of their own.
const GENERATORS: &[Generator] = &[
    |number| number.to_string(),
    |number| format!("00000000-0000-4000-8000-{number:012}"),
    |number| format!("2000-01-01 00:00:{:02}", number % 60),
    |number| (number % 2 == 0).to_string(),
    |number| format!("192.0.2.{}", number % 256),
    |number| format!("08:00:2b:01:02:{:02x}", number % 256),
    |number| format!("08:00:2b:01:02:03:04:{:02x}", number % 256),
    |_| "{}".to_string(),
    |_| "empty".to_string(),
    |number| format!("({number},0)"),
    |number| format!("(({number},0),({number},1))"),
    |number| format!("<({number},0),1>"),
    |number| format!("a{number}"),
    |number| char::from(b'A' + u8::try_from(number % 26).unwrap_or_default()).to_string(),
    |number| {
        format!(
            "A{}",
            char::from(b'A' + u8::try_from(number % 26).unwrap_or_default())
        )
    },
    |number| {
        format!(
            "AB{}",
            char::from(b'A' + u8::try_from(number % 26).unwrap_or_default())
        )
    },
    |number| format!("name{number}@example.com"),
    |number| format!("https://example.com/{number}"),
    |number| format!("+4144000{number:04}"),
];

/// How values of each type are made.
pub struct MadeUp {
    /// By the type as SQL writes it.
    generators: BTreeMap<String, Generator>,
}

impl MadeUp {
    /// Asks the server which texts are values of the types of some columns.
    pub fn new<'c>(
        session: &mut Session,
        columns: impl Iterator<Item = &'c ColumnRow>,
    ) -> Result<Self, Failure> {
        let mut types: Vec<&str> = columns.map(|column| column.type_text.as_str()).collect();
        types.sort_unstable();
        types.dedup();
        let mut generators = BTreeMap::new();
        for (position, generator) in GENERATORS.iter().enumerate() {
            let open: Vec<&str> = types
                .iter()
                .copied()
                .filter(|name| !generators.contains_key(*name))
                .collect();
            if open.is_empty() {
                break;
            }
            for name in accepting(session, &open, *generator)? {
                generators.insert(name, GENERATORS[position]);
            }
        }
        Ok(Self { generators })
    }

    /// An expression for a value of a column. `None` if nothing is known of its type.
    pub fn value(&self, column: &ColumnRow, number: u32) -> Option<String> {
        let type_text = &column.type_text;
        if column.type_kind == "e" {
            return Some(format!("(enum_range(NULL::{type_text}))[1]"));
        }
        let text = self.generators.get(type_text)?(number);
        Some(format!("{}::{type_text}", literal(&text)))
    }

    /// The texts by which the setting names some tenants: the first that are values of all these types, or else those of
    /// the first type.
    pub fn tenants(&self, types: &[&str], numbers: &[u32]) -> Vec<String> {
        // A text takes every value, so it does not decide.
        let generators = types.iter().filter_map(|name| self.generators.get(*name));
        let narrow = generators.max_by_key(|generator| {
            GENERATORS
                .iter()
                .position(|one| std::ptr::fn_addr_eq(*one, **generator))
        });
        let generator = narrow.copied().unwrap_or(GENERATORS[0]);
        numbers.iter().map(|number| generator(*number)).collect()
    }
}

/// The types to which the texts of a generator can be cast.
fn accepting(session: &mut Session, types: &[&str], generator: Generator) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = types.iter().map(|name| literal(name)).collect();
    // The highest number is that of a tenant.
    let texts: Vec<String> = [1, 9, 21]
        .iter()
        .map(|number| literal(&generator(*number)))
        .collect();
    let rows: Vec<(String,)> = session.query(
        "the types of columns",
        &format!(
            "SELECT name FROM unnest(ARRAY[{}]) AS name WHERE pg_temp.table_registry_casts(name, ARRAY[{}])",
            names.join(", "),
            texts.join(", ")
        ),
    )?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Makes the function that tries a cast.
pub const CREATE_CASTS: &str = "
CREATE OR REPLACE FUNCTION pg_temp.table_registry_casts(name text, texts text[]) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    one text;
BEGIN
    FOREACH one IN ARRAY texts LOOP
        EXECUTE format('SELECT %L::%s', one, name);
    END LOOP;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END
$$";
