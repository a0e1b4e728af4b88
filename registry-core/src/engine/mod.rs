//! The pipeline behind the macros, for whatever else reads a registry, too:
//! sources to declarations, with policy to a registry or to diagnostics.
//!
//! Not for user crates: what is public here is what the macros and the command line need, and changes with
//! them. Each stage is one file and one type; [`run`] reads top to bottom as the whole, and its example shows
//! how the stages come together.

mod arguments;
mod call_site;
mod calls;
mod config;
mod database;
mod declare;
mod diagnostic;
mod discover;
mod expand;
mod invocation;
mod lex;
mod lints;
mod modules;
mod name;
mod registry;
mod scan;
mod source;
mod suggest;
#[cfg(test)]
mod testing;
mod validate;

pub use arguments::{Argument, Value, split as split_arguments, ungroup};
pub use call_site::CallSite;
pub use calls::registry_calls;
pub use config::{EXEMPT, Entry, OVERRIDES, OVERRIDES_FILE, Policy, PolicyFiles, REVOKE_FILE, UPDATE_DELETE};
pub use database::Database;
pub use declare::{Allowed, Declared, FlatMeta, declare, flatten, not_a_struct, outer_attributes, repeated};
pub use diagnostic::{Code, Diagnostic, Label, Severity};
use discover::discover;
pub use discover::{Check, Declaration, Declarations, Orphan, declarations_in_text};
pub use expand::{expand, import};
pub use invocation::{Invocation, WrittenPath};
pub use lints::{LINT_RULES, LintLevel, LintOption, LintRule, Lints};
pub use name::{NameFault, TableName, check as check_name, key, key_ident};
pub use registry::{ExemptTable, RegisteredTable, Registry};
pub use source::{Source, clean, display};
pub use suggest::did_you_mean;
pub use validate::validate;

/// What one `table_registry!` comes to.
#[derive(Debug)]
pub struct Outcome {
    /// What can be registered; all of it if there is no fault.
    pub registry: Registry,
    /// The files that were read here and perhaps not by the compiler, relative to the invoking
    /// file: a change of one must recompile the crate.
    pub tracked: Vec<String>,
    /// Every fault, in the order of the stages.
    pub faults: Vec<Diagnostic>,
}

impl Outcome {
    /// What there is to register when the sources could not be read at all: the fault stays alone.
    #[must_use]
    pub fn incomplete(fault: Diagnostic) -> Self {
        let mut faults = vec![fault];
        let registry = validate(Declarations::default(), &Policy::default(), &mut faults);
        Self {
            registry,
            tracked: Vec::new(),
            faults,
        }
    }
}

/// Reads the sources that an invocation names, and checks them.
///
/// ```no_run
/// use registry_core::engine::{CallSite, Invocation, expand, run};
///
/// let mut faults = Vec::new();
/// let invocation = Invocation::parse("\"schema/\"".parse().unwrap(), &mut faults);
/// let outcome = run(&invocation, &CallSite::new("src/lib.rs"));
/// for fault in faults.iter().chain(&outcome.faults) {
///     println!("{}", fault.render());
/// }
/// println!("{}", expand(&outcome.registry, &outcome.tracked));
/// ```
#[must_use]
pub fn run(invocation: &Invocation, call: &CallSite) -> Outcome {
    let mut faults = Vec::new();
    let (declarations, files) = read(invocation, call, &mut faults);
    let tracked = files.paths.iter().chain(&declarations.unread);
    let tracked = tracked.map(|file| call.relative(file)).collect();
    let policy = Policy::read(&files, &mut faults);
    let registry = validate(declarations, &policy, &mut faults);
    Outcome {
        registry,
        tracked,
        faults,
    }
}

/// The first half of [`run`]: finds the structs and the policy files.
pub fn read(
    invocation: &Invocation,
    call: &CallSite,
    faults: &mut Vec<Diagnostic>,
) -> (Declarations, PolicyFiles) {
    let mut declarations = discover(call, &invocation.directories, faults);
    declarations.complete &= invocation.complete;
    let files = PolicyFiles::find(call, invocation, faults);
    (declarations, files)
}
