//! Values for made-up rows. They are chosen by the types of the columns alone, never by the policies that they try.

use std::collections::BTreeMap;

use sqlx::FromRow;

use crate::database::catalog::ColumnRow;
use crate::database::session::Session;
use crate::database::statements::literal;
use crate::failure::Failure;

/// Makes the text of a value. Different numbers make different values, where the type has enough of them.
type Generator = fn(u32) -> String;

/// In the order in which they are tried. The values from `a1` on are for domains with a CHECK constraint.
const GENERATORS: &[Generator] = &[
    |number| number.to_string(),
    |number| format!("00000000-0000-4000-8000-{number:012}"),
    |number| format!("2000-01-01 00:00:{:02}", number % 60),
    |number| (!matches!(number % 20, 4..=6)).to_string(),
    |number| format!("192.0.2.{}", number % 256),
    |number| format!("08:00:2b:01:02:{:02x}", number % 256),
    |number| format!("08:00:2b:01:02:03:04:{:02x}", number % 256),
    |number| format!("0.{number:02}"),
    |number| format!("0/{number}"),
    |number| format!("{number:08b}"),
    |_| "{}".to_string(),
    |_| "empty".to_string(),
    |_| String::new(),
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
    /// The first value of each enum type.
    labels: BTreeMap<String, String>,
}

#[derive(FromRow)]
struct Label {
    name: String,
    label: String,
}

impl MadeUp {
    /// Asks the server which texts are values of the types of some columns.
    pub fn new<'c>(
        session: &mut Session,
        columns: impl Iterator<Item = &'c ColumnRow>,
    ) -> Result<Self, Failure> {
        let labels: Vec<Label> = session.query(
            "the values of enum types",
            "SELECT DISTINCT ON (t.oid) format('%I.%I', n.nspname, t.typname) AS name, e.enumlabel::text AS label
             FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace JOIN pg_enum e ON e.enumtypid = t.oid
             ORDER BY t.oid, e.enumsortorder",
        )?;
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
        let labels = labels.into_iter().map(|one| (one.name, one.label)).collect();
        Ok(Self { generators, labels })
    }

    /// A constant for a column. `None` if nothing is known of its type. It has no type of its own, so that a role needs no
    /// right to use the type.
    pub fn value(&self, column: &ColumnRow, number: u32) -> Option<String> {
        if let Some(label) = self.labels.get(&column.type_text) {
            return Some(literal(label));
        }
        let generator = self.generators.get(&column.type_text)?;
        Some(literal(&generator(number)))
    }
}

/// The texts by which the setting names some tenants: the first that are different values of all types of tenant columns.
/// `None` if there are none.
pub fn tenants(
    session: &mut Session,
    types: &[&str],
    numbers: &[u32],
) -> Result<Option<Vec<String>>, Failure> {
    let mut names: Vec<String> = types.iter().map(|name| literal(name)).collect();
    names.sort();
    names.dedup();
    for generator in GENERATORS {
        let texts: Vec<String> = numbers.iter().map(|number| generator(*number)).collect();
        let list: Vec<String> = texts.iter().map(|text| literal(text)).collect();
        let query = format!(
            "SELECT name AS label, name FROM unnest(ARRAY[{}]::text[]) AS name \
             WHERE NOT pg_temp.table_registry_casts(name, ARRAY[{}], true)",
            names.join(", "),
            list.join(", ")
        );
        if session
            .query::<Label>("the types of tenant columns", &query)?
            .is_empty()
        {
            return Ok(Some(texts));
        }
    }
    Ok(None)
}

/// The types to which the texts of a generator can be cast.
fn accepting(session: &mut Session, types: &[&str], generator: Generator) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = types.iter().map(|name| literal(name)).collect();
    // The highest number is that of a new row.
    let texts: Vec<String> = [1, 9, 27]
        .iter()
        .map(|number| literal(&generator(*number)))
        .collect();
    let rows: Vec<(String,)> = session.query(
        "the types of columns",
        &format!(
            "SELECT name FROM unnest(ARRAY[{}]) AS name WHERE pg_temp.table_registry_casts(name, ARRAY[{}], false)",
            names.join(", "),
            texts.join(", ")
        ),
    )?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Makes the function that tries a cast, and whether it keeps different texts apart.
pub const CREATE_CASTS: &str = "
CREATE OR REPLACE FUNCTION pg_temp.table_registry_casts(name text, texts text[], apart boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    one text;
    value text;
    seen text[] := '{}';
BEGIN
    FOREACH one IN ARRAY texts LOOP
        EXECUTE format('SELECT (%L::%s)::text', one, name) INTO value;
        IF apart AND value = ANY (seen) THEN
            RETURN false;
        END IF;
        seen := seen || value;
    END LOOP;
    RETURN true;
EXCEPTION WHEN OTHERS THEN
    RETURN false;
END
$$";
