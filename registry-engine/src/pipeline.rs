//! The stages, one after the other.

use std::path::PathBuf;

use crate::call_site::CallSite;
use crate::policy::{Policy, PolicyFiles};
use crate::registry::{Registry, validate};
use crate::report::Diagnostic;
use crate::sources::{Declaration, Declarations, discover};
use crate::written::Invocation;

/// Reads the sources and policy files that an invocation names, and checks them.
///
/// ```no_run
/// use table_registry_engine::{CallSite, Invocation, Root, expand, run};
///
/// let mut faults = Vec::new();
/// let invocation = Invocation::parse("\"schema/\"".parse().unwrap(), &mut faults);
/// let call = CallSite::new(Root::current(), "src/lib.rs");
/// let outcome = run(&invocation, &call);
/// for fault in faults.iter().chain(&outcome.faults) {
///     println!("{}", fault.render());
/// }
/// println!("{}", expand(&outcome.registry, &outcome.tracked(&call), &[]));
/// ```
#[must_use]
pub fn run(invocation: &Invocation, call: &CallSite) -> Outcome {
    Inputs::read(invocation, call).check()
}

/// What was read from the disk. An edit is checked by changing a copy.
#[derive(Clone, Debug, Default)]
pub struct Inputs {
    /// What the schema directories declare.
    pub declarations: Declarations,
    /// The policy files.
    pub files: PolicyFiles,
    /// What could not be read.
    pub faults: Vec<Diagnostic>,
}

/// What one `table_registry!` comes to.
#[derive(Debug)]
pub struct Outcome {
    /// What the policy files decide.
    pub policy: Policy,
    /// What can be registered; all of it if there is no fault.
    pub registry: Registry,
    /// The files that were read here and perhaps not by the compiler.
    tracked: Vec<PathBuf>,
    /// The declarations with a fault that the compiler reports when it expands their `#[table]`.
    pub faulty_declarations: Vec<Declaration>,
    /// Every other fault, in the order of the stages.
    pub faults: Vec<Diagnostic>,
}

impl Inputs {
    /// Finds the structs and the policy files that an invocation names.
    #[must_use]
    pub fn read(invocation: &Invocation, call: &CallSite) -> Self {
        let mut faults = Vec::new();
        Self {
            declarations: discover(call, invocation, &mut faults),
            files: PolicyFiles::find(call, invocation, &mut faults),
            faults,
        }
    }

    /// The stages after reading: what the inputs come to.
    #[must_use]
    pub fn check(self) -> Outcome {
        let Self {
            mut declarations,
            files,
            mut faults,
        } = self;
        let policy = Policy::read(&files, &mut faults);
        let tracked = [files.paths, std::mem::take(&mut declarations.unreached)].concat();
        declarations.drop_doubtful(&policy);
        let faulty_declarations = declarations.faulty();
        Outcome {
            registry: validate(declarations, &policy, &mut faults),
            policy,
            tracked,
            faulty_declarations,
            faults,
        }
    }
}

impl Outcome {
    /// The files that were read here and perhaps not by the compiler, relative to the invoking file: a change of one
    /// must recompile the crate.
    #[must_use]
    pub fn tracked(&self, call: &CallSite) -> Vec<String> {
        self.tracked.iter().map(|file| call.relative(file)).collect()
    }

    /// What there is to register when the sources could not be read at all: the fault stays alone.
    #[must_use]
    pub fn incomplete(fault: Diagnostic) -> Self {
        Self {
            faults: vec![fault],
            ..Inputs::default().check()
        }
    }
}
