//! Table names, and the Rust identifiers made of them.

use std::fmt;

use heck::ToSnakeCase;
use proc_macro2::{Ident, Span};

use crate::report::Fault;

/// The number of bytes to which PostgreSQL truncates an identifier (`NAMEDATALEN - 1`):
/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>.
const MAX_BYTES: usize = 63;

/// The name of a table, with its PostgreSQL schema if one is given. Displays as the registry and the policy files
/// spell it: `users`, `audit.events`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableName {
    /// The PostgreSQL schema, if `#[table(schema = "…")]` gives one.
    pub schema: Option<String>,
    /// The name in that schema.
    pub table: String,
}

impl TableName {
    /// The default name of a struct's table: the struct's own name in `snake_case`.
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

/// Why a text cannot be the name of a table or schema.
#[derive(Debug, PartialEq, Eq)]
pub struct NameFault {
    /// The rule that the name breaks.
    pub code: Fault,
    /// What is wrong with the name.
    pub message: String,
    /// How to fix it.
    pub help: &'static str,
}

/// Checks one part of a name. `what` is `table name` or `schema name`.
///
/// # Errors
///
/// Fails with the first rule that the name breaks.
pub fn check(what: &str, name: &str) -> Result<(), NameFault> {
    check_identifier(what, name)?;
    if name.contains('.') {
        return Err(NameFault {
            code: Fault::DottedName,
            message: format!("{what} `{name}` contains a dot"),
            help: "give the PostgreSQL schema separately: `schema = \"…\", name = \"…\"`",
        });
    }
    Ok(())
}

/// Checks the name of something that is in no PostgreSQL schema, such as a column or a role. It may contain a dot.
///
/// # Errors
///
/// Fails with the first rule that the name breaks.
pub fn check_identifier(what: &str, name: &str) -> Result<(), NameFault> {
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
        let help = "shorten it: PostgreSQL would truncate it, and two tables could end up with the same name";
        return fault(Fault::NameTooLong, message, help);
    }
    Ok(())
}

/// The Rust identifier of a table's typed key: the registered name, with `_` for every character that an identifier
/// cannot contain. It is never a raw identifier: [`key_ident`] adds `r#` where it is needed.
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
        // Parsing normalises the identifier (NFC), as the compiler does, so that all its spellings become one.
        key = ident.to_string();
    }
    // Not even `r#` turns these into identifiers.
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

/// Asks the compiler, through `syn`: `Ident::new` panics on an identifier that the compiler's version of Unicode does
/// not know. `_` followed by a space that is not ASCII parses as well, namely as `_`.
fn is_identifier(text: &str) -> bool {
    syn::parse_str::<Ident>(text).is_ok_and(|ident| ident != "_")
}

/// A key as source text, as a raw identifier if it is a keyword.
#[must_use]
pub fn raw_where_needed(key: &str) -> String {
    if is_keyword(key) {
        format!("r#{key}")
    } else {
        key.to_owned()
    }
}

/// A key as an identifier with a span, as a raw identifier if it is a keyword.
#[must_use]
pub fn key_ident(key: &str, span: Span) -> Ident {
    if is_keyword(key) {
        Ident::new_raw(key, span)
    } else {
        Ident::new(key, span)
    }
}

fn is_keyword(key: &str) -> bool {
    // Parsing is slow, and no keyword is longer than this one.
    let longest = "continue".len();
    // `gen` is a keyword of edition 2024 that syn does not know.
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
