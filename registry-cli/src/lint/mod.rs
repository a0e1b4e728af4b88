//! The conventions of a schema: rules, their levels, and the exceptions from them.

mod reserved;
mod rules;

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::{Code, Declaration, Diagnostic, Fault, Lint, RegisteredTable, Severity};

use crate::columns::{Column, Reader};
use crate::project::{Project, place_in_attribute};

/// One table, as the rules see it.
struct Subject<'p> {
    project: &'p Project,
    table: &'p RegisteredTable,
    columns: Vec<Column>,
    /// Whether these are all.
    knows_all_columns: bool,
}

/// What a rule found, before levels and exceptions.
struct Finding {
    code: Lint,
    table: String,
    diagnostic: Diagnostic,
}

/// Every finding in the crates of one workspace, those of each crate in the order of files and lines.
pub fn run(projects: &[Project]) -> Vec<Diagnostic> {
    let exceptions: Vec<Vec<Exception>> = projects.iter().map(exceptions).collect();
    let mut shared = rules::tables_in_several_crates(projects, |position, table| {
        let mut exceptions = exceptions[position].iter();
        exceptions.any(|exception| exception.code == Lint::TableInSeveralCrates && exception.table == table)
    });
    let mut diagnostics = Vec::new();
    for (position, project) in projects.iter().enumerate() {
        let (mut findings, unreadable) = findings(project);
        findings.extend(shared.remove(&position).unwrap_or_default());
        let mut found = without_exceptions(project, &exceptions[position], findings, &unreadable);
        found.extend(unreadable.into_iter().map(|fault| fault.diagnostic));
        found.extend(orphans(project));
        found.sort_by_cached_key(place);
        diagnostics.extend(found);
    }
    diagnostics
}

/// What the rules find in one crate, and what could not be read.
fn findings(project: &Project) -> (Vec<Finding>, Vec<Unreadable>) {
    let (mut findings, mut unreadable) = (Vec::new(), Vec::new());
    let mut reader = Reader::default();
    for table in project.registry.tables() {
        let subject = Subject::read(project, table, &mut reader, &mut unreadable);
        for (code, rule) in rules::OF_TABLES {
            let found = rule(&subject, &project.policy.lints.option(code));
            findings.extend(found.into_iter().map(|diagnostic| Finding {
                code,
                table: table.name.clone(),
                diagnostic,
            }));
        }
    }
    findings.extend(rules::redundant_overrides(project));
    (findings, unreadable)
}

impl<'p> Subject<'p> {
    /// A table has the columns of all its structs: twins under `cfg` describe one table.
    fn read(
        project: &'p Project,
        table: &'p RegisteredTable,
        reader: &mut Reader,
        unreadable: &mut Vec<Unreadable>,
    ) -> Self {
        let mut columns: Vec<Column> = Vec::new();
        let mut knows_all_columns = true;
        for declaration in &table.declarations {
            match reader.columns(declaration) {
                Ok(read) => {
                    knows_all_columns &= read.is_complete;
                    columns.extend(read.list);
                }
                Err(fault) => {
                    knows_all_columns = false;
                    unreadable.push(Unreadable {
                        table: table.name.clone(),
                        diagnostic: fault,
                    });
                }
            }
        }
        let mut seen = BTreeSet::new();
        columns.retain(|column| seen.insert(column.name.clone()));
        Self {
            project,
            table,
            columns,
            knows_all_columns,
        }
    }

    fn has(&self, column: &str) -> bool {
        self.columns.iter().any(|own| own.name == column)
    }

    /// A finding about the table, at the name of its struct.
    fn fault(&self, code: Lint, message: String) -> Diagnostic {
        let declaration = &self.table.declarations[0];
        Diagnostic::new(code, message).at(&declaration.source, declaration.place.clone(), "")
    }
}

/// An exception that somebody made, and the place to say so if nobody needs it.
/// What a finding about an unreadable struct is about.
struct Unreadable {
    table: String,
    diagnostic: Diagnostic,
}

struct Exception {
    code: Lint,
    table: String,
    unused: Diagnostic,
}

