//! Schemas in memory, for unit tests.

use std::path::PathBuf;
use std::sync::Arc;

use super::discover::{Orphan, declarations_in};
use super::modules::{Reach, ScannedFile};
use super::{Declaration, Declarations, Diagnostic, Policy, Registry, Source, validate};

/// The registry of some files and policies, and every fault.
pub(super) fn registry(files: &[(&str, &str)], overrides: &str, revoke: &str) -> (Registry, Vec<Diagnostic>) {
    let mut faults = Vec::new();
    let list = files.iter().flat_map(|(path, text)| {
        let file = ScannedFile::new(PathBuf::from(path), Arc::new(Source::new(*path, *text)));
        let never = Reach::Never {
            orphan: 0,
            conditional: false,
            below_cfg: None,
        };
        declarations_in(&file, &never, false)
    });
    let list = list.map(|declaration| Declaration {
        orphan: Some(Orphan {
            file: declaration.file.clone(),
            below_cfg: None,
        }),
        ..declaration
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
