//! The tables in which migration tools keep their own records.

const BOOKKEEPING: &[&str] = &[
    "SequelizeMeta",
    "__diesel_schema_migrations",
    "__drizzle_migrations",
    "__EFMigrationsHistory",
    "_prisma_migrations",
    "_sqlx_migrations",
    "alembic_version",
    "ar_internal_metadata",
    "atlas_schema_revisions",
    "databasechangelog",
    "databasechangeloglock",
    "django_migrations",
    "flyway_schema_history",
    "goose_db_version",
    "gorp_migrations",
    "knex_migrations",
    "knex_migrations_lock",
    "mikro_orm_migrations",
    "pgmigrations",
    "refinery_schema_history",
    "schema_migrations",
    "seaql_migrations",
    "typeorm_metadata",
];

/// Whether a table of this name belongs to a migration tool.
pub fn is_bookkeeping(table: &str) -> bool {
    BOOKKEEPING.contains(&table)
}
