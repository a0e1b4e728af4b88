//! Values for made-up rows. They are chosen by the types of the columns alone, never by the policies that they try.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::FromRow;

use crate::database::catalog::ColumnRow;
use crate::database::requirements::statements::literal;
use crate::database::server::session::Session;
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
    /// The first value of each enum, and a row of nulls for each composite type. Domains over these have it, too.
    constants: BTreeMap<String, String>,
}

#[derive(FromRow)]
struct Constant {
    name: String,
    value: String,
}

/// The first label of an enum that a domain over it takes, and a row of nulls for a composite type.
const CONSTANTS: &str = "
WITH RECURSIVE bases AS (
    SELECT oid AS named, oid AS base FROM pg_type WHERE typtype IN ('d', 'e', 'c')
    UNION ALL
    SELECT b.named, t.typbasetype FROM bases b JOIN pg_type t ON t.oid = b.base AND t.typtype = 'd'
),
candidates AS (
    SELECT b.named, e.enumsortorder AS position, e.enumlabel::text AS value
    FROM bases b JOIN pg_enum e ON e.enumtypid = b.base
    UNION ALL
    SELECT b.named, 0, '(' || repeat(',', count(a.attnum)::int - 1) || ')'
    FROM bases b JOIN pg_type t ON t.oid = b.base
    JOIN pg_attribute a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
    GROUP BY b.named
)
SELECT DISTINCT ON (name) name, value
FROM candidates c JOIN pg_type t ON t.oid = c.named JOIN pg_namespace n ON n.oid = t.typnamespace,
     format('%I.%I', n.nspname, t.typname) AS name
WHERE name = ANY (ARRAY[TYPES]::text[]) AND pg_temp.table_registry_casts(name, ARRAY[value], false)
ORDER BY name, position";

impl MadeUp {
    /// Asks the server which texts are values of the types of some columns.
    pub fn new<'c>(
        session: &mut Session,
        columns: impl Iterator<Item = &'c ColumnRow>,
    ) -> Result<Self, Failure> {
        let mut types: Vec<&str> = columns.map(|column| column.type_text.as_str()).collect();
        types.sort_unstable();
        types.dedup();
        let constants: Vec<Constant> = session.query(
            "the values of enum and composite types",
            &CONSTANTS.replace("TYPES", &literals(types.iter().copied())),
        )?;
        let constants: BTreeMap<String, String> =
            constants.into_iter().map(|one| (one.name, one.value)).collect();
        types.retain(|name| !constants.contains_key(*name));
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
        Ok(Self {
            generators,
            constants,
        })
    }

    /// A constant for a column. `None` if nothing is known of its type. It has no type of its own, so that a role needs no
    /// right to use the type.
    pub fn value(&self, column: &ColumnRow, number: u32) -> Option<String> {
        if let Some(constant) = self.constants.get(&column.type_text) {
            return Some(literal(constant));
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
    let names: BTreeSet<&str> = types.iter().copied().collect();
    let names = literals(names.into_iter());
    for generator in GENERATORS {
        let texts: Vec<String> = numbers.iter().map(|number| generator(*number)).collect();
        let query = format!(
            "SELECT name FROM unnest(ARRAY[{names}]::text[]) AS name \
             WHERE NOT pg_temp.table_registry_casts(name, ARRAY[{}], true)",
            literals(texts.iter().map(String::as_str))
        );
        if session
            .query::<(String,)>("the types of tenant columns", &query)?
            .is_empty()
        {
            return Ok(Some(texts));
        }
    }
    Ok(None)
}

/// The types to which the texts of a generator can be cast.
fn accepting(session: &mut Session, types: &[&str], generator: Generator) -> Result<Vec<String>, Failure> {
    // The highest number is that of a new row.
    let texts = [1, 9, 27].map(generator);
    let rows: Vec<(String,)> = session.query(
        "the types of columns",
        &format!(
            "SELECT name FROM unnest(ARRAY[{}]) AS name WHERE pg_temp.table_registry_casts(name, ARRAY[{}], false)",
            literals(types.iter().copied()),
            literals(texts.iter().map(String::as_str))
        ),
    )?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

/// Texts as the elements of an SQL array.
fn literals<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    texts.map(literal).collect::<Vec<_>>().join(", ")
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
