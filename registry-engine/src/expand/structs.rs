//! What `#[table]` expands to, besides the struct.

use crate::name::raw_where_needed;
use crate::registry::Registry;

/// What `#[table]` expands to, besides the struct: the registry decides, not the attribute.
/// The call is made by `registry-macros/src/table.rs`, `registration`. The name is the help in the errors of a crate
/// without `table_registry!`.
pub(super) fn callback(registry: &Registry) -> String {
    const STRUCT: &str =
        "[$($declare:tt)*] [$($path:tt)*] [$($generics:tt)*] [$($name:tt)*] [$($bounds:tt)*]";
    let of_unknown = implementation_of_struct("crate::__table_registry::__private::Unknown");
    let of_key = implementation_of_struct("$($path)*");
    let contested = registry.tables().iter().filter(|table| table.contested);
    let contested_keys = contested.flat_map(|table| table.aliases.iter().chain([&table.key]));
    let contested_arms = contested_keys.map(|key| {
        let key = raw_where_needed(key);
        format!("(_ {key} {STRUCT}) => {{ {of_unknown} }};\n({key} {STRUCT}) => {{ {of_key} }};\n")
    });
    let contested_arms: String = contested_arms.collect();
    let (faulty, sound) = if registry.is_complete() {
        (
            format!("{DECLARATION_IF_REGISTERED}{of_unknown}"),
            format!("#[allow(non_local_definitions)] $($declare)* $($path)* {{}}{of_key}"),
        )
    } else {
        (of_unknown.clone(), of_unknown)
    };
    format!(
        "
#[doc(hidden)]
#[allow(unused_macros)]
macro_rules! registered_by_table_registry {{
    {contested_arms}
    (_ $key:ident {STRUCT}) => {{ {faulty} }};
    ($_:ident {STRUCT}) => {{ {sound} }};
}}
#[doc(hidden)]
#[allow(unused_imports)]
pub(crate) use registered_by_table_registry;
"
    )
}

/// What a faulty attribute declares is a guess: where no table has that key, an enum of the same name
/// takes the implementation, and the fault of the attribute stays alone.
const DECLARATION_IF_REGISTERED: &str = "
const _: () = {
    #[allow(non_camel_case_types, dead_code)]
    enum $key {}
    const _: () = {
        #[allow(unused_imports)]
        use crate::directories_of_table_registry::*;
        #[allow(non_local_definitions)]
        impl crate::__table_registry::__private::DeclaredByOneStruct for $key {}
    };
};
";

fn implementation_of_struct(key: &str) -> String {
    format!(
        "
#[allow(non_local_definitions, deprecated)]
impl $($generics)* crate::__table_registry::Table for $($name)* $($bounds)* {{
    type Key = {key};
}}
"
    )
}
