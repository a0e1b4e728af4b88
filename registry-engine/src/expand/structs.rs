//! What `#[table]` expands to besides the struct: a macro that `table_registry!` puts into the crate root decides.

use std::path::{Path, PathBuf};

use crate::name::raw_where_needed;
use crate::registry::{RegisteredTable, Registry};
use crate::report::Fault;
use crate::sources::{self, Original};
use crate::text::{clean, display};

/// The macro in the crate root. It decides by the directory of the struct's file and by the name of the key;
/// `registration` in `registry-macros/src/table.rs` calls it. In a crate without `table_registry!`, the compiler's
/// error names this macro, so its name has to be the hint.
///
/// The compiler treats what this macro expands to as code of the user's crate, so even lints that skip the expansion of
/// a procedural macro apply here.
pub(super) fn callback(registry: &Registry, directories: &[PathBuf]) -> String {
    let of_unknown = implementation_of_struct("crate::__table_registry::__private::Unknown");
    let arms = if registry.is_complete() {
        arms(registry, directories, &of_unknown)
    } else {
        arm("$($directory:literal)* $(_)? $_:ident", &of_unknown)
    };
    format!(
        "
#[doc(hidden)]
macro_rules! registered_by_table_registry {{
{arms}}}
#[doc(hidden)]
pub(crate) use registered_by_table_registry;
"
    )
}

fn arms(registry: &Registry, directories: &[PathBuf], of_unknown: &str) -> String {
    let of_key = implementation_of_struct("$($key)*");
    let sound = format!("$($declare)* $($key)* {{}}{of_key}");
    let contested = registry.tables().iter().filter(|table| table.contested);
    let of_contested = contested.flat_map(keys).map(|key| {
        arm(&format!("$($directory:literal)* _ {key}"), of_unknown)
            + &arm(&format!("$($directory:literal)* {key}"), &of_key)
    });
    let of_faulty = arm(
        "$($directory:literal)* _ $name:ident",
        &format!("{DECLARATION_IF_REGISTERED}{of_unknown}"),
    );
    // rust-analyzer does not say which file the attribute is in.
    let unknown_file = "\"\"".to_string();
    let below = |directory: &PathBuf| format!("{} $($below:literal)*", literals(directory));
    let places: Vec<String> = [unknown_file]
        .into_iter()
        .chain(directories.iter().map(below))
        .collect();
    let in_bodies = registry
        .tables()
        .iter()
        .filter(|table| table.declarations.iter().any(|found| found.is_in_body));
    let in_body = format!("{DECLARATION_IN_BODY}{of_key}");
    let of_bodies = in_bodies.flat_map(keys).flat_map(|key| {
        let arm = |place| arm(&format!("{place} {key}"), &in_body);
        places.iter().map(arm).collect::<Vec<String>>()
    });
    let inside = places
        .iter()
        .map(|place| arm(&format!("{place} $_:ident"), &sound));
    let outside = arm("$($directory:literal)* $name:ident", &outside(directories));
    [
        of_contested.collect(),
        of_faulty,
        of_bodies.collect(),
        inside.collect(),
        outside,
    ]
    .concat()
}

/// The identifiers by which `#[table]` may refer to the key.
fn keys(table: &RegisteredTable) -> Vec<String> {
    let keys = table.aliases.iter().chain([&table.key]);
    keys.map(|key| raw_where_needed(key)).collect()
}

fn arm(pattern: &str, expansion: &str) -> String {
    format!(
        "    ({pattern} $(#$lints:tt)* [$($declare:tt)*] [$($key:tt)*] $(@ [$($generics:tt)*])? $row:ty; $($bounds:tt)*) => \
         {{ {expansion} }};\n"
    )
}

/// `non_local_definitions` forbids an implementation in a function unless its type is named by a path to an item of the
/// same body. Structs in modules do without the alias, since each additional item per table costs compile time.
const DECLARATION_IN_BODY: &str = "
const _: () = {
    type __TableRegistryKey = $($key)*;
    $($declare)* __TableRegistryKey {}
};
";

/// The components of a clean path as string literals, which a macro can match one by one.
fn literals(directory: &Path) -> String {
    let components: Vec<String> = path_components(directory)
        .iter()
        .map(|component| format!("{component:?}"))
        .collect();
    components.join(" ")
}

/// The components of the clean path.
#[must_use]
pub fn path_components(path: &Path) -> Vec<String> {
    let clean = clean(path);
    let components = clean.components();
    components
        .map(|component| component.as_os_str().to_string_lossy().into_owned())
        .collect()
}

/// The key of a faulty attribute is a guess. If no table has that key, the implementation is for an enum of the same
/// name, so that the attribute's fault stays the only error. The constant uses the import in either case.
const DECLARATION_IF_REGISTERED: &str = "
const _: () = {
    enum $name {}
    const _: () = {
        use crate::directories_of_table_registry::*;
        type __TableRegistryKey = $name;
        const _: crate::__table_registry::__private::bool = is_rls(\"\");
        impl crate::__table_registry::__private::DeclaredByOneStruct for __TableRegistryKey {}
    };
};
";

/// For a struct whose file is outside the directories.
fn outside(directories: &[PathBuf]) -> String {
    let shown: Vec<String> = directories.iter().map(|directory| display(directory)).collect();
    format!(
        "crate::__table_registry::__outside_directories! {{
            {shown:?} $name [$(#$lints)*] [$($($generics)*)?] $row; $($bounds)*
        }}"
    )
}

/// The text of the error at a struct outside the directories.
#[must_use]
pub fn outside_directories(name: &str, directories: &[String], is_generated: bool) -> String {
    let (message, help) = sources::outside_directories(name, directories, is_generated);
    super::checks::fault(Fault::OutsideDirectories, &message, &help)
}

/// The text of the error at a struct that a macro made from another one, if the crate compiles both with `#[table]`.
#[must_use]
pub fn copied_attribute(copy: &str, original: &Original) -> String {
    let fix = match &original.first_macro {
        Some(attribute) => format!("put `#[table]` above `{attribute}`, which then does not see it"),
        None => "put `#[table]` above the attribute macro that makes the copy; if a macro around the struct makes \
             it, let that macro put `#[table]` on only one struct"
            .to_string(),
    };
    super::checks::fault(
        Fault::CopiedAttribute,
        &format!(
            "a macro makes `{copy}` of `{}` and copies `#[table]`, so both declare table `{}`",
            original.ident, original.name
        ),
        &fix,
    )
}

fn implementation_of_struct(key: &str) -> String {
    format!(
        "
$(#$lints)* impl $($($generics)*)? crate::__table_registry::Table for $row $($bounds)* {{
    type Key = {key};
}}
"
    )
}
