//! `#[table]` on row structs of sqlx, and a query builder that only takes tables whose rows may change.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

pub mod schema;

use sqlx::{Postgres, QueryBuilder};
use table_registry::Mutable;

table_registry::table_registry!("schema/");

/// `DELETE` of one row. A row of `audit_logs` cannot be asked for: the revoke list names it.
///
/// ```compile_fail
/// orm_sqlx::delete::<orm_sqlx::schema::AuditLog>(1);
/// ```
#[must_use]
pub fn delete<T: Mutable>(id: i64) -> QueryBuilder<Postgres> {
    // A registered name, and none from outside.
    let mut query = QueryBuilder::new(format!("DELETE FROM \"{}\" WHERE id = ", T::NAME));
    query.push_bind(id);
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_names_the_registered_table() {
        let query = delete::<schema::Users>(7);
        assert_eq!(query.sql().as_str(), "DELETE FROM \"users\" WHERE id = $1");
        assert_eq!(TABLE_NAMES, ["audit_logs", "users"]);
    }
}
