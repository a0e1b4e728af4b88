//! The pipeline: it reads sources and policy files, applies the policies and checks the rules, and returns the registry
//! with every fault.

use std::path::PathBuf;

use crate::call_site::CallSite;
use crate::policy::{Policy, PolicyFiles};
use crate::registry::{Registry, validate};
use crate::report::{Diagnostic, Fault};
use crate::sources::{Declaration, Declarations, compiled_files, discover};
use crate::written::Invocation;

/// Reads the sources and policy files that a call of `table_registry!` names, and checks them.
///
/// ```no_run
/// use table_registry_engine::{CallSite, Invocation, Root, expand, run};
///
/// let mut faults = Vec::new();
/// let invocation = Invocation::parse("\"schema/\"".parse().unwrap(), &mut faults);
/// let call = CallSite::new(Root::current(), "src/lib.rs");
/// let analysis = run(&invocation, &call);
/// for fault in faults.iter().chain(&analysis.faults) {
///     println!("{}", fault.render());
/// }
/// println!("{}", expand(&analysis.registry, &analysis.tracked(&call), &[]));
/// ```
#[must_use]
pub fn run(invocation: &Invocation, call: &CallSite) -> Analysis {
    let analysis = Inputs::read(invocation, call).check();
    if analysis.faults.iter().any(names_unknown_table) {
        // A table that was moved out of the directories is one fault, not one per policy entry that names it.
        let mut inputs = Inputs::read(invocation, call);
        inputs.declarations.outside = compiled_files(call, invocation).outside;
        return inputs.check();
    }
    analysis
}

fn names_unknown_table(fault: &Diagnostic) -> bool {
    [Fault::UnknownAllow, Fault::UnknownOverride, Fault::UnknownRevoke]
        .iter()
        .any(|code| fault.is(*code))
}

/// Everything that was read from files. An edit is checked on a changed copy.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// What the schema directories declare.
    pub declarations: Declarations,
    /// The policy files.
    pub files: PolicyFiles,
    /// The faults of files that cannot be read.
    pub faults: Vec<Diagnostic>,
}

/// The registry of one `table_registry!`, and every fault.
#[derive(Debug)]
pub struct Analysis {
    /// What the policy files decide.
    pub policy: Policy,
    /// The tables. If there are faults, some may be missing.
    pub registry: Registry,
    /// The files that were read here, and that the compiler does not read in every build.
    tracked: Vec<PathBuf>,
    /// The declarations with a fault that the compiler reports when it expands their `#[table]`.
    pub faulty_declarations: Vec<Declaration>,
    /// All other faults, in the order of the stages.
    pub faults: Vec<Diagnostic>,
}

impl Inputs {
    /// Reads the schema directories and the policy files.
    #[must_use]
    pub fn read(invocation: &Invocation, call: &CallSite) -> Self {
        let mut faults = Vec::new();
        Self {
            declarations: discover(call, invocation, &mut faults),
            files: PolicyFiles::find(call, invocation, &mut faults),
            faults,
        }
    }

    /// Runs the stages that need no files.
    #[must_use]
    pub fn check(self) -> Analysis {
        let Self {
            mut declarations,
            files,
            mut faults,
        } = self;
        let mut of_policy = Vec::new();
        let policy = Policy::read(&files, &mut of_policy);
        faults.extend(declarations.without_tables(!policy.tables.is_empty()));
        faults.append(&mut of_policy);
        let tracked = [files.paths, std::mem::take(&mut declarations.unreached)].concat();
        declarations.drop_doubtful(&policy);
        declarations.add_outside(&policy, &mut faults);
        let faulty_declarations = declarations.faulty();
        Analysis {
            registry: validate(declarations, &policy, &mut faults),
            policy,
            tracked,
            faulty_declarations,
            faults,
        }
    }
}

impl Analysis {
    /// The files whose changes must recompile the crate although the compiler does not read them in every build, relative
    /// to the invoking file.
    #[must_use]
    pub fn tracked(&self, call: &CallSite) -> Vec<String> {
        self.tracked.iter().map(|file| call.relative(file)).collect()
    }

    /// An empty registry with a single fault, if nothing could be read.
    #[must_use]
    pub fn incomplete(fault: Diagnostic) -> Self {
        Self {
            faults: vec![fault],
            ..Inputs::default().check()
        }
    }
}
