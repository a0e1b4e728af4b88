//! The tools that run migrations: how each recognises its files, orders them, and records what it has run.

use std::path::Path;

use crate::database::migrations::script::Statement;

/// A tool that runs the migrations of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Sqlx,
    Diesel,
    Refinery,
    Flyway,
    Dbmate,
    Goose,
    SqlMigrate,
    GolangMigrate,
    Drizzle,
    Prisma,
    Supabase,
    /// `.sql` files of no known tool.
    Plain,
}

impl Bookkeeping {
    /// The table without its schema.
    pub fn name(&self) -> &'static str {
        self.table.rsplit('.').next().unwrap_or(self.table)
    }
}

/// How a tool sends a migration to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sending {
    /// In a transaction.
    InTransaction,
    /// As one query outside a transaction. The server runs several statements in one query as one transaction.
    AsOneQuery,
    /// Statement by statement outside a transaction.
    OneByOne,
}

impl Sending {
    /// Whether the statements run in one transaction.
    pub fn is_transaction(self, statements: &[Statement]) -> bool {
        match self {
            Self::InTransaction => true,
            Self::AsOneQuery => statements.len() > 1,
            Self::OneByOne => false,
        }
    }
}

/// The statements with which a tool keeps track of what it has run.
pub struct Bookkeeping {
    pub table: &'static str,
    /// Creates the table where the tool does.
    pub create: &'static str,
    /// The columns of a row, and their values: `{version}` and `{name}` are literals of the migration.
    pub columns: &'static str,
    pub values: &'static str,
}

