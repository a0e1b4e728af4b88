//! Registry in, Rust out.

use std::collections::BTreeMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;

use super::diagnostic::Code;
use super::discover::Check;
use super::name::key_ident;
use super::registry::{RegisteredTable, Registry};
use crate::TableKind;

/// What `table_registry!` expands to, at the crate root.
///
/// `facade` is the path of the crate `table-registry`; a change of a file in `tracked` recompiles
/// the crate.
#[must_use]
pub fn expand(registry: &Registry, facade: &TokenStream, tracked: &[String]) -> TokenStream {
    let keyed: Vec<Keyed<'_>> = registry.tables().iter().map(Keyed::new).collect();
    let import = import(facade);
    let includes = includes(tracked);
    let arrays = arrays(registry);
    let tables = tables(&keyed);
    let implementations = implementations(&keyed);
    let callback = callback(registry);
    let checks = if registry.is_complete() {
        checks(&keyed)
    } else {
        TokenStream::new()
    };
    quote!(#import #includes #arrays #tables #implementations #callback #checks)
}

/// A table, and the identifier of its key.
struct Keyed<'r> {
    table: &'r RegisteredTable,
    key: Ident,
}

impl<'r> Keyed<'r> {
    fn new(table: &'r RegisteredTable) -> Self {
        let key = key_ident(&table.key, Span::call_site());
        Self { table, key }
    }
}

/// One import, so that a crate that cannot be found is one error.
fn import(facade: &TokenStream) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(unused_imports, unused_qualifications)]
        use #facade as __table_registry;
    }
}

/// The compiler recompiles a crate when a file that it includes changes.
fn includes(tracked: &[String]) -> TokenStream {
    quote! {
        #(const _: &[__table_registry::__private::u8] = __table_registry::__private::include_bytes!(#tracked);)*
    }
}

