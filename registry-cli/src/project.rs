//! A crate with a registry, read from its sources by the same pipeline that the macro uses.

use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use proc_macro2::{Span, TokenStream};
use table_registry_engine::{
    self as engine, CallSite, Declaration, Diagnostic, Fault, Inputs, Invocation, Policy, Registry, Source,
    compiled_files, conflict_marker, display, registry_calls,
};

use crate::failure::Failure;
use crate::nesting;
use crate::report;
use crate::workspace::{self, Package, Workspace};

/// A crate and its registry.
#[derive(Debug)]
pub struct Project {
    pub package: Package,
    /// The crate root, which calls `table_registry!`.
    pub root: Arc<Source>,
    pub call: CallSite,
    pub invocation: Invocation,
    /// Everything that was read. An edit is checked on a changed copy.
    pub inputs: Inputs,
    pub policy: Policy,
    pub registry: Registry,
    /// Every fault that the compiler would report, except those that only the compiler can see.
    pub faults: Vec<Diagnostic>,
}

impl Project {
    /// Reads the registries of the chosen packages. Fails if there is none.
    pub fn load_all(workspace: &Workspace) -> Result<Vec<Self>, Failure> {
        let mut projects = Vec::new();
        for package in &workspace.packages {
            match CallInRoot::find(package)? {
                Some(found) => projects.push(Self::read(package.clone(), &found)?),
                None if workspace.is_explicit || package.has_lock_file() => {
                    return Err(no_call(package));
                }
                None => {}
            }
        }
        if projects.is_empty() {
            return Err(no_call_anywhere(workspace));
        }
        Ok(projects)
    }

    /// Reads the only registry of the chosen packages. Fails if there are several.
    pub fn load_one(workspace: &Workspace) -> Result<Self, Failure> {
        let mut projects = Self::load_all(workspace)?;
        if projects.len() == 1
            && let Some(project) = projects.pop()
        {
            return Ok(project);
        }
        let names = projects.iter().map(|project| project.package.clone());
        Err(Failure::new("several packages have a registry")
            .note(workspace::names(&names.collect::<Vec<_>>()))
            .help("name one with `-p`"))
    }

    fn read(package: Package, found: &CallInRoot) -> Result<Self, Failure> {
        let mut reading_faults = Vec::new();
        let invocation = Invocation::parse(found.arguments()?, &mut reading_faults);
        let call = CallSite::new(package.root.clone(), &found.file);
        let mut inputs = Inputs::read(&invocation, &call);
        let compiled = compiled_files(&call, &invocation);
        inputs.declarations.outside = compiled.outside;
        reading_faults.append(&mut inputs.faults);
        let located = reading_faults.into_iter().map(|fault| found.locate(fault));
        let mut faults: Vec<Diagnostic> = located.collect();
        let checked = Checked::new(inputs.clone());
        faults.extend(checked.faults);
        let mut project = Self {
            package,
            root: Arc::clone(&found.source),
            call,
            invocation,
            inputs,
            policy: checked.policy,
            registry: checked.registry,
            faults,
        };
        project.add_conflicts(compiled.sources);
        Ok(project)
    }

    /// Adds a fault for each file in which a merge left conflict markers. The compiler refuses such a file, too.
    fn add_conflicts(&mut self, mut sources: Vec<Arc<Source>>) {
        let declarations = self
            .registry
            .tables()
            .iter()
            .flat_map(|table| &table.declarations);
        sources.extend(declarations.map(|declaration| Arc::clone(&declaration.source)));
        sources.sort_by(|one, other| one.path.cmp(&other.path));
        sources.dedup_by(|one, other| one.path == other.path);
        for source in sources {
            let is_here = |fault: &Diagnostic| {
                fault.is(Fault::ConflictMarker)
                    && fault.labels.iter().any(|label| label.source.path == source.path)
            };
            if let Some(marker) = conflict_marker(&source.text)
                && !self.faults.iter().any(is_here)
            {
                self.faults.push(engine::conflict(&source, marker));
            }
        }
    }

    /// The faults of files that cannot be read, and of arguments that cannot be understood.
    pub fn reading_faults(&self) -> impl Iterator<Item = &Diagnostic> {
        let faults = self.faults.iter();
        // `NoTables` counts as unreadable elsewhere, but a new registry has no tables.
        faults.filter(|fault| report::is_unreadable(fault.code) && !fault.is(Fault::NoTables))
    }

    /// Prints the next step after a change if there is a lock file.
    pub fn say_if_lock_is_stale(&self) {
        if self.package.has_lock_file() {
            let command = self.package.command("sync");
            report::next(format!(
                "run `{command}`, and commit the lock file with the change"
            ));
        }
    }
}

pub fn all_faults(projects: &[Project]) -> Vec<Diagnostic> {
    let faults = projects.iter().flat_map(|project| &project.faults);
    faults.cloned().collect()
}

/// The result of checking the inputs.
pub struct Checked {
    pub policy: Policy,
    pub registry: Registry,
    /// Every fault that the compiler would report.
    pub faults: Vec<Diagnostic>,
}