impl Tool {
    pub const ALL: &[Self] = &[
        Self::Sqlx,
        Self::Diesel,
        Self::Refinery,
        Self::Flyway,
        Self::Dbmate,
        Self::Goose,
        Self::SqlMigrate,
        Self::GolangMigrate,
        Self::Drizzle,
        Self::Prisma,
        Self::Supabase,
        Self::Plain,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlx => "sqlx",
            Self::Diesel => "Diesel",
            Self::Refinery => "refinery",
            Self::Flyway => "Flyway",
            Self::Dbmate => "dbmate",
            Self::Goose => "goose",
            Self::SqlMigrate => "sql-migrate",
            Self::GolangMigrate => "golang-migrate",
            Self::Drizzle => "drizzle",
            Self::Prisma => "Prisma",
            Self::Supabase => "the Supabase CLI",
            Self::Plain => "this program",
        }
    }

    /// How it sends a migration that asks for no transaction, if its files can ask for that.
    pub fn without_transaction(self) -> Option<Sending> {
        match self {
            Self::Sqlx | Self::Diesel | Self::Dbmate => Some(Sending::AsOneQuery),
            Self::Goose | Self::SqlMigrate | Self::Flyway | Self::Plain => Some(Sending::OneByOne),
            Self::Refinery | Self::GolangMigrate | Self::Drizzle | Self::Prisma | Self::Supabase => None,
        }
    }

    /// How it sends a migration that asks for nothing.
    pub fn usual(self) -> Sending {
        match self {
            Self::GolangMigrate | Self::Prisma => Sending::AsOneQuery,
            _ => Sending::InTransaction,
        }
    }

    /// Whether it orders versions as texts, and not as numbers.
    pub fn orders_texts(self) -> bool {
        matches!(self, Self::Diesel | Self::Dbmate | Self::Prisma | Self::Supabase)
    }

    /// Whether it notices by itself that a statement cannot run in a transaction.
    pub fn notices_concurrently(self) -> bool {
        matches!(self, Self::Flyway | Self::Plain)
    }

    /// Why a statement that cannot run in a transaction ran in one, and what helps.
    pub fn transaction_rule(self, is_asked_for: bool) -> (String, &'static str) {
        const ALONE: &str = "put the statement into a migration of its own";
        let name = self.name();
        if is_asked_for || self.usual() == Sending::AsOneQuery {
            let note = format!(
                "{name} sends a migration as one query, and PostgreSQL runs several statements in one query as one transaction"
            );
            return (note, ALONE);
        }
        let note = format!("{name} runs each migration in a transaction");
        let help = match self {
            Self::Sqlx => {
                "put the statement into a migration of its own, whose first line is `-- no-transaction`"
            }
            Self::Diesel => {
                "put the statement into a migration of its own, with `run_in_transaction = false` in a file `metadata.toml` beside `up.sql`"
            }
            Self::Dbmate => {
                "put the statement into a migration of its own, with `-- migrate:up transaction:false`"
            }
            Self::Goose => "put the statement into a migration of its own, with `-- +goose NO TRANSACTION`",
            Self::SqlMigrate => {
                "put the statement into a migration of its own, with `-- +migrate Up notransaction`"
            }
            Self::Plain => {
                "put the statement into a migration of its own that starts with `-- no-transaction`"
            }
            _ => "run the statement outside the migrations, or without CONCURRENTLY",
        };
        (note, help)
    }

    pub fn bookkeeping(self) -> Option<Bookkeeping> {
        Some(match self {
            Self::Sqlx => Bookkeeping {
                table: "_sqlx_migrations",
                create: "CREATE TABLE IF NOT EXISTS _sqlx_migrations (version BIGINT PRIMARY KEY, description TEXT NOT NULL, \
                    installed_on TIMESTAMPTZ NOT NULL DEFAULT now(), success BOOLEAN NOT NULL, checksum BYTEA NOT NULL, \
                    execution_time BIGINT NOT NULL)",
                columns: "version, description, success, checksum, execution_time",
                values: "{version}, {name}, true, ''::bytea, 0",
            },
            Self::Diesel => Bookkeeping {
                table: "__diesel_schema_migrations",
                create: "CREATE TABLE IF NOT EXISTS __diesel_schema_migrations (version VARCHAR(50) PRIMARY KEY NOT NULL, \
                    run_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)",
                columns: "version",
                values: "{version}",
            },
            Self::Refinery => Bookkeeping {
                table: "refinery_schema_history",
                create: "CREATE TABLE IF NOT EXISTS refinery_schema_history (version INT8 PRIMARY KEY, name VARCHAR(255), \
                    applied_on VARCHAR(255), checksum VARCHAR(255))",
                columns: "version, name, applied_on, checksum",
                values: "{version}, {name}, now()::text, '0'",
            },
            Self::Flyway => Bookkeeping {
                table: "flyway_schema_history",
                create: "CREATE TABLE IF NOT EXISTS flyway_schema_history (installed_rank INT PRIMARY KEY, version VARCHAR(50), \
                    description VARCHAR(200) NOT NULL, type VARCHAR(20) NOT NULL, script VARCHAR(1000) NOT NULL, \
                    checksum INTEGER, installed_by VARCHAR(100) NOT NULL, installed_on TIMESTAMP NOT NULL DEFAULT now(), \
                    execution_time INTEGER NOT NULL, success BOOLEAN NOT NULL)",
                columns: "installed_rank, version, description, type, script, installed_by, execution_time, success",
                values: "{rank}, nullif({version}, ''), {name}, 'SQL', {name}, current_user, 0, true",
            },
            Self::Dbmate => Bookkeeping {
                table: "public.schema_migrations",
                create: "CREATE TABLE IF NOT EXISTS public.schema_migrations (version VARCHAR(128) PRIMARY KEY)",
                columns: "version",
                values: "{version}",
            },
            Self::Goose => Bookkeeping {
                table: "goose_db_version",
                create: "CREATE TABLE IF NOT EXISTS goose_db_version (id INTEGER PRIMARY KEY GENERATED BY DEFAULT AS IDENTITY, \
                    version_id BIGINT NOT NULL, is_applied BOOLEAN NOT NULL, tstamp TIMESTAMP NOT NULL DEFAULT now())",
                columns: "version_id, is_applied",
                values: "{version}, true",
            },
            Self::SqlMigrate => Bookkeeping {
                table: "gorp_migrations",
                create: "CREATE TABLE IF NOT EXISTS gorp_migrations (id TEXT NOT NULL PRIMARY KEY, applied_at TIMESTAMPTZ)",
                columns: "id, applied_at",
                values: "{name}, now()",
            },
            Self::GolangMigrate => Bookkeeping {
                table: "schema_migrations",
                create: "CREATE TABLE IF NOT EXISTS schema_migrations (version BIGINT NOT NULL PRIMARY KEY, dirty BOOLEAN NOT NULL)",
                columns: "version, dirty",
                values: "{version}, false",
            },
            Self::Drizzle => Bookkeeping {
                table: "drizzle.__drizzle_migrations",
                create: "CREATE SCHEMA IF NOT EXISTS drizzle; CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations \
                    (id SERIAL PRIMARY KEY, hash TEXT NOT NULL, created_at BIGINT)",
                columns: "hash, created_at",
                values: "{name}, {rank}",
            },
            Self::Prisma => Bookkeeping {
                table: "_prisma_migrations",
                create: "CREATE TABLE IF NOT EXISTS _prisma_migrations (id VARCHAR(36) PRIMARY KEY NOT NULL, \
                    checksum VARCHAR(64) NOT NULL, finished_at TIMESTAMPTZ, migration_name VARCHAR(255) NOT NULL, logs TEXT, \
                    rolled_back_at TIMESTAMPTZ, started_at TIMESTAMPTZ NOT NULL DEFAULT now(), \
                    applied_steps_count INTEGER NOT NULL DEFAULT 0)",
                columns: "id, checksum, finished_at, migration_name, applied_steps_count",
                values: "{rank}::text, '', now(), {name}, 1",
            },
            Self::Supabase => Bookkeeping {
                table: "supabase_migrations.schema_migrations",
                create: "CREATE SCHEMA IF NOT EXISTS supabase_migrations; CREATE TABLE IF NOT EXISTS \
                    supabase_migrations.schema_migrations (version TEXT NOT NULL PRIMARY KEY, statements TEXT[], name TEXT)",
                columns: "version, name",
                values: "{version}, {name}",
            },
            Self::Plain => return None,
        })
    }
}

