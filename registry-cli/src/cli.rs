//! The arguments, as clap defines them. Doc comments here are the text of `--help`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use table_registry_core::TableKind;

use crate::scaffold::{ColumnArgument, TenantArgument};

/// Adds, reviews and audits the tables of a table registry.
///
/// The program finds the schema directories and the policy files through the crate and its `table_registry!` call, so
/// they are not configured anywhere else. It reads sources without compiling them, so the crate need not compile.
#[derive(Debug, Parser)]
#[command(
    name = "cargo-table-registry",
    bin_name = "cargo table-registry",
    version,
    after_help = EXIT_CODES,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct CommandLine {
    #[command(flatten)]
    pub color: colorchoice_clap::Color,
    /// Print only findings and data: no progress, and no lines about what was done.
    #[arg(short, long, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing failed; warnings alone do not fail
  1  something failed: an error, a stale file, or a finding of level `deny`
  2  wrong usage, or input that cannot be read";

impl CommandLine {
    /// Reads the arguments of this process. Cargo passes the name of the subcommand as the first one.
    pub fn read() -> Self {
        Self::parse_from(without_subcommand(std::env::args_os().collect()))
    }
}

fn without_subcommand(mut arguments: Vec<OsString>) -> Vec<OsString> {
    if arguments.get(1).is_some_and(|first| first == "table-registry") {
        arguments.remove(1);
    }
    arguments
}

/// The packages to work on.
#[derive(Args, Debug)]
#[command(next_help_heading = "Package selection")]
pub struct Selection {
    /// A package to work on, by name; may be repeated.
    ///
    /// Default: the package of the current directory; in the root of a workspace, every package
    /// that calls `table_registry!`.
    #[arg(short, long = "package", value_name = "NAME")]
    pub packages: Vec<String>,
    /// Work on all packages of the workspace that call `table_registry!`.
    #[arg(long, conflicts_with = "packages")]
    pub workspace: bool,
    /// The path to Cargo.toml.
    #[arg(long, value_name = "PATH")]
    pub manifest_path: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Prepare a crate: dependency, `table_registry!` call, policy files, schema folder
    ///
    /// Nothing is overwritten, so it is safe to run twice.
    #[command(after_help = "\
Examples:
  cargo table-registry init
  cargo table-registry init -p billing --directory models")]
    Init(InitArguments),
    /// Add a table: its file, its `mod` line, its entry in the revoke list
    ///
    /// The new file holds a struct with `#[table]`. Nothing is written if the compiler would reject the result.
    #[command(after_help = "\
Examples:
  cargo table-registry new invoices --column customer_id:i64 --column total_cents:i64
  cargo table-registry new audit_logs --kind evidence --revoke
  cargo table-registry new lines --tenant 'through(invoice_id -> invoices)'")]
    New(NewArguments),
    /// Override the kind that a table's struct declares
    ///
    /// Edits `[overrides]` in the policy file; comments, order and layout stay. Nothing is written if the compiler
    /// would reject the result.
    #[command(after_help = "\
Examples:
  cargo table-registry override users roles system
  cargo table-registry override users --remove")]
    Override(OverrideArguments),
    /// Make a table append-only
    ///
    /// Edits the revoke list in `revoke.toml`; comments, order and layout stay. Nothing is written if the compiler
    /// would reject the result.
    #[command(after_help = "\
Examples:
  cargo table-registry revoke audit_logs
  cargo table-registry revoke countries --all-writes
  cargo table-registry revoke login_history --reason 'a log of logins, which belong to no tenant'")]
    Revoke(RevokeArguments),
    /// Exempt a table that exists in the database without a struct
    ///
    /// Edits `[exempt]` in the policy file; comments, order and layout stay. Nothing is written if the compiler would
    /// reject the result.
    #[command(after_help = "\
Examples:
  cargo table-registry exempt search_jobs --reason 'used by the search service only'")]
    Exempt(ExemptArguments),
    /// Write the lock file and the generated `mod.rs` files
    ///
    /// `table-registry.lock` has one line per table, sorted, so that reviewers see what a change does.
    /// A `mod.rs` with `@generated` in a comment at its top gets one `mod` line for each file beside it.
    #[command(after_help = "\
Examples:
  cargo table-registry sync
  cargo table-registry sync --check --format github")]
    Sync(SyncArguments),
    /// Check the conventions of the schema
    ///
    /// `[lints]` in the policy file sets the levels and options of the rules. `explain` describes each rule.
    #[command(after_help = "\
Examples:
  cargo table-registry lint
  cargo table-registry lint --workspace --deny-warnings")]
    Lint(LintArguments),
    /// Print the SQL that makes a database obey the registry
    ///
    /// The output is a migration that can be run repeatedly. It enables row-level security, creates the policies and
    /// protects append-only tables. `[database]` in the policy file names the roles, `[tenancy]` the tenant column and
    /// the setting.
    #[command(after_help = "\
Examples:
  cargo table-registry sql --write migrations
  cargo table-registry sql --diff --migrations migrations
  cargo table-registry sql --diff --database-url postgres://owner@localhost/shop
  cargo table-registry sql --indexes --table invoices")]
    Sql(SqlArguments),
    /// Check that a real PostgreSQL database obeys the registry
    ///
    /// Reads the system catalogs in one read-only transaction. The database is taken from `--database-url`, from the
    /// variable `DATABASE_URL`, or from the variables and the password file of libpq.
    #[command(after_help = "\
Examples:
  cargo table-registry verify --migrations migrations --probe
  cargo table-registry verify --database-url postgres://reader@localhost/shop --data
  cargo table-registry verify --migrations migrations --format sarif")]
    Verify(VerifyArguments),
    /// Print which rows each role reaches with each command
    ///
    /// Each role of the application tries each command on rows of its own tenant, on rows of other tenants, and without
    /// a tenant, as `verify --probe` does. With `--check`, fails if a role reaches more than a committed file says.
    #[command(after_help = "\
Examples:
  cargo table-registry matrix --migrations migrations
  cargo table-registry matrix --migrations migrations --write table-registry.matrix.toml
  cargo table-registry matrix --migrations migrations --check table-registry.matrix.toml")]
    Matrix(MatrixArguments),
    /// Print every table
    #[command(after_help = "\
Examples:
  cargo table-registry list
  cargo table-registry list --kind evidence --format json")]
    List(ListArguments),
    /// Explain a diagnostic, a lint or a check, with an example and the fix
    ///
    /// Without a code, prints the list of all codes.
    #[command(after_help = "\
Examples:
  cargo table-registry explain
  cargo table-registry explain open-policy")]
    Explain(ExplainArguments),
    /// Print a completion script for a shell
    ///
    /// The script completes the program under its own name, `cargo-table-registry`. For example, in bash:
    /// `cargo table-registry completions bash > ~/.local/share/bash-completion/completions/cargo-table-registry`
    Completions(CompletionsArguments),
}

#[derive(Args, Debug)]
pub struct InitArguments {
    /// The directory for the schema, beside the crate root. It is created if it does not exist.
    ///
    /// Default: `schema`, or `models` if there is only a file `schema.rs`, as in Diesel.
    #[arg(long, value_name = "NAME")]
    pub directory: Option<String>,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct NewArguments {
    /// The table's name, in `snake_case`.
    pub name: String,
    /// What the table holds.
    #[arg(short, long, value_parser = kind_parser(), default_value = "truth")]
    pub kind: TableKind,
    /// Make the table append-only: add it to the revoke list.
    #[arg(long)]
    pub revoke: bool,
    /// How its rows belong to tenants, if not by the column in `[tenancy]`: `account_id`, `through(project_id -> projects)`.
    #[arg(long, value_name = "COLUMN")]
    pub tenant: Option<TenantArgument>,
    /// A column, with its Rust type; may be repeated.
    ///
    /// `id`, the tenant column and the timestamps are added by default, unless a column of the same name is given. They
    /// have the type that other tables give them.
    #[arg(short, long = "column", value_name = "NAME:TYPE")]
    pub columns: Vec<ColumnArgument>,
    /// The schema directory for the new file, as written in `table_registry!`.
    ///
    /// Default: the first one.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<String>,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
#[command(
    override_usage = "cargo table-registry override <TABLE>... <KIND>\n       cargo table-registry override <TABLE>... --remove"
)]
pub struct OverrideArguments {
    /// The tables, followed by the kind to use instead of the declared one.
    #[arg(value_name = "TABLE", required = true)]
    pub words: Vec<String>,
    /// Remove the overrides.
    #[arg(long)]
    pub remove: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct RevokeArguments {
    /// The tables.
    #[arg(value_name = "TABLE", required = true)]
    pub tables: Vec<String>,
    /// Make the tables read-only: revoke INSERT, too.
    #[arg(long, conflicts_with = "remove")]
    pub all_writes: bool,
    /// Why the rows of a system table never change.
    #[arg(long, conflicts_with_all = ["remove", "all_writes"])]
    pub reason: Option<String>,
    /// Remove the tables from the revoke list.
    #[arg(long)]
    pub remove: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
#[command(
    override_usage = "cargo table-registry exempt <TABLE>... --reason <REASON>\n       cargo table-registry exempt <TABLE>... --remove"
)]
pub struct ExemptArguments {
    /// The tables.
    #[arg(value_name = "TABLE", required = true)]
    pub tables: Vec<String>,
    /// Why the tables have no struct.
    #[arg(long, required_unless_present = "remove")]
    pub reason: Option<String>,
    /// Remove the exemptions.
    #[arg(long, conflicts_with = "reason")]
    pub remove: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct SyncArguments {
    /// Write nothing; print a diff and fail if anything would change.
    #[arg(long)]
    pub check: bool,
    /// The output format.
    #[arg(long, value_enum, default_value_t, requires = "check")]
    pub format: SyncFormat,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct LintArguments {
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: LintFormat,
    /// Treat warnings as errors.
    #[arg(long)]
    pub deny_warnings: bool,
    /// Print each finding in full, with an excerpt.
    ///
    /// Otherwise, more than four findings of the same rule are printed as a group, with all their places.
    #[arg(short, long)]
    pub verbose: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "one for each option without a value"
)]
pub struct SqlArguments {
    /// Print the SQL that undoes the migration.
    ///
    /// Earlier grants are not known: UPDATE and DELETE on append-only tables are granted to the application's roles,
    /// and nothing to anyone else.
    #[arg(long)]
    pub down: bool,
    /// Print only what a database lacks; exit code 1 if it lacks anything, 0 if it lacks nothing.
    ///
    /// The database is the one of `--database-url`, or the result of `--migrations`. To find out how the server spells
    /// a policy, the program creates the policy on a temporary table and rolls back. That needs the TEMPORARY privilege
    /// on the database and SELECT on the tables.
    #[arg(long, conflicts_with = "down")]
    pub diff: bool,
    /// With `--diff`, exit with 0 even if the database lacks something.
    #[arg(long, requires = "diff")]
    pub exit_zero: bool,
    /// Write a migration into this directory instead of printing it.
    ///
    /// The file has the name and the layout that the directory's migration tool expects, and the next version. Nothing
    /// is overwritten, and nothing is written if the migration would be empty.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["down", "transaction_per_table"])]
    pub write: Option<PathBuf>,
    /// Print the indexes that the policies need, and nothing else.
    ///
    /// An index should start with the tenant column, or with the columns by which a child refers to its parent. The
    /// statements must run outside a transaction. With `--diff`, prints only the indexes that the database lacks.
    #[arg(long, conflicts_with_all = ["down", "transaction_per_table"])]
    pub indexes: bool,
    /// Only this table; may be repeated.
    #[arg(long, value_name = "NAME")]
    pub table: Vec<String>,
    /// Put each table into a transaction of its own, so that no lock is held longer than one table takes.
    #[arg(long)]
    pub transaction_per_table: bool,
    /// The database for `--diff`, as `postgres://USER@HOST:PORT/DATABASE`.
    ///
    /// Default: `DATABASE_URL`, or the variables and the password file of libpq.
    #[arg(long, value_name = "URL", requires = "diff")]
    pub database_url: Option<String>,
    #[command(flatten)]
    pub server: MigrationArguments,
    #[command(flatten)]
    pub selection: Selection,
}

/// A throwaway server instead of a database.
#[derive(Args, Debug)]
pub struct MigrationArguments {
    /// Use the result of these migrations, on a throwaway server.
    ///
    /// The server is started from the PostgreSQL server binaries on this machine: those beside the `initdb` on the
    /// `PATH`, else those that `pg_config --bindir` names, else the newest installed version. The directories of sqlx,
    /// Diesel, drizzle, Prisma, Flyway, refinery, dbmate, goose, golang-migrate, sql-migrate and Supabase, and plain
    /// `.sql` files, are recognised. Migrations run as their tool runs them, in its order and its transactions.
    ///
    /// The migrations run as the owner of the database, which is not a superuser: `owner` in `[database]`, or a role
    /// that is made up. A statement that only a superuser may run is run by one, and reported. Roles that migrations
    /// name but nothing creates are made up.
    #[arg(long, value_name = "DIR", conflicts_with = "database_url")]
    pub migrations: Option<PathBuf>,
    /// An SQL file that a superuser runs before the migrations, after the files of `setup` in `[database]`; may be
    /// repeated.
    #[arg(long, value_name = "FILE", requires = "migrations")]
    pub setup: Vec<PathBuf>,
    /// The major version of the throwaway server, if several are installed: 13 to 18.
    #[arg(long, value_name = "NUMBER", requires = "migrations")]
    pub postgres_version: Option<String>,
}

#[derive(Args, Debug)]
pub struct VerifyArguments {
    /// The database, as `postgres://USER@HOST:PORT/DATABASE`; may be repeated.
    ///
    /// Several databases get one report. A finding that concerns only some of the databases names them.
    #[arg(long, value_name = "URL")]
    pub database_url: Vec<String>,
    #[command(flatten)]
    pub server: MigrationArguments,
    /// Also attempt, as each role of the application, what the database must refuse.
    ///
    /// With `--migrations`, every table gets made-up rows of several tenants. Each role tries to read, insert, update
    /// and delete rows of other tenants, and to move rows between tenants, while the setting holds a tenant, was never
    /// set, or is empty. Each attempt is rolled back. An attempt that is not refused, but fails with another error, is
    /// reported.
    ///
    /// In an existing database, nothing that could write is run: each role reads the rows that are there, policies are
    /// evaluated by SELECT on made-up rows, and EXPLAIN shows which changes a role may run. The connecting role must be
    /// able to become those roles; a statement that would wait for a lock fails.
    #[arg(long)]
    pub probe: bool,
    /// Also compare the tenants of rows that refer to each other.
    ///
    /// For each foreign key without the tenant column, counts the rows whose tenant differs from that of the row they
    /// refer to. Writes nothing. Each query reads whole tables, and is cancelled after a minute. The connecting role
    /// must see the rows of all tenants, as a superuser or a role with BYPASSRLS does.
    #[arg(long)]
    pub data: bool,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: VerifyFormat,
    /// Print each finding in full, with its place and its evidence.
    ///
    /// Otherwise, findings of the same code are printed as a group, with the names of all objects that they concern.
    #[arg(short, long)]
    pub verbose: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct MatrixArguments {
    /// The database, as `postgres://USER@HOST:PORT/DATABASE`.
    ///
    /// Nothing that could write is run there: each role reads the rows that are there, and policies are evaluated by
    /// SELECT. What cannot be found out in this way is shown as `?`.
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    #[command(flatten)]
    pub server: MigrationArguments,
    /// Fail if a role reaches more rows than this file says.
    ///
    /// A line that lists less than the role reaches is an error. A line that lists more is a warning.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["write", "format"])]
    pub check: Option<PathBuf>,
    /// Write the matrix to this file, such as `table-registry.matrix.toml`.
    #[arg(long, value_name = "FILE", conflicts_with = "format")]
    pub write: Option<PathBuf>,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct ListArguments {
    /// Only tables of this kind; may be repeated.
    #[arg(short, long, value_parser = kind_parser())]
    pub kind: Vec<TableKind>,
    /// The output format.
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct ExplainArguments {
    /// The code at the end of a diagnostic, such as `unknown-override`.
    pub code: Option<String>,
}

#[derive(Args, Debug)]
pub struct CompletionsArguments {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// The output formats of `sync --check`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SyncFormat {
    /// With excerpts of the sources, for people
    #[default]
    Human,
    /// As annotations of GitHub Actions
    Github,
}

/// The output formats of `lint`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LintFormat {
    /// With excerpts of the sources, for people
    #[default]
    Human,
    /// As annotations of GitHub Actions
    Github,
    /// One object with `version` and `findings`
    Json,
}

/// The output formats of `verify`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum VerifyFormat {
    /// With excerpts of the sources, for people
    #[default]
    Human,
    /// As annotations of GitHub Actions
    Github,
    /// One object with `version` and `findings`
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

/// The output formats of `list` and `matrix`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// In columns
    #[default]
    Table,
    /// One object with a `version`
    Json,
    /// A table in Markdown
    Markdown,
}

fn kind_parser() -> impl TypedValueParser<Value = TableKind> {
    PossibleValuesParser::new(TableKind::ALL.map(TableKind::as_str)).try_map(|kind| kind.parse::<TableKind>())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_valid() {
        CommandLine::command().debug_assert();
    }

    /// The examples in `--help` are commands that the program accepts.
    #[test]
    fn the_examples_are_valid() {
        for command in CommandLine::command().get_subcommands() {
            let help = command
                .get_after_help()
                .map(ToString::to_string)
                .unwrap_or_default();
            let examples: Vec<&str> = help.lines().filter_map(|line| line.strip_prefix("  ")).collect();
            assert!(!examples.is_empty() || command.get_name() == "completions");
            for example in examples {
                let (start, quoted) = example.split_once(" '").unwrap_or((example, ""));
                let quoted = quoted.trim_end_matches('\'');
                let words = start.split(' ').chain((!quoted.is_empty()).then_some(quoted));
                let arguments = without_subcommand(words.skip(1).map(OsString::from).collect());
                let arguments = std::iter::once(OsString::from("cargo")).chain(arguments.into_iter().skip(1));
                CommandLine::try_parse_from(arguments).unwrap_or_else(|error| panic!("{example}: {error}"));
            }
        }
    }

    #[test]
    fn the_name_that_cargo_passes_is_dropped() {
        for arguments in [
            &["cargo-table-registry", "list"][..],
            &["cargo-table-registry", "table-registry", "list"],
        ] {
            let arguments = without_subcommand(arguments.iter().map(OsString::from).collect());
            assert_eq!(arguments, ["cargo-table-registry", "list"]);
        }
    }
}
