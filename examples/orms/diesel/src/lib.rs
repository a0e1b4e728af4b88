//! `#[table]` on row structs of Diesel, and a statement that only takes tables whose rows may change.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

pub mod models;
pub mod schema;

use diesel::associations::HasTable;
use diesel::debug_query;
use diesel::pg::Pg;
use diesel::query_builder::{DeleteStatement, IntoUpdateTarget, QueryFragment};
use table_registry::Mutable;

table_registry::table_registry!("models/");

/// The statement of Diesel that deletes every row.
pub type Delete<T> = DeleteStatement<
    <<T as HasTable>::Table as HasTable>::Table,
    <<T as HasTable>::Table as IntoUpdateTarget>::WhereClause,
>;

/// `DELETE` of every row, as SQL. The rows of `audit_logs` cannot be asked for: the revoke list names it.
///
/// ```compile_fail
/// orm_diesel::delete_all::<orm_diesel::models::AuditLog>();
/// ```
#[must_use]
pub fn delete_all<T>() -> String
where
    T: Mutable + HasTable,
    T::Table: IntoUpdateTarget,
    Delete<T>: QueryFragment<Pg>,
{
    debug_query::<Pg, _>(&diesel::delete(T::table())).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_is_that_of_diesel() {
        assert_eq!(delete_all::<models::User>(), "DELETE FROM \"users\" -- binds: []");
        assert_eq!(TABLE_NAMES, ["audit_logs", "users"]);
    }
}
