//! The command line, as clap sees it. What stands here is what `--help` prints.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use table_registry_core::TableKind;

use crate::scaffold::ColumnArgument;

/// Adds, reviews and audits the tables of a table registry.
///
/// The crate and its `table_registry!` call say where everything is: schema directories and policy
/// files are configured nowhere else. Sources alone are read, so a crate need not compile.
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
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
  0  nothing fails; warnings alone do not
  1  something was found: a fault, a stale file, or what a lint of level `deny` forbids
  2  wrong use, or input that cannot be read";

impl CommandLine {
    /// Reads the arguments of this process. Cargo passes the name of the subcommand on.
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

/// Which packages are meant.
#[derive(Args, Debug)]
#[command(next_help_heading = "Package selection")]
pub struct Selection {
    /// The package to work on, by name; may be repeated.
    ///
    /// Default: the package of the current directory; in the root of a workspace, every package
    /// that calls `table_registry!`.
    #[arg(short, long = "package", value_name = "NAME")]
    pub packages: Vec<String>,
    /// All packages of the workspace that call `table_registry!`.
    #[arg(long, conflicts_with = "packages")]
    pub workspace: bool,
    /// The path of the Cargo.toml.
    #[arg(long, value_name = "PATH")]
    pub manifest_path: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a crate ready: dependency, `table_registry!` call, policy files, schema folder
    ///
    /// Nothing that exists is overwritten, so it is safe to run twice.
    Init(Init),
    /// Add a table: its file, its `mod` line, its entry in the revoke list
    ///
    /// The new file holds a struct with `#[table]`. Nothing is written if the compiler would refuse the result.
    New(New),
    /// Give a table another kind than its struct declares
    ///
    /// Edits `[overrides]` of the policy file; comments, order and layout stay. Refused if the compiler would refuse the result.
    Override(Override),
    /// Make a table append-only
    ///
    /// Edits `update_delete` of the revoke file; comments, order and layout stay. Refused if the compiler would refuse the result.
    Revoke(Revoke),
    /// Say why a table exists in the database without a struct
    ///
    /// Edits `[exempt]` of the policy file; comments, order and layout stay. Refused if the compiler would refuse the result.
    Exempt(Exempt),
    /// Write the lock file, and the generated `mod.rs` files
    ///
    /// `table-registry.lock` has one sorted line for each table: what a reviewer has to see of a change.
    /// A `mod.rs` that carries a line with `@generated` gets one `mod` line for each file beside it.
    Sync(Sync),
    /// Check the conventions of the schema
    ///
    /// Levels and options of the rules stand in `[lints]` of the policy file. `explain` says what each rule means.
    Lint(Lint),
    /// Print the SQL that makes a database obey the registry
    ///
    /// A migration that can be run again: row-level security and its policies, and what append-only tables
    /// refuse. `[database]` of the policy file names the roles and the expression of the policies.
    Sql(Sql),
    /// Check that a real PostgreSQL database obeys the registry
    ///
    /// Reads the system catalogs in one transaction that writes nothing. The server is that of
    /// `--database-url`, of the variable `DATABASE_URL`, or of the variables and the password file of libpq.
    Verify(Verify),
    /// Print every table
    List(List),
    /// Say what a diagnostic or a lint means, with an example and the fix
    ///
    /// Without a code it prints the list of all codes.
    Explain(Explain),
    /// Print a completion script for a shell
    ///
    /// It completes the program under its own name, `cargo-table-registry`. In bash, for instance:
    /// `cargo table-registry completions bash > ~/.local/share/bash-completion/completions/cargo-table-registry`
    Completions(Completions),
}

#[derive(Args, Debug)]
pub struct Init {
    /// The directory that holds the schema or shall hold it, beside the crate root.
    ///
    /// Default: `schema`; or `models`, if `schema` is a module without a folder, as in Diesel.
    #[arg(long, value_name = "NAME")]
    pub directory: Option<String>,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct New {
    /// The table's name, in `snake_case`.
    pub name: String,
    /// What the table holds.
    #[arg(short, long, value_parser = kind_parser(), default_value = "truth")]
    pub kind: TableKind,
    /// Make the table append-only: add it to the revoke list.
    #[arg(long)]
    pub revoke: bool,
    /// A column, with its Rust type; may be repeated.
    ///
    /// `id`, the tenant column and the time stamps are there without being asked for, unless a column of
    /// the same name is given.
    #[arg(short, long = "column", value_name = "NAME:TYPE")]
    pub columns: Vec<ColumnArgument>,
    /// The schema directory for the file, as `table_registry!` names it.
    ///
    /// Default: the first one.
    #[arg(long, value_name = "DIR")]
    pub directory: Option<String>,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
#[command(
    override_usage = "cargo table-registry override <TABLE> <KIND>\n       cargo table-registry override <TABLE> --remove"
)]
pub struct Override {
    /// The table.
    pub table: String,
    /// The kind to use instead of the declared one.
    #[arg(value_parser = kind_parser(), required_unless_present = "remove")]
    pub kind: Option<TableKind>,
    /// Remove the override.
    #[arg(long, conflicts_with = "kind")]
    pub remove: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct Revoke {
    /// The table.
    pub table: String,
    /// Remove it from the revoke list.
    #[arg(long)]
    pub remove: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
#[command(
    override_usage = "cargo table-registry exempt <TABLE> --reason <REASON>\n       cargo table-registry exempt <TABLE> --remove"
)]
pub struct Exempt {
    /// The table.
    pub table: String,
    /// Why it has no struct.
    #[arg(long, required_unless_present = "remove")]
    pub reason: Option<String>,
    /// Remove the exemption.
    #[arg(long, conflicts_with = "reason")]
    pub remove: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct Sync {
    /// Write nothing; print a diff and fail if something would be written.
    #[arg(long)]
    pub check: bool,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t, requires = "check")]
    pub format: SyncFormat,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct Lint {
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: LintFormat,
    /// Treat warnings as errors.
    #[arg(long)]
    pub deny_warnings: bool,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct Sql {
    /// Print the SQL that takes everything back.
    ///
    /// What was granted before is not known: UPDATE and DELETE of append-only tables are granted to the roles of
    /// the application, and nothing to anybody else.
    #[arg(long)]
    pub down: bool,
    /// Print only what a database lacks; fail if that is something.
    ///
    /// To know how the server spells a policy, it makes one on a temporary table, and takes it back. It needs the
    /// privilege TEMPORARY on the database, and to read the tables.
    #[arg(long, conflicts_with = "down")]
    pub diff: bool,
    /// The database for `--diff`, as `postgres://USER@HOST:PORT/DATABASE`.
    ///
    /// Default: that of `DATABASE_URL`, or of the variables and the password file of libpq.
    #[arg(long, value_name = "URL", requires = "diff")]
    pub database_url: Option<String>,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct Verify {
    /// The database, as `postgres://USER@HOST:PORT/DATABASE`.
    #[arg(long, value_name = "URL")]
    pub database_url: Option<String>,
    /// Check what migrations come to, on a server that is started for it and thrown away.
    ///
    /// The server is started from the PostgreSQL binaries on this machine: those of `initdb` on the `PATH`, else
    /// the newest that is installed. Directories of sqlx, Diesel, drizzle, Prisma, Flyway, refinery, dbmate and
    /// goose, and plain `.sql` files are known. Roles of `app_roles` that migrations name and none creates are
    /// created before.
    #[arg(long, value_name = "DIR", conflicts_with = "database_url")]
    pub migrations: Option<PathBuf>,
    /// Also try, as each role of the application, what the database has to refuse.
    ///
    /// UPDATE, DELETE and TRUNCATE on append-only tables, and reading tables with row-level security without a
    /// tenant, in a transaction that is always rolled back. Of an empty table, the policies are asked about rows
    /// that are made up. Needs a role that may become those roles; a statement that has to wait for a lock fails.
    #[arg(long)]
    pub probe: bool,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: VerifyFormat,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct List {
    /// Only tables of this kind; may be repeated.
    #[arg(short, long, value_parser = kind_parser())]
    pub kind: Vec<TableKind>,
    /// How the tables are printed.
    #[arg(long, value_enum, default_value_t)]
    pub format: ListFormat,
    #[command(flatten)]
    pub selection: Selection,
}

#[derive(Args, Debug)]
pub struct Explain {
    /// The code at the end of a diagnostic, such as `unknown-override`.
    pub code: Option<String>,
}

#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// How findings are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum SyncFormat {
    /// With excerpts of the sources, for people
    #[default]
    Human,
    /// As annotations of GitHub Actions
    Github,
}

/// How findings are printed, where a machine may want them, too.
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

/// How findings about a database are printed.
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

/// How tables are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// In columns
    #[default]
    Table,
    /// One object with `version`, `tables` and `exempt`
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
    fn the_definition_is_sound() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn cargo_passes_the_name_of_the_subcommand_on() {
        for arguments in [
            &["cargo-table-registry", "list"][..],
            &["cargo-table-registry", "table-registry", "list"],
        ] {
            let arguments = without_subcommand(arguments.iter().map(OsString::from).collect());
            assert_eq!(arguments, ["cargo-table-registry", "list"]);
        }
    }
}
