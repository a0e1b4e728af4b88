//! The tables in which migration tools keep their own records.

use crate::database::migrations::tool::Tool;

/// Those of tools whose migrations are not run here.
const OF_OTHERS: &[&str] = &[
    "SequelizeMeta",
    "__EFMigrationsHistory",
    "alembic_version",
    "ar_internal_metadata",
    "atlas_schema_revisions",
    "databasechangelog",
    "databasechangeloglock",
    "django_migrations",
    "knex_migrations",
    "knex_migrations_lock",
    "mikro_orm_migrations",
    "pgmigrations",
    "seaql_migrations",
    "typeorm_metadata",
];

/// Whether a table of this name belongs to a migration tool.
pub fn is_bookkeeping(table: &str) -> bool {
    let of_tools = Tool::ALL.iter().filter_map(|tool| tool.bookkeeping());
    OF_OTHERS.contains(&table) || of_tools.into_iter().any(|own| own.name() == table)
}

#[cfg(test)]
mod tests {
    use super::is_bookkeeping;

    #[test]
    fn tables_of_tools() {
        for table in [
            "_sqlx_migrations",
            "__diesel_schema_migrations",
            "refinery_schema_history",
            "flyway_schema_history",
            "schema_migrations",
            "goose_db_version",
            "gorp_migrations",
            "__drizzle_migrations",
            "_prisma_migrations",
            "seaql_migrations",
        ] {
            assert!(is_bookkeeping(table), "{table}");
        }
        assert!(!is_bookkeeping("invoices") && !is_bookkeeping("public.schema_migrations"));
    }
}
