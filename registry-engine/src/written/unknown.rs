//! The faults of names that attributes and policy files have in common.

use table_registry_core::TableKind;

use crate::report::{Diagnostic, Fault, Lint};
use crate::text::did_you_mean;

/// The fault that `text` is not a table kind, without its place.
#[must_use]
pub fn unknown_kind(text: &str) -> Diagnostic {
    Diagnostic::new(Fault::UnknownKind, format!("unknown table kind `{text}`"))
        .note(kinds_note())
        .maybe_help(did_you_mean(text, TableKind::ALL.map(TableKind::as_str)))
}

/// Which kinds there are.
pub fn kinds_note() -> String {
    format!(
        "the kinds are `{}`",
        TableKind::ALL.map(TableKind::as_str).join("`, `")
    )
}

/// The fault that no lint has this name, without its place. The help spells names with the separator that can
/// stand there.
#[must_use]
pub fn unknown_lint(name: &str, separator: &str) -> Diagnostic {
    let names: Vec<String> = Lint::ALL
        .iter()
        .map(|lint| lint.as_str().replace('-', separator))
        .collect();
    let near = did_you_mean(
        &name.replace(['-', '_'], separator),
        names.iter().map(String::as_str),
    );
    Diagnostic::new(Fault::UnknownLint, format!("unknown lint `{name}`"))
        .help(near.unwrap_or_else(|| format!("the lints are `{}`", names.join("`, `"))))
}
