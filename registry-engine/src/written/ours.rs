//! Which names in a source are those of this crate, of the language, or perhaps of another crate.

/// `table_registry`, also misspelt, which the compiler reports.
pub fn is_our_crate(name: &str) -> bool {
    name.starts_with("table_reg")
}

/// Whether a derive of this name may bring a helper attribute called `table`.
pub fn may_bring_helpers(derive: &str) -> bool {
    !STANDARD_DERIVES.contains(&derive)
}

/// The derives of the standard library, which bring none.
const STANDARD_DERIVES: [&str; 9] = [
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

/// Whether an attribute is one of the language or of a tool that comes with it, and leaves its item
/// alone. One that is missing here costs the item a check or the certainty that it is compiled.
pub fn is_built_in(path: &[&str]) -> bool {
    match path {
        [tool, _, ..] => matches!(*tool, "clippy" | "rustfmt" | "diagnostic" | "miri"),
        [name] => BUILT_IN_ATTRIBUTES.contains(name),
        [] => true,
    }
}

const BUILT_IN_ATTRIBUTES: [&str; 26] = [
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