impl Checked {
    pub fn new(inputs: Inputs) -> Self {
        let analysis = inputs.check();
        let declarations = analysis.faulty_declarations.iter();
        let mut faults: Vec<Diagnostic> = declarations.flat_map(faults_of_attribute).collect();
        faults.extend(analysis.faults);
        Self {
            policy: analysis.policy,
            registry: analysis.registry,
            faults,
        }
    }
}

/// The faults of a struct's attribute, each at its token, as the compiler reports them.
fn faults_of_attribute(declaration: &Declaration) -> Vec<Diagnostic> {
    let locate = |mut fault: Diagnostic| {
        if let (Some(range), Some(label)) = (
            place_in_attribute(declaration, fault.span),
            fault.labels.first_mut(),
        ) {
            label.range = range;
        }
        fault
    };
    let mut faults: Vec<Diagnostic> = declaration.faults.iter().cloned().map(locate).collect();
    if !declaration.is_struct {
        let (keyword, place) = word_before(&declaration.source.text, declaration.place.start);
        let fault = engine::not_a_struct(&keyword.parse().unwrap_or_default());
        faults.push(fault.at(&declaration.source, place, ""));
    }
    faults
}

/// The word before a place, such as `enum` in `enum Roles`, and its range.
fn word_before(text: &str, place: usize) -> (&str, Range<usize>) {
    let before = text[..place].trim_end();
    let word = before.rsplit(char::is_whitespace).next().unwrap_or_default();
    (word, before.len() - word.len()..before.len())
}

/// The range of a token of the attribute `#[table]` in the file.
pub fn place_in_attribute(declaration: &Declaration, span: Option<Span>) -> Option<Range<usize>> {
    let attribute = declaration.attribute.clone();
    let within = place(span, &declaration.source.text[attribute.clone()])?;
    Some(attribute.start + within.start..attribute.start + within.end)
}

/// The byte range of a span in the text that it was parsed from; `None` for a span from another text.
fn place(span: Option<Span>, text: &str) -> Option<Range<usize>> {
    let range = span?.byte_range();
    (!range.is_empty() && text.get(range.clone()).is_some()).then_some(range)
}

/// The call of `table_registry!` in a crate root.
struct CallInRoot {
    file: PathBuf,
    source: Arc<Source>,
    arguments: Range<usize>,
}

impl CallInRoot {
    fn find(package: &Package) -> Result<Option<Self>, Failure> {
        let mut calls = Vec::new();
        for file in &package.crate_roots {
            let source = match Source::read(&package.root, file) {
                Ok(source) => source,
                // Cargo lists targets whose files do not exist yet, or are generated.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(Failure::io("read", file, &error)),
            };
            calls.extend(registry_calls(&source.text).into_iter().map(|arguments| Self {
                file: file.clone(),
                source: Arc::clone(&source),
                arguments,
            }));
        }
        match calls.len() {
            0 | 1 => Ok(calls.pop()),
            _ => Err(several_calls(package, &calls)),
        }
    }

    fn line(&self) -> String {
        format!(
            "`{}:{}`",
            self.source.path,
            self.source.line(self.arguments.start)
        )
    }

    fn arguments(&self) -> Result<TokenStream, Failure> {
        let text = &self.source.text[self.arguments.clone()];
        nesting::tokens(text).map_err(|reason| {
            Failure::new(format!(
                "the arguments of `table_registry!` in {} cannot be tokenized",
                self.line()
            ))
            .note(reason)
        })
    }

    /// Returns the fault of an argument with its place in this file.
    fn locate(&self, fault: Diagnostic) -> Diagnostic {
        let arguments = &self.source.text[self.arguments.clone()];
        if fault.span.is_none() || !fault.labels.is_empty() {
            return fault;
        }
        let range = match place(fault.span, arguments) {
            Some(within) => self.arguments.start + within.start..self.arguments.start + within.end,
            None => self.arguments.clone(),
        };
        fault.at(&self.source, range, "")
    }
}

fn several_calls(package: &Package, calls: &[CallInRoot]) -> Failure {
    let lines: Vec<String> = calls.iter().map(CallInRoot::line).collect();
    Failure::new(format!(
        "package `{}` calls `table_registry!` more than once",
        package.name
    ))
    .note(lines.join(", "))
    .help("keep the call in the library, and use its arrays in the binaries")
}

fn no_call(package: &Package) -> Failure {
    let roots: Vec<String> = package
        .crate_roots
        .iter()
        .map(|root| format!("`{}`", root.display()))
        .collect();
    let lock = package.lock_file();
    let failure = Failure::new(format!(
        "package `{}` does not call `table_registry!`",
        package.name
    ))
    .note(format!("looked in {}", roots.join(", ")));
    if package.has_lock_file() {
        return failure
            .note(format!("`{}` is the lock file of a registry", display(&lock)))
            .help("restore the call, or remove the lock file, too");
    }
    failure.help(format!("run `{}` to add the call", package.command("init")))
}

fn no_call_anywhere(workspace: &Workspace) -> Failure {
    match workspace.packages.as_slice() {
        [package] => no_call(package),
        packages => Failure::new("no package of the workspace calls `table_registry!`")
            .note(format!(
                "looked in the crate roots of {}",
                workspace::names(packages)
            ))
            .help("run `cargo table-registry init -p NAME` to add the call to one"),
    }
}
