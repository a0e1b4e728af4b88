//! `cargo table-registry sync`.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use table_registry_engine::{Diagnostic, Fault, Root, Severity, Source, conflict_marker, display};

use crate::cli::{SyncArguments, SyncFormat};
use crate::edit::{Changes, ExclusiveRun};
use crate::failure::Failure;
use crate::lock_file;
use crate::module_file::ModuleFile;
use crate::orphans;
use crate::project::{self, Project};
use crate::report::{self, Exit, say};
use crate::schema_directory::{self, SchemaDirectory};
use crate::text;
use crate::workspace::{Package, Workspace};

pub fn run(arguments: &SyncArguments) -> Result<Exit, Failure> {
    let workspace = Workspace::load(&arguments.selection)?;
    let run = (!arguments.check).then(|| ExclusiveRun::of(&workspace));
    let projects = Project::load_all(&workspace)?;
    let faults = project::all_faults(&projects);
    if !faults.is_empty() {
        let exit = print(&faults, arguments.format, &workspace.root)?;
        say!("{}", report::summary(faults.iter().map(|one| one.severity)));
        return Ok(exit);
    }
    let (changes, findings) = compare(&workspace, &projects)?;
    let (stale, orphans): (Vec<Diagnostic>, Vec<Diagnostic>) = findings
        .into_iter()
        .partition(|finding| finding.severity == Severity::Error);
    let found = match run {
        _ if changes.is_empty() => {
            for project in &projects {
                report::status("Fresh", display(&project.package.lock_file()));
            }
            orphans
        }
        Some(run) => {
            changes.commit(&run)?;
            orphans
        }
        None => {
            // An annotation shows one line; the log shows the whole difference.
            report::diff(&changes.diff())?;
            [stale, orphans].concat()
        }
    };
    let exit = print(&found, arguments.format, &workspace.root)?;
    if !found.is_empty() {
        say!("{}", report::summary(found.iter().map(|one| one.severity)));
    }
    Ok(exit)
}

/// The changes to write, an error for each file that they would update, and a warning for each file that has no `mod`
/// line even after the changes.
pub fn compare(workspace: &Workspace, projects: &[Project]) -> Result<(Changes, Vec<Diagnostic>), Failure> {
    let mut changes = Changes::new(&workspace.root);
    let mut findings = Vec::new();
    for project in projects {
        let regenerated = sync_module_files(project, &mut changes, &mut findings)?;
        sync_lock(project, &mut changes, &mut findings)?;
        let gets_line = |file: &str| {
            let path = project.package.directory.join(file);
            regenerated.iter().any(|directory| directory.is_module(&path))
        };
        findings.extend(orphans::warnings_except(&project.registry, gets_line));
    }
    findings.extend(unused_locks(workspace, projects));
    Ok((changes, findings))
}

fn print(list: &[Diagnostic], format: SyncFormat, root: &Root) -> Result<Exit, Failure> {
    match format {
        SyncFormat::Human => Ok(report::human(list)),
        SyncFormat::Github => report::github(list, root),
    }
}

fn sync_lock(project: &Project, changes: &mut Changes, stale: &mut Vec<Diagnostic>) -> Result<(), Failure> {
    let path = project.package.lock_file();
    let text = lock_file::text(&project.registry);
    let before = match fs::read_to_string(project.package.root.resolve(&path)) {
        Ok(before) => before,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            stale.push(stale_lock(&path, "does not exist"));
            changes.create(path, text);
            return Ok(());
        }
        Err(error) => return Err(Failure::io("read", &path, &error)),
    };
    // Git may check out text files with other line breaks.
    if before.replace("\r\n", "\n") != text {
        let fault = stale_lock(&path, "is out of date");
        stale.push(at_first_difference(fault, &path, &before, &text));
        changes.update(path, &before, text);
    }
    Ok(())
}

fn stale_lock(path: &Path, how: &str) -> Diagnostic {
    Diagnostic::new(Fault::StaleLock, format!("`{}` {how}", display(path)))
        .help("run `cargo table-registry sync`, review the difference, and commit it")
}

/// A warning for each lock file of a registry that is no longer there.
fn unused_locks(workspace: &Workspace, projects: &[Project]) -> Vec<Diagnostic> {
    let used: Vec<PathBuf> = projects
        .iter()
        .map(|project| project.package.lock_file())
        .collect();
    let written = workspace.packages.iter().flat_map(Package::written_locks);
    let unused = written.filter(|path| !used.contains(path));
    unused.map(|path| unused_lock(&path)).collect()
}

fn unused_lock(path: &Path) -> Diagnostic {
    Diagnostic {
        severity: Severity::Warning,
        ..Diagnostic::new(
            Fault::StaleLock,
            format!("lock file `{}` belongs to no registry", display(path)),
        )
    }
    .note("the crate that it is named after does not call `table_registry!`, or shares the registry of another crate")
    .help("remove the file")
}

fn at_first_difference(fault: Diagnostic, path: &Path, before: &str, after: &str) -> Diagnostic {
    let same = before
        .lines()
        .zip(after.lines())
        .take_while(|(one, other)| one == other);
    let lines = before.split_inclusive('\n');
    let start = lines.take(same.count()).map(str::len).sum::<usize>();
    let line = before[start..].lines().next().unwrap_or_default();
    let length = line.find(" = ").unwrap_or(line.len());
    let source = Arc::new(Source::new(display(path), before));
    fault.at(
        &source,
        start..start + length,
        "this line is the first that differs",
    )
}

/// Returns the directories whose module file changes.
fn sync_module_files(
    project: &Project,
    changes: &mut Changes,
    stale: &mut Vec<Diagnostic>,
) -> Result<Vec<SchemaDirectory>, Failure> {
    let mut regenerated = Vec::new();
    for directory in schema_directory::all(project)? {
        let Some(path) = &directory.module_file else {
            continue;
        };
        let text = project.package.read(path)?;
        if !ModuleFile::is_generated(&text) {
            continue;
        }
        // A file that no `mod` line leads to: `Project` reports the others.
        if conflict_marker(&text).is_some() {
            return Err(
                Failure::new(format!("`{}` contains conflict markers", display(path)))
                    .help("keep one version, and remove the lines with markers"),
            );
        }
        let after = text::edited(&text, |text| directory.regenerated(path, text))?;
        if after != text {
            stale.push(
                Diagnostic::new(
                    Fault::StaleModFile,
                    format!("`{}` does not name the files beside it", display(path)),
                )
                .help("run `cargo table-registry sync`"),
            );
            changes.update(path, &text, after);
            regenerated.push(directory);
        }
    }
    Ok(regenerated)
}
