//! A crate with a registry, read from its sources by the same pipeline that the macro uses.

use std::ops::Range;
use std::sync::Arc;

use proc_macro2::Span;
use table_registry_engine::{
    self as engine, CallSite, Declaration, Diagnostic, Fault, Inputs, Invocation, MAIN_FILE, Policy,
    Registry, Source, compiled_files, conflict_marker, display,
};

use crate::failure::Failure;
use crate::registry_call::{self, RegistryCall, place};
use crate::report;
use crate::workspace::{self, Package, Workspace};

/// A crate and its registry.
#[derive(Debug)]
pub struct Project {
    pub package: Package,
    /// The root of the crate that calls `table_registry!`.
    pub root: Arc<Source>,
    pub call: CallSite,
    pub invocation: Invocation,
    /// Everything that was read. An edit is checked on a changed copy.
    pub inputs: Inputs,
    pub policy: Policy,
    pub registry: Registry,
    /// The files that the compiler reads.
    pub sources: Vec<Arc<Source>>,
    /// Every fault that the compiler would report, except those that only the compiler can see.
    pub faults: Vec<Diagnostic>,
}

impl Project {
    /// The policy file, also if it does not exist yet.
    pub fn main_file(&self) -> &str {
        let file = self.inputs.files.main.as_ref();
        file.map_or(MAIN_FILE, |file| &file.path)
    }

    /// Reads the registries of the chosen packages. Fails if there is none.
    pub fn load_all(workspace: &Workspace) -> Result<Vec<Self>, Failure> {
        let mut projects = Vec::new();
        for package in &workspace.packages {
            let calls = RegistryCall::find_all(package)?;
            if calls.is_empty() && (workspace.is_explicit || package.has_lock_file()) {
                return Err(no_call(package));
            }
            projects.extend(Self::of_package(package, calls));
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
        let mut packages: Vec<Package> = projects.into_iter().map(|project| project.package).collect();
        packages.dedup_by(|one, other| one.name == other.name);
        if let [package] = packages.as_slice() {
            return Err(several_registries(package));
        }
        Err(Failure::new("several packages have a registry")
            .note(workspace::names(&packages))
            .help("name one with `-p`"))
    }

    /// Reads the registries of the chosen packages, which share a database. Fails if one package has several.
    pub fn load_databases(workspace: &Workspace) -> Result<Vec<Self>, Failure> {
        let projects = Self::load_all(workspace)?;
        let mut pairs = projects.windows(2);
        match pairs.find(|pair| pair[0].package.name == pair[1].package.name) {
            Some(pair) => Err(several_registries(&pair[0].package)),
            None => Ok(projects),
        }
    }

    /// The registries of a package. Two crates that call the macro in the same way have the same registry, which counts
    /// once.
    fn of_package(package: &Package, calls: Vec<RegistryCall>) -> Vec<Self> {
        let mut projects: Vec<Self> = Vec::new();
        for found in calls {
            let project = Self::read(package.clone(), found);
            if !projects.iter().any(|known| known.names_paths_of(&project)) {
                projects.push(project);
            }
        }
        for project in projects.iter_mut().skip(1) {
            let target = package.target_of(project.call.crate_root());
            project.package.target = target.map(|target| target.name.clone());
        }
        projects
    }

    /// Whether both calls lead to the same directories and policy files.
    fn names_paths_of(&self, other: &Self) -> bool {
        let paths = |project: &Self| {
            let directories = project.invocation.directories.iter();
            let resolved = directories.filter_map(|path| project.call.resolve(path).ok());
            let all = resolved.chain(project.inputs.files.paths.iter().cloned());
            let canonical = all.map(|path| project.package.root.canonical(&path).unwrap_or(path));
            canonical.collect::<Vec<_>>()
        };
        paths(self) == paths(other)
    }

    fn read(package: Package, found: RegistryCall) -> Self {
        let mut reading_faults = Vec::new();
        let invocation = Invocation::parse(found.arguments.clone(), &mut reading_faults);
        let call = found.call.clone();
        let mut inputs = Inputs::read(&invocation, &call);
        let compiled = compiled_files(&call, &invocation);
        inputs.declarations.outside = compiled.outside;
        reading_faults.append(&mut inputs.faults);
        let locate = |fault| found.locate(fault);
        let mut faults: Vec<Diagnostic> = reading_faults.into_iter().map(locate).collect();
        faults.extend(found.misplaced.clone());
        let checked = Checked::new(inputs.clone());
        faults.extend(checked.faults.into_iter().map(locate));
        let mut project = Self {
            package,
            root: found.root,
            call,
            invocation,
            inputs,
            policy: checked.policy,
            registry: checked.registry,
            sources: compiled.sources.clone(),
            faults,
        };
        project.add_conflicts(compiled.sources);
        project
    }

    /// Adds a fault for each file in which a merge left conflict markers. The compiler rejects such a file, too.
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

fn several_registries(package: &Package) -> Failure {
    Failure::new(format!("package `{}` has several registries", package.name))
        .note("the calls of its crates lead to different directories or policy files")
        .help("keep the call in the library, and use its arrays in the binaries")
}

fn no_call(package: &Package) -> Failure {
    let failure = registry_call::no_call(package);
    if package.has_lock_file() {
        return failure
            .note(format!(
                "`{}` is the lock file of a registry",
                display(&package.lock_file())
            ))
            .help("restore the call, or remove the lock file, too");
    }
    if !registry_call::unclear_calls(package).is_empty() {
        return failure.help(registry_call::CALL_PLAINLY);
    }
    failure.help(format!("run `{}` to add the call", package.command("init")))
}

fn no_call_anywhere(workspace: &Workspace) -> Failure {
    match workspace.packages.as_slice() {
        [package] => no_call(package),
        packages => {
            let failure = Failure::new("no package of the workspace calls `table_registry!`")
                .note(format!(
                    "looked in the crate roots of {}",
                    workspace::names(packages)
                ))
                .note(registry_call::SEARCHED);
            let unclear = packages.iter().flat_map(registry_call::unclear_calls);
            unclear
                .fold(failure, Failure::note)
                .help("run `cargo table-registry init -p NAME` to add the call to one")
        }
    }
}
