//! Registry in, Rust out.
//!
//! The expansion is mostly text, which the compiler's own lexer reads: a macro runs unoptimised, and making these
//! tokens one by one took as long as all earlier stages together.

mod arrays;
mod checks;
mod keys;
mod structs;

use std::path::PathBuf;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use crate::registry::Registry;
use keys::Keyed;

pub use arrays::{ARRAYS, RegistryArray};
pub use checks::not_in_crate_root;
pub use keys::{LOOK_UPS, LookUp};
pub use structs::{copied_attribute, outside_directories, path_components};

/// The import before the expansion. `facade` is the path of the crate `table-registry`, as the user wrote it.
/// Everything else refers to this import, so that a crate that cannot be found, or that re-exports only some of our
/// names, causes only one error. It is shown at the path.
#[must_use]
pub fn import(facade: &TokenStream) -> TokenStream {
    let last = facade.clone().into_iter().last();
    let place = last.map_or_else(Span::call_site, |token| {
        Span::call_site().located_at(token.span())
    });
    let (whole_crate, alias) = (
        Ident::new(WHOLE_CRATE, place),
        Ident::new("__table_registry", place),
    );
    quote! {
        #[doc(hidden)]
        use #facade::{#whole_crate as #alias};
    }
}

/// The name by which `table-registry` re-exports itself. It is the hint in the compiler's error.
const WHOLE_CRATE: &str = "re_export_the_whole_crate_table_registry";

/// What `table_registry!` expands to in the crate root, behind [`import`]. A change in one of the `tracked` files
/// recompiles the crate; `directories` are those that the call names, as the compiler spells their paths.
#[must_use]
pub fn expand(registry: &Registry, tracked: &[String], directories: &[PathBuf]) -> String {
    let keyed: Vec<Keyed<'_>> = registry.tables().iter().map(Keyed::new).collect();
    let checks = if registry.is_complete() {
        checks::checks(&keyed)
    } else {
        String::new()
    };
    [
        checks::crate_root(),
        includes(tracked),
        arrays::arrays(registry),
        arrays::tenant_setting(registry),
        keys::tables(registry, &keyed),
        keys::implementations(registry, &keyed),
        structs::callback(registry, directories),
        checks,
    ]
    .concat()
}

/// Makes the crate depend on these files: cargo recompiles a crate when a file that it includes changes.
fn includes(tracked: &[String]) -> String {
    let include = |file| {
        format!(
            "const _: &[__table_registry::__private::u8] = __table_registry::__private::include_bytes!({file:?});\n"
        )
    };
    tracked.iter().map(include).collect()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::{expand, import};
    use crate::testing::registry;

    fn expansion(files: &[(&str, &str)], overrides: &str, revoke: &str) -> String {
        let (registry, _) = registry(files, overrides, revoke);
        let import = import(&quote!(::table_registry));
        format!(
            "{import}{}",
            expand(&registry, &["../revoke.toml".into()], &["src/schema".into()])
        )
    }

    fn pretty(text: &str) -> String {
        prettyplease::unparse(&syn::parse_str(text).unwrap())
    }

    #[test]
    fn snapshot() {
        let text = expansion(
            &[
                (
                    "src/schema/audit.rs",
                    "#[table(kind = evidence, schema = \"audit\")] struct Events;",
                ),
                (
                    "src/schema/users.rs",
                    "#[cfg(x)] #[table] struct Users; #[table] struct Type; #[table] struct Roles;",
                ),
            ],
            "[overrides]\nusers = \"system\"\n[exempt]\nold = \"kept\"",
            "update_delete = [\"audit.events\"]",
        );
        snapbox::assert_data_eq!(pretty(&text), snapbox::file!["snapshot.rs"].raw());
    }

    #[test]
    fn the_order_of_files_does_not_matter() {
        let mut files = [
            ("a.rs", "#[table] struct B; #[table] struct A;"),
            ("b.rs", "#[table] struct D;"),
            (
                "c/a.rs",
                "#[cfg(x)] #[table] struct C; #[cfg(y)] #[table] struct C;",
            ),
        ];
        let expected = expansion(&files, "", "update_delete = [\"d\", \"a\"]");
        for _ in 0..files.len() {
            files.rotate_left(1);
            let shuffled = expansion(&files, "", "update_delete = [\"d\", \"a\"]");
            assert_eq!(shuffled, expected);
        }
    }
}
