//! A repository layer: the statements that the policies of a table permit.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use table_registry::{Appendable, Mutable, RowSecured};

/// `INSERT` into any table but a read-only one.
///
/// ```text
/// append::<tables::audit_logs>(&["id", "org_id"])
/// ```
#[must_use]
pub fn append<T: Appendable>(columns: &[&str]) -> String {
    let names: Vec<String> = columns.iter().map(|column| quoted(column)).collect();
    let values: Vec<String> = (1..=columns.len())
        .map(|position| format!("${position}"))
        .collect();
    format!(
        "INSERT INTO {} ({}) VALUES ({})",
        T::SQL_NAME,
        names.join(", "),
        values.join(", ")
    )
}

/// `UPDATE` of the row whose `id` is `$1`, except in append-only and read-only tables.
#[must_use]
pub fn update<T: Mutable>(columns: &[&str]) -> String {
    let assignments: Vec<String> = columns
        .iter()
        .zip(2..)
        .map(|(column, position)| format!("{} = ${position}", quoted(column)))
        .collect();
    format!(
        "UPDATE {} SET {} WHERE \"id\" = $1",
        T::SQL_NAME,
        assignments.join(", ")
    )
}

/// `DELETE` of the row whose `id` is `$1`, except from append-only and read-only tables.
#[must_use]
pub fn delete<T: Mutable>() -> String {
    format!("DELETE FROM {} WHERE \"id\" = $1", T::SQL_NAME)
}

/// The rows of the tenant `$1`, for tables whose rows belong to tenants.
#[must_use]
pub fn tenant_query<T: RowSecured>() -> String {
    format!("SELECT * FROM {} WHERE \"org_id\" = $1", T::SQL_NAME)
}

/// <https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS>
fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}