/// What is left to report: with its level, and without what an exception allows.
fn without_exceptions(
    project: &Project,
    exceptions: &[Exception],
    findings: Vec<Finding>,
    unreadable: &[Unreadable],
) -> Vec<Diagnostic> {
    let allows = |exception: &Exception, finding: &Finding| {
        (exception.code, &exception.table) == (finding.code, &finding.table)
    };
    // Of a struct that cannot be read nobody knows what it needs.
    let is_read = |exception: &&Exception| !unreadable.iter().any(|fault| fault.table == exception.table);
    let unused = exceptions
        .iter()
        .filter(is_read)
        .filter(|exception| !findings.iter().any(|finding| allows(exception, finding)))
        // Which tables other crates register is not known where they are not looked at.
        .filter(|exception| !matches!(exception.code, Lint::UnusedAllow | Lint::TableInSeveralCrates))
        .map(|exception| Finding {
            code: Lint::UnusedAllow,
            table: exception.table.clone(),
            diagnostic: exception.unused.clone(),
        });
    let unused: Vec<Finding> = unused.collect();
    let all = findings.into_iter().chain(unused);
    all.filter(|finding| !exceptions.iter().any(|exception| allows(exception, finding)))
        .filter_map(|finding| with_level(project, finding))
        .collect()
}

/// The exceptions of `#[table(allow(…))]`, then those of `[lints.allow]`.
fn exceptions(project: &Project) -> Vec<Exception> {
    let declarations = project
        .registry
        .tables()
        .iter()
        .flat_map(|table| &table.declarations);
    let of_structs = declarations.flat_map(|declaration| {
        declaration.allowed.iter().map(|allowed| {
            let table = declaration.name.to_string();
            let place = place_in_attribute(declaration, Some(allowed.span));
            let place = place.unwrap_or_else(|| declaration.attribute.clone());
            Exception {
                unused: unused(&table, allowed.lint).at(&declaration.source, place, ""),
                code: allowed.lint,
                table,
            }
        })
    });
    let of_policy = project.policy.lints.exceptions.iter().map(|entry| Exception {
        code: entry.rule,
        table: entry.subject.value.clone(),
        unused: unused(&entry.subject.value, entry.rule).at(
            &entry.subject.source,
            entry.subject.range.clone(),
            "",
        ),
    });
    of_structs.chain(of_policy).collect()
}

fn unused(table: &str, code: Lint) -> Diagnostic {
    let (message, help) = not_needed(table, code.into());
    Diagnostic::new(Lint::UnusedAllow, message).help(help)
}

/// What is said of an exception from a lint or a database check that nothing needs, and the way out.
pub fn not_needed(name: &str, code: Code) -> (String, &'static str) {
    let message = format!("exception of `{name}` from `{code}` is not needed");
    (message, "remove it: nothing is found there")
}

fn with_level(project: &Project, mut finding: Finding) -> Option<Diagnostic> {
    finding.diagnostic.severity = project.policy.lints.level(finding.code).severity()?;
    Some(finding.diagnostic)
}

/// Files that no `mod` line leads to. Warnings: a macro may read them, which only the compiler knows.
fn orphans(project: &Project) -> Vec<Diagnostic> {
    let mut files: BTreeMap<&str, Vec<&Declaration>> = BTreeMap::new();
    for declaration in project.orphans() {
        let orphan = declaration.orphan.as_ref();
        let file = orphan.map_or(&declaration.file, |orphan| &orphan.file);
        files.entry(file).or_default().push(declaration);
    }
    files
        .into_iter()
        .map(|(file, declarations)| orphan(file, &declarations))
        .collect()
}

fn orphan(file: &str, declarations: &[&Declaration]) -> Diagnostic {
    let tables: Vec<String> = declarations
        .iter()
        .map(|declaration| format!("`{}`", declaration.name))
        .collect();
    let (noun, verb) = if tables.len() == 1 {
        ("table", "is")
    } else {
        ("tables", "are")
    };
    let message = format!(
        "{noun} {} {verb} declared in `{file}`, but no `mod` line leads to that file",
        tables.join(", ")
    );
    let first = declarations[0];
    let mut warning = Diagnostic::new(Fault::NotCompiled, message)
        .at(&first.source, first.place.clone(), "")
        .note("the compiler refuses it, unless a macro reads the file")
        .help("name the file in a `mod` line, or remove it");
    warning.severity = Severity::Warning;
    warning
}

fn place(diagnostic: &Diagnostic) -> (String, usize, Code) {
    let label = diagnostic.labels.first();
    let place = label.map(|label| (label.source.path.clone(), label.range.start));
    let (path, start) = place.unwrap_or_default();
    (path, start, diagnostic.code)
}
