//! Table names, and the Rust identifiers made of them.

use std::fmt;

use heck::ToSnakeCase;
use proc_macro2::{Ident, Span};

use crate::report::Fault;

/// The most bytes of an identifier that PostgreSQL keeps (`NAMEDATALEN - 1`):
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
const MAX_BYTES: usize = 63;

/// A table, by name and perhaps by PostgreSQL schema. Displays as the registry
/// and the policy files spell it: `users`, `audit.events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// The PostgreSQL schema, if `#[table(schema = "…")]` gives one.
    pub schema: Option<String>,
    /// The name inside the schema.
    pub table: String,
}

impl TableName {
    /// The name that a struct has by default: its own in `snake_case`.
    #[must_use]
    pub fn of_struct(ident: &str) -> String {
        ident.to_snake_case()
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.schema {
            Some(schema) => write!(f, "{schema}.{}", self.table),
            None => f.write_str(&self.table),
        }
    }
}

/// What PostgreSQL, or a registry of names, cannot do with a name: the rule, what
/// to say after the name, and the way out.
#[derive(Debug, PartialEq, Eq)]
pub struct NameFault {
    /// The rule.
    pub code: Fault,
    /// What is wrong with the name.
    pub message: String,
    /// The way out.
    pub help: &'static str,
}

/// Checks one part of a name. `what` is `table name` or `schema name`.
///
/// # Errors
///
/// The first rule that the name breaks.
pub fn check(what: &str, name: &str) -> Result<(), NameFault> {
    let fault = |code, message, help| Err(NameFault { code, message, help });
    if name.is_empty() {
        let help = "leave the key out to take the default, or write a name";
        return fault(Fault::EmptyName, format!("{what} is empty"), help);
    }
    if name.contains('\0') {
        let message = format!("{what} contains the character NUL");
        let help = "remove it: a PostgreSQL identifier may contain every character but NUL";
        return fault(Fault::NulInName, message, help);
    }
    if name.len() > MAX_BYTES {
        let message = format!(
            "{what} is {} bytes long, but PostgreSQL keeps only {MAX_BYTES}",
            name.len()
        );
        let help = "shorten it: PostgreSQL cuts the name off and two tables may become one";
        return fault(Fault::NameTooLong, message, help);
    }
    if name.contains('.') {
        let message = format!("{what} `{name}` contains a dot");
        let help = "name the PostgreSQL schema on its own: `schema = \"…\", name = \"…\"`";
        return fault(Fault::DottedName, message, help);
    }
    Ok(())
}

/// The Rust identifier of the typed key of a table: the registered name, with `_`
/// for what no identifier may contain. Never a raw identifier: `r#` is added
/// where it is needed when the identifier is written.
#[must_use]
pub fn key(name: &str) -> String {
    let mut key: String = name
        .chars()
        .map(|c| if continues_identifier(c) { c } else { '_' })
        .collect();
    if !key.starts_with(starts_identifier) {
        key.insert(0, '_');
    }
    if !key.is_ascii()
        && let Ok(ident) = syn::parse_str::<Ident>(&key)
    {
        // The compiler has one form of each identifier (NFC), so that two spellings meet here.
        key = ident.to_string();
    }
    // The only words that are no identifiers even with `r#`.
    if matches!(key.as_str(), "_" | "crate" | "self" | "super" | "Self") {
        key.push('_');
    }
    key
}

fn starts_identifier(c: char) -> bool {
    c == '_' || c.is_ascii_alphabetic() || (!c.is_ascii() && is_identifier(&c.to_string()))
}

fn continues_identifier(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric() || (!c.is_ascii() && is_identifier(&format!("_{c}")))
}

/// Beyond ASCII the compiler itself is asked: it knows one version of Unicode, and panics on an
/// identifier of another. White space parses, too, but leaves less than it was.
fn is_identifier(text: &str) -> bool {
    syn::parse_str::<Ident>(text).is_ok_and(|ident| ident != "_")
}

/// A key as it has to be written: as a raw identifier, if it is a keyword.
#[must_use]
pub fn raw_where_needed(key: &str) -> String {
    if is_keyword(key) {
        format!("r#{key}")
    } else {
        key.to_owned()
    }
}

/// A key as an identifier at the given place.
#[must_use]
pub fn key_ident(key: &str, span: Span) -> Ident {
    if is_keyword(key) {
        Ident::new_raw(key, span)
    } else {
        Ident::new(key, span)
    }
}

fn is_keyword(key: &str) -> bool {
    // To ask syn takes long, and no keyword is longer.
    let longest = "continue".len();
    // A keyword of edition 2024 that syn does not know.
    key == "gen" || key.len() <= longest && syn::parse_str::<Ident>(key).is_err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_structs() {
        for (ident, name) in [
            ("User", "user"),
            ("AuditLogs", "audit_logs"),
            ("R2Files", "r2_files"),
            ("HTTPRequest", "http_request"),
            ("users", "users"),
            ("Größe", "größe"),
        ] {
            assert_eq!(TableName::of_struct(ident), name);
        }
    }

    #[test]
    fn the_limit_is_in_bytes() {
        assert_eq!(check("table name", &"x".repeat(63)), Ok(()));
        assert_eq!(
            check("table name", &"é".repeat(32)).unwrap_err().code,
            Fault::NameTooLong
        );
    }

    #[test]
    fn keys() {
        for (name, expected) in [
            ("users", "users"),
            ("audit.events", "audit_events"),
            ("order items", "order_items"),
            ("2fa", "_2fa"),
            ("type", "type"),
            ("self", "self_"),
            ("-", "__"),
            ("größe", "größe"),
            ("x\"; drop table y; --", "x___drop_table_y____"),
        ] {
            assert_eq!(key(name), expected);
        }
        for keyword in ["type", "gen", "async"] {
            let ident = key_ident(keyword, Span::call_site());
            assert_eq!(ident.to_string(), format!("r#{keyword}"));
        }
    }

    proptest! {
        #[test]
        fn every_name_has_a_key(name in "\\PC{0,70}") {
            let key = key(&name);
            let ident = key_ident(&key, Span::call_site()).to_string();
            prop_assert_eq!(ident.trim_start_matches("r#"), key.as_str());
            prop_assert_eq!(super::key(&key), key);
        }
    }
}
