//! `matrix`: which rows each role reaches with each command, observed on a server.

use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Serialize;
use table_registry_engine::{Diagnostic, display};

use crate::cells::{columns, markdown};
use crate::cli::{ListFormat, MatrixArguments};
use crate::database::catalog::Catalog;
use crate::database::context::{Context, missing_app_roles};
use crate::database::matrix::{Access, Committed, Key, Matrix, Scope, Seen, Verb};
use crate::database::migrations::throwaway::Throwaway;
use crate::database::probe::{self, Target};
use crate::database::server::session::Session;
use crate::database::with_project;
use crate::edit::{Changes, ExclusiveRun};
use crate::failure::Failure;
use crate::project::Project;
use crate::report::{self, Exit, counted, say};
use crate::text::{one_line, printable, quoted};
use crate::workspace::{Workspace, absolute};

/// What `--format json` prints: `registry-cli/schema/matrix.json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Json<'m> {
    /// The version of this format.
    version: u32,
    /// One entry for each role, table and command, sorted.
    access: Vec<Row<'m>>,
}

/// What one command of one role reaches in one table.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Row<'m> {
    /// The role.
    role: &'m str,
    /// The registered table.
    table: &'m str,
    /// `select`, `insert`, `update`, `delete` or `truncate`.
    command: &'static str,
    /// The rows that it reaches: `own`, `others` (of other tenants), `unset` (of tenants, without a tenant), `shared`, or
    /// `all` where tenants do not matter: in tables without tenants, and for `truncate`.
    rows: Vec<&'static str>,
    /// The rows for which this is not known: an error got in the way, or nothing could be tried.
    unknown: Vec<&'static str>,
}

pub fn run(arguments: &MatrixArguments) -> Result<Exit, Failure> {
    let report = |_: &Project, faults: Vec<Diagnostic>| Ok(report::faults(&faults));
    with_project(&arguments.selection, report, |project| {
        // A file that cannot be read need not wait for the server.
        let committed = arguments.check.as_deref().map(|file| committed(project, file));
        let committed = committed.transpose()?;
        let matrix = observed(project, arguments)?;
        if let Some((path, committed)) = committed {
            return Ok(check(&matrix, &path, &committed));
        }
        if let Some(file) = &arguments.write {
            return write(project, &matrix, &absolute(file)?, arguments);
        }
        print(&matrix, arguments.format)?;
        Ok(Exit::Fine)
    })
}

/// Fails if no row was reached: that says nothing about what is refused.
fn observed(project: &Project, arguments: &MatrixArguments) -> Result<Matrix, Failure> {
    if let Some(mut throwaway) = Throwaway::of_arguments(project, &arguments.server)? {
        return observed_in(project, &mut throwaway.session, Target::Throwaway);
    }
    let mut session = Session::connect(arguments.database_url.as_deref())?;
    observed_in(project, &mut session, Target::Live)
}

fn observed_in(project: &Project, session: &mut Session, target: Target) -> Result<Matrix, Failure> {
    let catalog = Catalog::read(session)?;
    let context = Context::new(project, &catalog)?;
    let across = context.settings.roles.iter().map(|role| role.name.value.as_str());
    let absent = across.filter(|role| catalog.role(role).is_none());
    let missing: Vec<&str> = missing_app_roles(&context).into_iter().chain(absent).collect();
    if !missing.is_empty() {
        let failure = Failure::new(format!("the database has no role {}", quoted(missing)));
        return Err(failure.help("create it, or use the names of the database's roles in the policy file"));
    }
    let (matrix, untried) = probe::matrix(session, &context, target)?;
    for one in untried {
        say!(
            "warning: the rows of table `{}` are not known: {}; {}",
            one_line(&one.table),
            printable(&one.reason),
            printable(&one.fix)
        );
    }
    if !matrix.shows_something() {
        return Err(
            Failure::new("no role reached a row of any table, so the matrix would show nothing")
                .note("the roles may hold no privilege: an application that grants them at its start does so later")
                .help("grant the roles what the application needs before the matrix is observed"),
        );
    }
    Ok(matrix)
}