/// The tool that owns a directory, by the names of its files and the first text.
pub fn of_files(directory: &Path, names: &[String], first: &str) -> Tool {
    let any = |test: &dyn Fn(&str) -> bool| names.iter().any(|name| test(name));
    let head = |word: &str| {
        let mut lines = first
            .lines()
            .map(|line| line.trim().trim_start_matches('-').trim_start());
        lines.any(|line| line.starts_with(word))
    };
    if any(&|name| name.ends_with("/up.sql")) {
        Tool::Diesel
    } else if any(&|name| name.ends_with("/migration.sql")) {
        Tool::Prisma
    } else if head("migrate:up") {
        Tool::Dbmate
    } else if head("+goose ") {
        Tool::Goose
    } else if head("+migrate ") {
        Tool::SqlMigrate
    } else if any(&is_of_flyway) {
        Tool::Flyway
    } else if any(&|name| versioned('V', name).is_some()) {
        Tool::Refinery
    } else if directory.ends_with("supabase/migrations") {
        Tool::Supabase
    } else if any(&is_of_golang) {
        Tool::GolangMigrate
    } else if !names.is_empty() && names.iter().all(|name| is_of_sqlx(name)) {
        Tool::Sqlx
    } else {
        Tool::Plain
    }
}

/// The version of `V1__name.sql` and `V1.2__name.sql`.
pub fn versioned(prefix: char, name: &str) -> Option<&str> {
    let (version, _) = name.strip_prefix(prefix)?.split_once("__")?;
    let is_version = version.starts_with(|c: char| c.is_ascii_digit());
    is_version.then_some(version)
}

/// Names that refinery does not know: repeatable migrations, and versions of several parts.
fn is_of_flyway(name: &str) -> bool {
    let is_sql = || {
        Path::new(name)
            .extension()
            .is_some_and(|extension| extension == "sql")
    };
    name.starts_with("R__") && is_sql()
        || versioned('V', name).is_some_and(|version| version.contains(['.', '_']))
}

/// The names of `migrate create -seq`: `000001_name.up.sql`.
fn is_of_golang(name: &str) -> bool {
    let number = name.split('_').next().unwrap_or_default();
    number.len() == 6 && number.bytes().all(|byte| byte.is_ascii_digit()) && name.ends_with(".up.sql")
}

/// `20240101000000_name.sql`, and `1_name.up.sql`.
fn is_of_sqlx(name: &str) -> bool {
    let number = name.split_once('_').map_or("", |(number, _)| number);
    !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_by_their_files() {
        for (names, first, tool) in [
            (&["20240101_a.sql", "20240102_b.up.sql"][..], "", Tool::Sqlx),
            (&["2024-01-01-000000_a/up.sql"], "", Tool::Diesel),
            (&["20240101_a/migration.sql"], "", Tool::Prisma),
            (&["V1__a.sql", "U2__b.sql"], "", Tool::Refinery),
            (&["V1__a.sql", "R__views.sql"], "", Tool::Flyway),
            (&["V1.1__a.sql"], "", Tool::Flyway),
            (&["000001_a.up.sql"], "", Tool::GolangMigrate),
            (&["20240101_a.sql"], "\n-- migrate:up\n", Tool::Dbmate),
            (&["00001_a.sql"], "-- +goose Up\n", Tool::Goose),
            (&["1_a.sql"], "-- +migrate Up\n", Tool::SqlMigrate),
            (&["1.sql", "views.sql"], "", Tool::Plain),
            (&["1_a.sql", "views.sql"], "", Tool::Plain),
        ] {
            let names: Vec<String> = names.iter().map(ToString::to_string).collect();
            assert_eq!(
                of_files(Path::new("migrations"), &names, first),
                tool,
                "{names:?}"
            );
        }
        let names = ["20240101000000_a.sql".to_string()];
        assert_eq!(
            of_files(Path::new("supabase/migrations"), &names, ""),
            Tool::Supabase
        );
    }
}
