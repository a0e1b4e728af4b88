//! `cargo table-registry list`.

use serde::Serialize;
use table_registry_engine::{Diagnostic, RegisteredTable};

use crate::cells::{columns, markdown};
use crate::cli::{ListArguments, ListFormat};
use crate::failure::Failure;
use crate::orphans;
use crate::project::{self, Project};
use crate::report::{self, Exit, counted};
use crate::text::one_line;
use crate::workspace::Workspace;

/// What `--format json` prints: `registry-cli/schema/list.json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Json {
    /// The version of this format.
    version: u32,
    /// The registered tables, by package and name.
    tables: Vec<TableRow>,
    /// The tables that exist in the database without a struct, by package and name.
    exempt: Vec<ExemptRow>,
}

/// A registered table.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TableRow {
    /// The package that registers it.
    package: String,
    /// Its name in the registry, with the PostgreSQL schema if one is given: `audit.events`.
    name: String,
    /// `truth`, `control`, `projection`, `evidence`, `link` or `system`, after the overrides.
    kind: String,
    /// The kind that its struct declares, before the overrides.
    declared_kind: String,
    /// Whether it gets row-level security.
    rls: bool,
    /// How its rows belong to a tenant: `org_id`, `org_id, shared_rows`, `through(project_id -> projects)`, `policies`, or
    /// nothing if they belong to no tenant.
    tenant: Option<String>,
    /// What the application role may do: `read-write`, `append-only` or `read-only`.
    access: String,
    /// The name of the struct that declares it, the first of twins under `cfg`; nothing if the policy file declares it.
    #[serde(rename = "struct")]
    ident: Option<String>,
    /// The file, relative to the package.
    file: String,
    /// The line of the attribute `#[table]`, or of the entry in the policy file, counted from 1.
    line: usize,
    /// The file, relative to the root of the workspace.
    #[serde(skip)]
    path: String,
}

/// A table that exists in the database without a struct.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct ExemptRow {
    /// The package whose policy file names it.
    package: String,
    /// The name of the table.
    name: String,
    /// Why it has no struct.
    reason: String,
}

pub fn run(arguments: &ListArguments) -> Result<Exit, Failure> {
    let projects = Project::load_all(&Workspace::load(&arguments.selection)?)?;
    let faults = project::all_faults(&projects);
    let exit = report::faults(&faults);
    if exit != Exit::Fine {
        return Ok(exit);
    }
    let is_wanted = |row: &TableRow| {
        arguments.kind.is_empty() || arguments.kind.iter().any(|kind| kind.as_str() == row.kind)
    };
    let tables: Vec<TableRow> = projects.iter().flat_map(table_rows).filter(is_wanted).collect();
    match arguments.format {
        ListFormat::Json => report::json(&Json {
            version: report::JSON_VERSION,
            tables,
            exempt: projects.iter().flat_map(exempt_rows).collect(),
        })?,
        ListFormat::Table => report::data(&columns(&cells(&tables, projects.len() > 1)))?,
        ListFormat::Markdown => report::data(&markdown(&cells(&tables, projects.len() > 1)))?,
    }
    say_what_is_not_listed(&projects, arguments.format);
    let orphans: Vec<Diagnostic> = projects
        .iter()
        .flat_map(|project| orphans::warnings(&project.registry))
        .collect();
    Ok(report::faults(&orphans))
}

/// Reports that exempt tables are only in the JSON.
fn say_what_is_not_listed(projects: &[Project], format: ListFormat) {
    let exempt: usize = projects
        .iter()
        .map(|project| project.registry.exempt().len())
        .sum();
    if exempt > 0 && format != ListFormat::Json {
        report::status(
            "Exempt",
            format!("{}, listed by `--format json`", counted(exempt, "table")),
        );
    }
}

fn table_rows(project: &Project) -> impl Iterator<Item = TableRow> {
    let package = &project.package.name;
    project
        .registry
        .tables()
        .iter()
        .map(|table| table_row(package, table))
}

fn table_row(package: &str, table: &RegisteredTable) -> TableRow {
    let declaration = table.declarations.first();
    let place = &table.declared;
    TableRow {
        package: package.to_string(),
        name: table.name.clone(),
        kind: table.kind.to_string(),
        declared_kind: declaration
            .map_or(table.kind, |declaration| declaration.kind)
            .to_string(),
        rls: table.has_rls(),
        tenant: table.has_rls().then(|| table.tenancy.to_string()),
        access: table.access.to_string(),
        ident: declaration.map(|declaration| declaration.ident.clone()),
        file: table.file.clone(),
        line: place
            .source
            .line(declaration.map_or(place.range.start, |declaration| declaration.attribute.start)),
        path: place.source.path.clone(),
    }
}

fn exempt_rows(project: &Project) -> impl Iterator<Item = ExemptRow> {
    project.registry.exempt().iter().map(|table| ExemptRow {
        package: project.package.name.clone(),
        name: table.name.clone(),
        reason: table.reason.clone(),
    })
}

/// The header and the rows, as people read them.
fn cells(tables: &[TableRow], with_package: bool) -> Vec<Vec<String>> {
    let header = ["table", "kind", "tenant", "access", "struct", "place"].map(String::from);
    let rows = tables.iter().map(|table| {
        let place = format!("{}:{}", table.path, table.line);
        let row = [
            table.name.clone(),
            kind(table),
            table.tenant.clone().unwrap_or_else(nothing),
            table.access.clone(),
            table.ident.clone().unwrap_or_else(nothing),
            place,
        ];
        (table.package.clone(), row)
    });
    let all = [("package".to_string(), header)].into_iter().chain(rows);
    let with_package = |(package, row): (String, [String; 6])| {
        let package = with_package.then_some(package);
        let cells = package.into_iter().chain(row);
        cells.map(|cell| one_line(&cell)).collect()
    };
    all.map(with_package).collect()
}

/// The kind, with the declared one that an override replaces.
fn kind(table: &TableRow) -> String {
    if table.kind == table.declared_kind {
        table.kind.clone()
    } else {
        format!("{} (struct: {})", table.kind, table.declared_kind)
    }
}

fn nothing() -> String {
    "-".to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_the_committed_one() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Json)).unwrap() + "\n";
        snapbox::assert_data_eq!(schema, snapbox::file!["../../schema/list.json"].raw());
    }
}