fn arrays(registry: &Registry) -> TokenStream {
    let pairs = registry.tables().iter().map(|table| {
        let (name, kind) = (&table.name, kind(table.kind));
        quote!((#name, __table_registry::TableKind::#kind))
    });
    let count = registry.tables().len();
    let names = array(
        "TABLE_NAMES",
        "Every registered table, sorted by name in byte order: the manifest.",
        registry.tables().iter(),
    );
    let row_secured = array(
        "RLS_TABLES",
        "The tables with row-level security, sorted: every registered table whose kind is not `system`.\n\n\
         See the PostgreSQL manual, [Row Security Policies]\
         (https://www.postgresql.org/docs/current/ddl-rowsecurity.html).",
        registry.row_secured(),
    );
    let append_only = array(
        "REVOKE_UPDATE_DELETE_TABLES",
        "The append-only tables, sorted: the application role gets no UPDATE, DELETE or TRUNCATE.\n\n\
         See the PostgreSQL manual, [REVOKE](https://www.postgresql.org/docs/current/sql-revoke.html).",
        registry.append_only(),
    );
    let exempt = registry.exempt();
    let exempt_count = exempt.len();
    quote! {
        #names

        /// Every registered table with its kind, sorted by name in byte order.
        ///
        /// Look a name up with [`tables::kind_of`].
        #[allow(dead_code, unreachable_pub)]
        pub const TABLE_REGISTRY: [(&__table_registry::__private::str, __table_registry::TableKind); #count] = [#(#pairs),*];

        /// The tables that exist in the database with no struct here, sorted.
        #[allow(dead_code, unreachable_pub)]
        pub const REGISTRY_EXEMPT: [&__table_registry::__private::str; #exempt_count] = [#(#exempt),*];

        #row_secured
        #append_only
    }
}

fn array<'r>(name: &str, doc: &str, tables: impl Iterator<Item = &'r RegisteredTable>) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    let names: Vec<&str> = tables.map(|table| table.name.as_str()).collect();
    let count = names.len();
    quote! {
        #[doc = #doc]
        #[allow(dead_code, unreachable_pub)]
        pub const #name: [&__table_registry::__private::str; #count] = [#(#names),*];
    }
}

fn kind(kind: TableKind) -> Ident {
    // `Debug` writes the variant's name.
    Ident::new(&format!("{kind:?}"), Span::call_site())
}

/// The module of typed keys. Nothing but the keys is in its type namespace, so that no
/// table name can be in the way of anything else.
fn tables(keyed: &[Keyed<'_>]) -> TokenStream {
    let keys = keyed.iter().map(key);
    quote! {
        /// One type a table: the typed keys of [`TABLE_REGISTRY`], and the look-up by name.
        #[allow(non_camel_case_types, dead_code, unreachable_pub)]
        pub mod tables {
            #(#keys)*

            /// The kind of the table called `name`, or nothing if no such table is registered.
            ///
            /// A binary search in [`TABLE_REGISTRY`](super::TABLE_REGISTRY), which also works at
            /// compile time.
            #[must_use]
            pub const fn kind_of(
                name: &super::__table_registry::__private::str,
            ) -> super::__table_registry::__private::Option<super::__table_registry::TableKind> {
                super::__table_registry::kind_of(&super::TABLE_REGISTRY, name)
            }
        }
    }
}

fn key(Keyed { table, key }: &Keyed<'_>) -> TokenStream {
    let doc = key_doc(table);
    let aliases = table.aliases.iter().map(|alias| {
        let alias = key_ident(alias, Span::call_site());
        quote!(#[doc(hidden)] pub type #alias = #key;)
    });
    quote! {
        #[doc = #doc]
        pub enum #key {}
        #(#aliases)*
    }
}

fn key_doc(table: &RegisteredTable) -> String {
    let RegisteredTable { name, kind, file, .. } = table;
    let row_level_security = if kind.row_level_security() {
        "row-level security applies"
    } else {
        "no row-level security"
    };
    let access = if table.append_only {
        "append-only"
    } else {
        "not append-only"
    };
    format!("The table `{name}`: kind `{kind}`, {row_level_security}, {access}.\n\nDeclared in `{file}`.")
}

fn implementations(keyed: &[Keyed<'_>]) -> TokenStream {
    let implementations = keyed.iter().map(implementation);
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use __table_registry::__private::{DeclaredByOneStruct, Option, Table, TableKind, bool, str};
            #(#implementations)*
        };
    }
}

fn implementation(Keyed { table, key }: &Keyed<'_>) -> TokenStream {
    let (name, kind, append_only) = (&table.name, kind(table.kind), table.append_only);
    let schema = match &table.schema {
        Some(schema) => quote!(Some(#schema)),
        None => quote!(None),
    };
    // Elsewhere the struct says so. Here two structs do, which is a fault of its own.
    let declared = table
        .contested
        .then(|| quote!(impl DeclaredByOneStruct for tables::#key {}));
    quote! {
        #declared
        #[automatically_derived]
        impl Table for tables::#key {
            type Key = Self;
            const NAME: &'static str = #name;
            const SCHEMA: Option<&'static str> = Option::#schema;
            const KIND: TableKind = TableKind::#kind;
            const APPEND_ONLY: bool = #append_only;
        }
    }
}

/// What `#[table]` expands to, besides the struct: the registry decides, not the attribute.
/// The name is the help that a crate without `table_registry!` sees in its error.
fn callback(registry: &Registry) -> TokenStream {
    let contested = registry.tables().iter().filter(|table| table.contested);
    let contested_keys = contested.flat_map(|table| table.aliases.iter().chain([&table.key]));
    let contested_arms = contested_keys.map(|key| {
        let key = key_ident(key, Span::call_site());
        let table = implementation_of_struct(&quote!($($key)*));
        quote!((#key [$($key:tt)*] [$($declared:tt)*] [$($generics:tt)*] [$($name:tt)*] [$($bounds:tt)*]) => { #table };)
    });
    let faulty = implementation_of_struct(&quote!(crate::__table_registry::__private::Unknown));
    let arm = if registry.is_complete() {
        let table = implementation_of_struct(&quote!($($key)*));
        quote! {
            #[automatically_derived]
            #[allow(non_local_definitions)]
            $($declared)*
            #table
        }
    } else {
        faulty.clone()
    };
    quote! {
        #[doc(hidden)]
        #[allow(unused_macros)]
        macro_rules! registered_by_table_registry {
            #(#contested_arms)*
            (_ [$($key:tt)*] [$($declared:tt)*] [$($generics:tt)*] [$($name:tt)*] [$($bounds:tt)*]) => { #faulty };
            ($_:ident [$($key:tt)*] [$($declared:tt)*] [$($generics:tt)*] [$($name:tt)*] [$($bounds:tt)*]) => { #arm };
        }
        #[doc(hidden)]
        #[allow(unused_imports)]
        pub(crate) use registered_by_table_registry;
    }
}

fn implementation_of_struct(key: &TokenStream) -> TokenStream {
    quote! {
        #[automatically_derived]
        #[allow(non_local_definitions, deprecated)]
        impl $($generics)* crate::__table_registry::Table for $($name)* $($bounds)* {
            type Key = #key;
        }
    }
}

/// What the compiler has to prove: that it met the structs that the scan found.
fn checks(keyed: &[Keyed<'_>]) -> TokenStream {
    let mut files: BTreeMap<(&str, Check), Vec<&Keyed<'_>>> = BTreeMap::new();
    for keyed in keyed.iter().filter(|keyed| keyed.table.check != Check::None) {
        let place = (keyed.table.file.as_str(), keyed.table.check);
        files.entry(place).or_default().push(keyed);
    }
    if files.is_empty() {
        return TokenStream::new();
    }
    let needs_others = files.keys().any(|(_, check)| *check == Check::WithOthers);
    let any = needs_others.then(|| {
        let compiled = any_compiled(keyed.iter());
        quote!(const ANY: bool = #compiled;)
    });
    let files = files
        .into_iter()
        .map(|((file, kind), tables)| check(file, kind, &tables));
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use __table_registry::__private::{Compiled, NotCompiled as _, any, assert, bool};
            #any
            #(#files)*
        };
    }
}

fn any_compiled<'k>(tables: impl Iterator<Item = &'k Keyed<'k>>) -> TokenStream {
    let keys = tables.map(|keyed| &keyed.key);
    quote!(any(&[#(Compiled::<tables::#keys>::HERE),*]))
}

/// Where no table of a file is compiled, the file is the fault, and not each of its tables.
fn check(file: &str, check: Check, tables: &[&Keyed<'_>]) -> TokenStream {
    let unless = (check == Check::WithOthers).then(|| quote!(|| !ANY));
    let of_file = any_compiled(tables.iter().copied());
    let file_fault = file_fault(file, tables);
    let of_tables = (tables.len() > 1).then(|| {
        let keys = tables.iter().map(|keyed| &keyed.key);
        let faults = tables.iter().map(|keyed| table_fault(file, &keyed.table.name));
        quote!(#(const _: () = assert!(Compiled::<tables::#keys>::HERE || !OF_FILE, "{}", #faults);)*)
    });
    quote! {
        const _: () = {
            const OF_FILE: bool = #of_file;
            #of_tables
            assert!(OF_FILE #unless, "{}", #file_fault);
        };
    }
}

fn table_fault(file: &str, table: &str) -> String {
    fault(
        &format!("table `{table}` is declared in `{file}`, but the crate does not compile that struct"),
        "import the attribute with `use table_registry::table;`, or remove the struct",
    )
}

fn file_fault(file: &str, tables: &[&Keyed<'_>]) -> String {
    let names: Vec<String> = tables
        .iter()
        .map(|keyed| format!("`{}`", keyed.table.name))
        .collect();
    let help = "name the file in a `mod` line, or remove it";
    match names.as_slice() {
        [table] => fault(
            &format!("table {table} is declared in `{file}`, but the crate does not compile that file"),
            help,
        ),
        all => fault(
            &format!(
                "tables {} are declared in `{file}`, but the crate does not compile that file",
                all.join(", ")
            ),
            help,
        ),
    }
}

/// The compiler prints this one itself, so it is no [`Diagnostic`](super::Diagnostic); it reads as one.
fn fault(message: &str, help: &str) -> String {
    let code = Code::NotCompiled.to_string();
    format!("{message}\n  = help: {help}\n  = note: diagnostic code `{code}`")
}

#[cfg(test)]
mod tests {
    use crate::engine::testing::registry;
    use proc_macro2::TokenStream;
    use quote::quote;

    fn expansion(files: &[(&str, &str)], overrides: &str, revoke: &str) -> TokenStream {
        let (registry, _) = registry(files, overrides, revoke);
        super::expand(&registry, &quote!(::table_registry), &["../revoke.toml".into()])
    }

    fn pretty(tokens: TokenStream) -> String {
        prettyplease::unparse(&syn::parse2(tokens).unwrap())
    }

    #[test]
    fn snapshot() {
        let tokens = expansion(
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
        snapbox::assert_data_eq!(pretty(tokens), snapbox::file!["expand.snapshot.rs"].raw());
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
        let expected = expansion(&files, "", "update_delete = [\"d\", \"a\"]").to_string();
        for _ in 0..files.len() {
            files.rotate_left(1);
            let shuffled = expansion(&files, "", "update_delete = [\"d\", \"a\"]");
            assert_eq!(shuffled.to_string(), expected);
        }
    }
}
