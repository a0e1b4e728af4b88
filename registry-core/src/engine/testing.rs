//! Schemas in memory, for unit tests.

use std::path::PathBuf;
use std::sync::Arc;

use super::discover::declarations_in;
use super::modules::{Reach, ScannedFile};
use super::{Declarations, Diagnostic, Policy, Registry, Source, validate};

/// The registry of some files and policies, and every fault.
pub(super) fn registry(files: &[(&str, &str)], overrides: &str, revoke: &str) -> (Registry, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    let list = files.iter().flat_map(|(path, text)| {
        let file = ScannedFile::new(PathBuf::from(path), Arc::new(Source::new(*path, *text)));
        declarations_in(
            &file,
            Reach::Never {
                below_cfg: false,
                orphan: 0,
            },
        )
    });
    let declarations = Declarations {
        list: list.collect(),
        complete: true,
        tables_is_taken: false,
        unread: Vec::new(),
    };
    let mut policy = Policy::default();
    policy.read_overrides(
        &Arc::new(Source::new("table-registry.toml", overrides)),
        &mut faults,
    );
    policy.read_revoke(&Arc::new(Source::new("revoke.toml", revoke)), &mut faults);
    let registry = validate(declarations, &policy, &mut faults);
    (registry, faults)
}

/// The codes of some faults.
pub(super) fn codes(faults: &[Diagnostic]) -> Vec<String> {
    faults.iter().map(|fault| fault.code.to_string()).collect()
}
