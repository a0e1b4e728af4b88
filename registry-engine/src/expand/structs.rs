//! What `#[table]` expands to besides the struct: a macro that `table_registry!` puts into the crate root decides.

use std::path::{Path, PathBuf};

use crate::name::raw_where_needed;
use crate::registry::Registry;
use crate::report::Fault;
use crate::sources::Original;
use crate::text::{clean, display};

/// The macro in the crate root. It decides by the directory of the struct's file and by the name of the key;
/// `registration` in `registry-macros/src/table.rs` calls it. In a crate without `table_registry!`, the compiler's
/// error names this macro, so its name has to be the hint.
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
#[allow(unused_macros)]
macro_rules! registered_by_table_registry {{
{arms}}}
#[doc(hidden)]
#[allow(unused_imports)]
pub(crate) use registered_by_table_registry;
"
    )
}

fn arms(registry: &Registry, directories: &[PathBuf], of_unknown: &str) -> String {
    let of_key = implementation_of_struct("$($key)*");
    let sound = format!("#[allow(non_local_definitions)] $($declare)* $($key)* {{}}{of_key}");
    let contested = registry.tables().iter().filter(|table| table.contested);
    let contested_keys = contested.flat_map(|table| table.aliases.iter().chain([&table.key]));
    let of_contested = contested_keys.map(|key| {
        let ident = raw_where_needed(key);
        arm(&format!("$($directory:literal)* _ {ident}"), of_unknown)
            + &arm(&format!("$($directory:literal)* {ident}"), &of_key)
    });
    let of_faulty = arm(
        "$($directory:literal)* _ $name:ident",
        &format!("{DECLARATION_IF_REGISTERED}{of_unknown}"),
    );
    // rust-analyzer does not say which file the attribute is in.
    let of_unknown_file = arm("\"\" $_:ident", &sound);
    let inside = directories.iter().map(|directory| {
        let above = literals(directory);
        arm(&format!("{above} $($below:literal)* $_:ident"), &sound)
    });
    let outside = arm("$($directory:literal)* $name:ident", &outside(directories));
    [
        of_contested.collect(),
        of_faulty,
        of_unknown_file,
        inside.collect(),
        outside,
    ]
    .concat()
}

fn arm(pattern: &str, expansion: &str) -> String {
    format!(
        "    ({pattern} [$($declare:tt)*] [$($key:tt)*] $(@ [$($generics:tt)*])? $row:ty; $($bounds:tt)*) => \
         {{ {expansion} }};\n"
    )
}

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
/// name, so that the attribute's fault stays the only error.
const DECLARATION_IF_REGISTERED: &str = "
const _: () = {
    #[allow(non_camel_case_types, dead_code)]
    enum $name {}
    const _: () = {
        #[allow(unused_imports)]
        use crate::directories_of_table_registry::*;
        #[allow(non_local_definitions)]
        impl crate::__table_registry::__private::DeclaredByOneStruct for $name {}
    };
};
";

/// For a struct whose file is outside the directories. The directories may still contain a symbolic link to the file,
/// so the key decides: if it exists, the glob import brings it into the innermost scope; otherwise, its name refers to
/// the enum in the scope around that.
///
/// One glob import per struct would make compile time quadratic. Here, only structs that are nearly always an error
/// need one.
fn outside(directories: &[PathBuf]) -> String {
    let shown: Vec<String> = directories.iter().map(|directory| display(directory)).collect();
    let key = "<__TableRegistryStruct as crate::__table_registry::__private::HasKey>::Key";
    let of_key = implementation_of_struct(key);
    format!(
        "
const _: () = {{
    #[allow(dead_code, unreachable_pub)]
    pub enum __TableRegistryStruct {{}}
    const _: () = {{
        #[allow(non_camel_case_types, dead_code, unreachable_pub)]
        pub enum $name {{}}
        #[allow(non_local_definitions)]
        impl crate::__table_registry::Key for $name {{
            type Policies = <crate::__table_registry::__private::Unknown as crate::__table_registry::Key>::Policies;
            const TABLE_NAME: &'static crate::__table_registry::__private::str = \"\";
        }}
        const _: () = {{
            #[allow(unused_imports)]
            use crate::directories_of_table_registry::*;
            #[allow(non_local_definitions)]
            impl crate::__table_registry::__private::DeclaredByOneStruct for $name {{}}
            #[allow(non_local_definitions)]
            impl crate::__table_registry::__private::HasKey for __TableRegistryStruct {{
                type Key = $name;
            }}
            crate::__table_registry::__outside_directories!($name; $row; {shown:?});
        }};
    }};
    {of_key}
}};
"
    )
}

/// The text of the error at a struct outside the directories.
#[must_use]
pub fn outside_directories(name: &str, directories: &[String]) -> String {
    super::checks::fault(
        Fault::OutsideDirectories,
        &format!("struct `{name}` lies outside the directories of `table_registry!`"),
        &format!(
            "move its file below `{}`, or name its directory in the call",
            directories.join("` or `")
        ),
    )
}

/// The text of the error at a struct that a macro made of another one, if the crate compiles both with `#[table]`.
#[must_use]
pub fn copied_attribute(copy: &str, original: &Original) -> String {
    let fix = match &original.first_macro {
        Some(attribute) => format!("put `#[table]` above `{attribute}`, which then does not see it"),
        None => "put `#[table]` above the attribute macro that makes the copy; if a macro around the struct makes \
             it, let that macro put `#[table]` on one struct alone"
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
#[allow(non_local_definitions, deprecated)]
impl $($($generics)*)? crate::__table_registry::Table for $row $($bounds)* {{
    type Key = {key};
}}
"
    )
}
