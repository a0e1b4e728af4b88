//! The faults of unknown kinds and lints, in attributes and in policy files.

use table_registry_core::TableKind;

use crate::report::{Diagnostic, Fault, Lint};
use crate::text::did_you_mean;

/// The fault of a text that is not a table kind, without a place.
#[must_use]
pub fn unknown_kind(text: &str) -> Diagnostic {
    Diagnostic::new(Fault::UnknownKind, format!("unknown table kind `{text}`"))
        .note(kinds_note())
        .maybe_help(did_you_mean(text, TableKind::ALL.map(TableKind::as_str)))
}

pub fn kinds_note() -> String {
    format!(
        "the kinds are `{}`",
        TableKind::ALL.map(TableKind::as_str).join("`, `")
    )
}

/// The fault of a text that is not the name of a lint, without a place. The help writes names with the separator that is
/// valid there: `-` in policy files, `_` in attributes.
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
