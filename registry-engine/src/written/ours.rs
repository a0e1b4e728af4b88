//! Tells the names of this crate and of the language from those of other crates.

/// Whether a name is `table_registry`, perhaps misspelt, which the compiler reports.
pub fn is_our_crate(name: &str) -> bool {
    name.starts_with("table_reg")
}

/// Whether a derive may have a helper attribute with the name `table`.
pub fn may_bring_helpers(derive: &str) -> bool {
    !STANDARD_DERIVES.contains(&derive)
}

/// The derives of the standard library. None has a helper attribute with the name `table`.
const STANDARD_DERIVES: &[&str] = &[
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Eq",
    "Hash",
    "Ord",
    "PartialEq",
    "PartialOrd",
];

/// Whether an attribute belongs to the language or to one of its tools, and never changes its item. If one is missing
/// here, its item gets a check that is not needed, or counts as conditional.
pub fn is_built_in(path: &[&str]) -> bool {
    match path {
        [tool, _, ..] => matches!(*tool, "clippy" | "rustfmt" | "diagnostic" | "miri"),
        [name] => BUILT_IN_ATTRIBUTES.contains(name),
        [] => true,
    }
}

/// Whether an attribute is known to leave its item out in some builds, as `cfg` does: those of the crate `rustversion`,
/// and any whose name starts with `cfg_`. Whether another attribute macro drops its item is unknown.
pub fn leaves_out(path: &[&str]) -> bool {
    is_of_rustversion(path) || path.last().is_some_and(|name| name.starts_with("cfg_"))
}

/// Whether the crate `rustversion` leaves out any item with this attribute in some builds.
#[must_use]
pub fn is_of_rustversion(path: &[&str]) -> bool {
    match path {
        ["rustversion", name] => *name != "attr",
        // Imported, or through a renamed crate. The other attributes, such as `all`, have names that are too common.
        [.., name] => matches!(*name, "since" | "before" | "nightly"),
        [] => false,
    }
}

const BUILT_IN_ATTRIBUTES: &[&str] = &[
    "allow",
    "automatically_derived",
    "bench",
    "cfg",
    "cfg_attr",
    "cold",
    "deny",
    "deprecated",
    "derive",
    "doc",
    "expect",
    "forbid",
    "ignore",
    "inline",
    "macro_export",
    "macro_use",
    "must_use",
    "no_implicit_prelude",
    "no_mangle",
    "non_exhaustive",
    "path",
    "repr",
    "should_panic",
    "test",
    "track_caller",
    "warn",
];
