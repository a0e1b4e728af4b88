//! `#[table]` on entities of SeaORM, and a statement that only takes tables whose rows may change.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

#[allow(missing_docs, reason = "SeaORM derives items without documentation")]
pub mod entities;

use sea_orm::{DbBackend, EntityTrait, QueryTrait};
use table_registry::Mutable;

table_registry::table_registry!("entities/");

/// `DELETE` of every row, as SQL. The rows of `audit_logs` cannot be asked for: the revoke list names it.
///
/// ```compile_fail
/// orm_sea_orm::delete_all::<orm_sea_orm::entities::audit_logs::Entity>();
/// ```
#[must_use]
pub fn delete_all<E>() -> String
where
    E: EntityTrait,
    E::Model: Mutable,
{
    E::delete_many().build(DbBackend::Postgres).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_statement_is_that_of_sea_orm() {
        assert_eq!(delete_all::<entities::users::Entity>(), "DELETE FROM \"users\"");
        assert_eq!(TABLE_NAMES, ["audit_logs", "users"]);
    }
}
