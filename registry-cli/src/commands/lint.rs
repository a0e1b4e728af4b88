//! `cargo table-registry lint`.

use serde::Serialize;
use table_registry_engine::{Diagnostic, Severity};

use crate::cli::{LintArguments, LintFormat};
use crate::failure::Failure;
use crate::groups::{self, Detail, Entry};
use crate::lint;
use crate::project::{self, Project};
use crate::report::{self, Exit, counted, say};
use crate::workspace::Workspace;

/// What `--format json` prints: `registry-cli/schema/lint.json`.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct Json {
    /// The version of this format.
    version: u32,
    /// The findings, sorted by crate, file and line.
    findings: Vec<FindingRow>,
}

/// One finding.
#[derive(Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct FindingRow {
    /// The rule; `cargo table-registry explain` describes it.
    code: String,
    /// `error` or `warning`.
    severity: &'static str,
    /// What is wrong.
    message: String,
    /// The file, relative to the root of the workspace, if there is one.
    file: Option<String>,
    /// The line, counted from 1.
    line: Option<usize>,
    /// The column, in characters, counted from 1.
    column: Option<usize>,
    /// The causes.
    notes: Vec<String>,
    /// The possible fixes.
    helps: Vec<String>,
}

pub fn run(arguments: &LintArguments) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let projects = Project::load_all(&workspace)?;
    let faults = project::all_faults(&projects);
    let is_sound = faults.is_empty();
    let mut found = if is_sound { lint::run(&projects) } else { faults };
    if arguments.deny_warnings {
        for diagnostic in &mut found {
            diagnostic.severity = Severity::Error;
        }
    }
    let exit = match arguments.format {
        LintFormat::Human => {
            let entries: Vec<Entry> = found.iter().map(entry).collect();
            // Each is fixed at its own place, so a few excerpts say more than a list.
            let detail = Detail {
                whole: 4,
                verbose: arguments.verbose,
            };
            groups::print(&entries, detail)
        }
        LintFormat::Github => report::github(&found, &workspace.root)?,
        LintFormat::Json => {
            report::json(&Json {
                version: report::JSON_VERSION,
                findings: found.iter().map(row).collect(),
            })?;
            report::exit(&found)
        }
    };
    if is_sound {
        say_what_was_checked(&projects);
    }
    if !found.is_empty() {
        say!("{}", report::summary(found.iter().map(|one| one.severity)));
    }
    Ok(exit)
}

/// What is underlined, and where.
fn entry(diagnostic: &Diagnostic) -> Entry {
    let label = diagnostic.labels.first();
    let place = label.map(|label| {
        let (line, _) = label.source.position(label.range.start);
        format!("{}:{line}", label.source.path)
    });
    let underlined = label.and_then(|label| label.source.text.get(label.range.clone()));
    Entry {
        subject: underlined.unwrap_or(&diagnostic.message).to_string(),
        part: place,
        remedy: None,
        diagnostic: diagnostic.clone(),
    }
}

fn say_what_was_checked(projects: &[Project]) {
    for project in projects {
        let tables = counted(project.registry.tables().len(), "table");
        report::status("Checked", format!("{tables} of `{}`", project.package.name));
    }
}

fn row(diagnostic: &Diagnostic) -> FindingRow {
    let label = diagnostic.labels.first();
    let position = label.map(|label| label.source.position(label.range.start));
    FindingRow {
        code: diagnostic.code.to_string(),
        severity: report::severity(diagnostic.severity),
        message: diagnostic.message.clone(),
        file: label.map(|label| label.source.path.clone()),
        line: position.map(|(line, _)| line),
        column: position.map(|(_, column)| column),
        notes: diagnostic.notes.clone(),
        helps: diagnostic.helps.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schema_is_the_committed_one() {
        let schema = serde_json::to_string_pretty(&schemars::schema_for!(Json)).unwrap() + "\n";
        snapbox::assert_data_eq!(schema, snapbox::file!["../../schema/lint.json"].raw());
    }
}