/// The file of `--check`, with its path.
fn committed(project: &Project, file: &Path) -> Result<(String, Committed), Failure> {
    let file = absolute(file)?;
    let path = display(project.package.root.relative(&file));
    let text = fs::read_to_string(&file).map_err(|error| {
        let failure = Failure::io("read", Path::new(&path), &error);
        let help = "write it with `cargo table-registry matrix --write FILE`".to_string();
        failure.maybe_help((error.kind() == ErrorKind::NotFound).then_some(help))
    })?;
    let committed = Committed::read(&path, &text)?;
    Ok((path, committed))
}

fn check(matrix: &Matrix, path: &str, committed: &Committed) -> Exit {
    let differences = matrix.differences(committed);
    let exit = report::human(&differences);
    report::status(
        "Checked",
        format!("{} of `{path}`", counted(matrix.lines.len(), "line")),
    );
    if !differences.is_empty() {
        say!("{}", report::summary(differences.iter().map(|one| one.severity)));
    }
    exit
}

fn write(
    project: &Project,
    matrix: &Matrix,
    file: &Path,
    arguments: &MatrixArguments,
) -> Result<Exit, Failure> {
    let root = &project.package.root;
    let path = root.relative(file);
    let mut changes = Changes::new(root);
    match fs::read_to_string(file) {
        Ok(before) => changes.update(path, &before, matrix.text()),
        Err(error) if error.kind() == ErrorKind::NotFound => changes.create(path, matrix.text()),
        Err(error) => return Err(Failure::io("read", path, &error)),
    }
    changes.commit(&ExclusiveRun::of(&Workspace::load(&arguments.selection)?))?;
    Ok(Exit::Fine)
}

fn print(matrix: &Matrix, format: ListFormat) -> Result<(), Failure> {
    match format {
        ListFormat::Json => report::json(&Json {
            version: report::JSON_VERSION,
            access: matrix.lines.iter().map(row).collect(),
        }),
        ListFormat::Table => report::data(&columns(&cells(matrix))),
        ListFormat::Markdown => report::data(&markdown(&cells(matrix))),
    }
}

fn row<'m>((key, access): (&'m Key, &Access)) -> Row<'m> {
    let scopes = |seen: Seen| {
        let all = Scope::ALL.iter().filter(|scope| access.seen(**scope) == seen);
        all.map(|scope| scope.as_str()).collect()
    };
    Row {
        role: &key.role,
        table: &key.table,
        command: key.verb.as_str(),
        rows: scopes(Seen::Reached),
        unknown: scopes(Seen::Unknown),
    }
}

/// One row for each role and table, with a cell for each command.
fn cells(matrix: &Matrix) -> Vec<Vec<String>> {
    let header = ["role", "table"]
        .into_iter()
        .chain(Verb::ALL.iter().map(|verb| verb.as_str()));
    let mut rows: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (key, access) in &matrix.lines {
        let words = access.words().join("+");
        let cell = if words.is_empty() { "-".to_string() } else { words };
        rows.entry((&key.role, &key.table)).or_default().push(cell);
    }
    let rows = rows.into_iter().map(|((role, table), cells)| {
        let names = [role, table].map(one_line);
        names.into_iter().chain(cells).collect()
    });
    [header.map(String::from).collect()]
        .into_iter()
        .chain(rows)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_the_committed_one() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Json<'_>)).unwrap() + "\n";
        snapbox::assert_data_eq!(schema, snapbox::file!["../../schema/matrix.json"].raw());
    }

    #[test]
    fn a_row_has_a_cell_for_each_command() {
        let mut matrix = Matrix::default();
        matrix.add("app", "tasks");
        matrix.see("app", "tasks", Verb::Select, Scope::Shared, Seen::Reached);
        matrix.see("app", "tasks", Verb::Select, Scope::Own, Seen::Reached);
        matrix.see("app", "tasks", Verb::Delete, Scope::Own, Seen::Unknown);
        assert_eq!(
            columns(&cells(&matrix)),
            "ROLE  TABLE  SELECT      INSERT  UPDATE  DELETE  TRUNCATE\n\
             app   tasks  own+shared  -       -       own?    -\n"
        );
    }
}
