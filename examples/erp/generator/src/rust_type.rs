//! The Rust type for each SQL type.

/// The Rust type of a column, with its imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RustType {
    /// The type, as written in a field.
    pub name: &'static str,
    /// The imports that it needs.
    pub imports: &'static [Import],
}

/// An item of another crate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// The name of the crate in a path.
    pub krate: &'static str,
    /// The name of the item, at the root of the crate.
    pub item: &'static str,
}

impl Import {
    pub(crate) const fn new(krate: &'static str, item: &'static str) -> Self {
        Self { krate, item }
    }
}

impl RustType {
    /// The type for an SQL type; nothing for a type that the schema does not use.
    #[must_use]
    pub fn of_sql(sql_type: &str) -> Option<Self> {
        let (name, imports): (_, &[Import]) = match sql_type {
            "bigint" => ("i64", &[]),
            "boolean" => ("bool", &[]),
            "date" => ("NaiveDate", &[NAIVE_DATE]),
            "double precision" => ("f64", &[]),
            "integer" => ("i32", &[]),
            "jsonb" => ("Value", &[VALUE]),
            "text" | "tsvector" => ("String", &[]),
            "text[]" => ("Vec<String>", &[]),
            "timestamp" => ("NaiveDateTime", &[NAIVE_DATE_TIME]),
            "timestamp with time zone" => ("DateTime<Utc>", &[DATE_TIME, UTC]),
            "uuid" => ("Uuid", &[UUID]),
            _ if is_numeric(sql_type) => ("Decimal", &[DECIMAL]),
            _ => return None,
        };
        Some(Self { name, imports })
    }
}

const DATE_TIME: Import = Import::new("chrono", "DateTime");
const DECIMAL: Import = Import::new("rust_decimal", "Decimal");
const NAIVE_DATE: Import = Import::new("chrono", "NaiveDate");
const NAIVE_DATE_TIME: Import = Import::new("chrono", "NaiveDateTime");
const UTC: Import = Import::new("chrono", "Utc");
const UUID: Import = Import::new("uuid", "Uuid");
const VALUE: Import = Import::new("serde_json", "Value");

fn is_numeric(sql_type: &str) -> bool {
    sql_type.starts_with("numeric(") && sql_type.ends_with(')')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numeric_of_any_precision_is_decimal() {
        assert_eq!(RustType::of_sql("numeric(20, 6)").unwrap().name, "Decimal");
    }

    #[test]
    fn an_unknown_type_is_not_guessed() {
        for sql_type in ["", "money", "numerical", "uuid[]", "TEXT", "timestamp(3)"] {
            assert_eq!(RustType::of_sql(sql_type), None, "{sql_type}");
        }
    }
}
