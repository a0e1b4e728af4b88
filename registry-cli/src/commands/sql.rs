//! `sql`: the migration that makes a database meet the registry's requirements, and the one that reverses it.

use std::path::Path;

use table_registry_engine::Diagnostic;

use crate::cli::SqlArguments;
use crate::database::catalog::Catalog;
use crate::database::migrations::new_file;
use crate::database::migrations::throwaway::Throwaway;
use crate::database::requirements::indexes;
use crate::database::requirements::plan::{Plan, selected};
use crate::database::requirements::statements::qualified;
use crate::database::server::session::Session;
use crate::database::with_project;
use crate::edit::{Changes, ExclusiveRun};
use crate::failure::Failure;
use crate::project::Project;
use crate::report::{self, Exit};
use crate::workspace::{Workspace, absolute};

pub fn run(arguments: &SqlArguments) -> Result<Exit, Failure> {
    if arguments.server.migrations.is_some() && !arguments.diff {
        return Err(Failure::new("`--migrations` says what to compare with")
            .help("add `--diff`; to write the SQL to a directory, use `--write DIR`"));
    }
    if arguments.indexes && arguments.write.is_some() {
        return Err(Failure::new("`--write` puts all statements into one migration")
            .note("CREATE INDEX CONCURRENTLY runs outside a transaction, so each statement needs a migration of its own")
            .help("copy each statement that `sql --indexes` prints into a migration; leave CONCURRENTLY out beside CREATE TABLE"));
    }
    let report = |_: &Project, faults: Vec<Diagnostic>| Ok(report::faults(&faults));
    with_project(&arguments.selection, report, |project| {
        if arguments.indexes {
            return print_indexes(project, arguments);
        }
        let plan = Plan::new(project, &arguments.table, arguments.transaction_per_table)?;
        if !arguments.diff {
            let sql = if arguments.down { plan.down() } else { plan.up() };
            return match &arguments.write {
                Some(_) if plan.is_empty() => Ok(nothing_to_write("the registry requires nothing")),
                Some(directory) => write(project, arguments, directory, &sql, &plan.down()),
                None => report::data(&sql).map(|()| Exit::Fine),
            };
        }
        let difference = in_database(project, arguments, |session| plan.difference(project, session))?;
        match (&difference.sql, &arguments.write) {
            (Some(sql), Some(directory)) => write(project, arguments, directory, sql, NOT_REVERSED),
            (Some(sql), None) => report::data(sql).map(|()| something_to_do(arguments)),
            (None, _) if !difference.is_complete => Ok(something_to_do(arguments)),
            (None, Some(_)) => Ok(nothing_to_write("the database lacks nothing")),
            (None, None) => Ok(Exit::Fine),
        }
    })
}

/// Runs something in the database that the arguments name, or in the one that migrations make.
fn in_database<T>(
    project: &Project,
    arguments: &SqlArguments,
    run: impl FnOnce(&mut Session) -> Result<T, Failure>,
) -> Result<T, Failure> {
    match Throwaway::of_arguments(project, &arguments.server)? {
        Some(mut throwaway) => run(&mut throwaway.session),
        None => run(&mut Session::connect(arguments.database_url.as_deref())?),
    }
}

/// The exit code of `--diff` if the database lacks something.
fn something_to_do(arguments: &SqlArguments) -> Exit {
    if arguments.exit_zero {
        Exit::Fine
    } else {
        Exit::Findings
    }
}

/// Writes a migration, named as the tool that owns the directory would name it.
fn write(
    project: &Project,
    arguments: &SqlArguments,
    directory: &Path,
    up: &str,
    down: &str,
) -> Result<Exit, Failure> {
    let root = &project.package.root;
    let absolute = absolute(directory)?;
    let workspace = Workspace::load(&arguments.selection)?;
    let run = ExclusiveRun::of(&workspace);
    let directory = root.relative(&absolute);
    // What the migrations themselves lack is missing, whatever an earlier one has said.
    if arguments.server.migrations.is_none() && new_file::is_repeated(root, directory, up)? {
        return Ok(nothing_to_write(
            "the last migration that this program wrote has the same content",
        ));
    }
    let mut changes = Changes::new(root);
    for (path, text) in new_file::files(root, directory, up, down)? {
        changes.create(path, text);
    }
    changes.commit(&run).map(|()| Exit::Fine)
}

fn nothing_to_write(reason: &str) -> Exit {
    report::say!("nothing to write: {reason}");
    Exit::Fine
}

/// What reverses a difference.
const NOT_REVERSED: &str = "-- The earlier state of the database is not known: `cargo table-registry sql --down` prints the SQL that removes everything.
SELECT 1;
";

/// Prints the indexes that the tables need, or those that a database lacks. They stand apart, because CREATE INDEX
/// CONCURRENTLY does not run in a transaction.
fn print_indexes(project: &Project, arguments: &SqlArguments) -> Result<Exit, Failure> {
    let settings = &project.policy.database;
    let tables = selected(&project.registry, &arguments.table)?.into_iter();
    let header = |command: &str| {
        format!(
            "-- @generated by `cargo table-registry {command}` from the registry of `{}`; do not edit.\n{OUTSIDE}",
            project.package.name
        )
    };
    if !arguments.diff {
        let statements = indexes::create_all(tables, settings);
        report::data(&format!(
            "{}\n\n{}\n",
            header("sql --indexes"),
            statements.join("\n")
        ))?;
        return Ok(Exit::Fine);
    }
    let catalog = in_database(project, arguments, Catalog::read)?;
    let wanting = tables.filter(|table| indexes::is_wanted(table, settings));
    let lacking = wanting.filter_map(|table| {
        let name = qualified(settings, &table.name, table.schema.as_deref());
        Some(indexes::lacking(&catalog, table, catalog.table(&name)?)?.statement)
    });
    let statements: Vec<String> = lacking.collect();
    if statements.is_empty() {
        return Ok(Exit::Fine);
    }
    let header = header("sql --indexes --diff");
    report::data(&format!("{header}\n\n{}\n", statements.join("\n")))?;
    Ok(something_to_do(arguments))
}

const OUTSIDE: &str = "-- Run it statement by statement, outside a transaction, as the owner of the tables, or give each statement a migration of
-- its own. Leave CONCURRENTLY out for a partitioned table, and beside CREATE TABLE. To rebuild an index that a failure left
-- invalid, use `--diff`.";
