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
    let tables = tables(registry, &keyed);
    let implementations = implementations(&keyed);
    let callback = callback(registry);
    let checks = if registry.is_complete() {
        checks(&keyed)
    } else {
        TokenStream::new()
    };
    let crate_root = crate_root();
    quote!(#import #crate_root #includes #arrays #tables #implementations #callback #checks)
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

/// Elsewhere nothing here would be found.
fn crate_root() -> TokenStream {
    let fault = fault(
        Code::NotInCrateRoot,
        "`table_registry!` is not in the crate root",
        "move it to `src/lib.rs` or `src/main.rs`",
    );
    quote! {
        const _: () = __table_registry::__private::assert!(
            __table_registry::__private::is_crate_root(__table_registry::__private::module_path!()),
            "{}",
            #fault
        );
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
    // An entry without a name tells `assert_handlers!` that tables are missing, which is reported.
    let missing = (!registry.is_complete()).then(|| quote!(("", __table_registry::TableKind::Truth)));
    let pairs: Vec<TokenStream> = missing.into_iter().chain(pairs).collect();
    let count = pairs.len();
    let manifest = array(
        "TABLE_NAMES",
        "Every registered table, sorted by name in byte order: the manifest.",
        names(registry.tables().iter()),
    );
    let row_secured = array(
        "RLS_TABLES",
        "The tables with row-level security, sorted: every registered table whose kind is not `system`.\n\n\
         See the PostgreSQL manual, [Row Security Policies]\
         (https://www.postgresql.org/docs/current/ddl-rowsecurity.html).",
        names(registry.row_secured()),
    );
    let append_only = array(
        "REVOKE_UPDATE_DELETE_TABLES",
        "The append-only tables, sorted: the application role gets no UPDATE, DELETE or TRUNCATE.\n\n\
         See the PostgreSQL manual, [REVOKE](https://www.postgresql.org/docs/current/sql-revoke.html).",
        names(registry.append_only()),
    );
    let exempt = array(
        "REGISTRY_EXEMPT",
        "The tables that exist in the database with no struct here, sorted.",
        registry.exempt().iter().map(|table| &table.name),
    );
    quote! {
        #manifest

        /// Every registered table with its kind, sorted by name in byte order.
        ///
        /// Look a name up with [`tables::kind_of`].
        #[allow(dead_code, unreachable_pub)]
        pub const TABLE_REGISTRY: [(&__table_registry::__private::str, __table_registry::TableKind); #count] = [#(#pairs),*];

        #exempt
        #row_secured
        #append_only
    }
}

fn names<'r>(tables: impl Iterator<Item = &'r RegisteredTable>) -> impl Iterator<Item = &'r String> {
    tables.map(|table| &table.name)
}

fn array<'r>(name: &str, doc: &str, names: impl Iterator<Item = &'r String>) -> TokenStream {
    let name = Ident::new(name, Span::call_site());
    let names: Vec<&String> = names.collect();
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
fn tables(registry: &Registry, keyed: &[Keyed<'_>]) -> TokenStream {
    let keys = keyed.iter().map(key);
    // Generated code knows the module by a name that explains the error of a struct outside.
    let (module, alias) = if registry.is_tables_taken() {
        (quote!(directories_of_table_registry), TokenStream::new())
    } else {
        let alias = quote! {
            #[doc(hidden)]
            #[allow(unused_imports)]
            pub(crate) use self::tables as directories_of_table_registry;
        };
        (quote!(tables), alias)
    };
    quote! {
        #alias
        /// One type per table: the typed keys of [`TABLE_REGISTRY`], and the look-up by name.
        #[allow(non_camel_case_types, dead_code, unreachable_pub)]
        pub mod #module {
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

            /// The registered name that equals `name`, or nothing if no such table is registered: the
            /// trusted spelling of a name that came from outside.
            #[must_use]
            pub const fn resolve(
                name: &super::__table_registry::__private::str,
            ) -> super::__table_registry::__private::Option<&'static super::__table_registry::__private::str> {
                super::__table_registry::name_of(&super::TABLE_NAMES, name)
            }

            /// Whether a table called `name` is registered and gets row-level security.
            #[must_use]
            pub const fn is_rls(
                name: &super::__table_registry::__private::str,
            ) -> super::__table_registry::__private::bool {
                super::__table_registry::name_of(&super::RLS_TABLES, name).is_some()
            }

            /// Whether a table called `name` is registered and append-only.
            #[must_use]
            pub const fn is_append_only(
                name: &super::__table_registry::__private::str,
            ) -> super::__table_registry::__private::bool {
                super::__table_registry::name_of(&super::REVOKE_UPDATE_DELETE_TABLES, name).is_some()
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
            use __table_registry::__private::{
                AppendOnly, DeclaredByOneStruct, InDoubt, Key, Option, ReadWrite, kind, str,
            };
            #(#implementations)*
        };
    }
}

fn implementation(Keyed { table, key }: &Keyed<'_>) -> TokenStream {
    let name = &table.name;
    let policies = policies(table);
    let schema = table
        .schema
        .as_ref()
        .map(|schema| quote!(const SCHEMA: Option<&'static str> = Option::Some(#schema);));
    // Elsewhere the struct says so. Here two structs do, which is a fault of its own.
    let declared = table
        .contested
        .then(|| quote!(impl DeclaredByOneStruct for directories_of_table_registry::#key {}));
    quote! {
        #declared
        #[automatically_derived]
        impl Key for directories_of_table_registry::#key {
            type Policies = #policies;
            const NAME: &'static str = #name;
            #schema
        }
    }
}

/// Where they are in doubt, they fit every bound, so that what is wrong with the policy file stays one error.
fn policies(table: &RegisteredTable) -> TokenStream {
    let kind = kind(table.kind);
    let access = if table.append_only {
        quote!(AppendOnly)
    } else {
        quote!(ReadWrite)
    };
    let policies = quote!((kind::#kind, #access));
    if table.is_in_doubt {
        return quote!(InDoubt<#policies>);
    }
    policies
}

/// What `#[table]` expands to, besides the struct: the registry decides, not the attribute.
/// The name is the help in the errors of a crate without `table_registry!`.
fn callback(registry: &Registry) -> TokenStream {
    let unknown = implementation_of_struct(&quote!(crate::__table_registry::__private::Unknown));
    let contested = registry.tables().iter().filter(|table| table.contested);
    let contested_keys = contested.flat_map(|table| table.aliases.iter().chain([&table.key]));
    let contested_arms = contested_keys.map(|key| {
        let key = key_ident(key, Span::call_site());
        let table = implementation_of_struct(&quote!($($key)*));
        quote! {
            (_ [#key] [$($declared:tt)*] [$($generics:tt)*] [$($name:tt)*] [$($bounds:tt)*]) => { #unknown };
            (#key [$($key:tt)*] [$($declared:tt)*] [$($generics:tt)*] [$($name:tt)*] [$($bounds:tt)*]) => { #table };
        }
    });
    let (faulty, arm) = if registry.is_complete() {
        let table = implementation_of_struct(&quote!($($key)*));
        let sound = quote! {
            #[automatically_derived]
            #[allow(non_local_definitions)]
            $($declared)*
            #table
        };
        let declared = declaration_if_registered();
        (quote!(#declared #unknown), sound)
    } else {
        (unknown.clone(), unknown.clone())
    };
    quote! {
        #[doc(hidden)]
        #[allow(unused_macros)]
        macro_rules! registered_by_table_registry {
            #(#contested_arms)*
            (_ [$key:ident] [$($declared:tt)*] [$($generics:tt)*] [$($name:tt)*] [$($bounds:tt)*]) => { #faulty };
            ($_:ident [$($key:tt)*] [$($declared:tt)*] [$($generics:tt)*] [$($name:tt)*] [$($bounds:tt)*]) => { #arm };
        }
        #[doc(hidden)]
        #[allow(unused_imports)]
        pub(crate) use registered_by_table_registry;
    }
}

/// What a faulty attribute declares is a guess: where no table has that key, an enum of the same name
/// takes the implementation, and the fault of the attribute stays alone.
fn declaration_if_registered() -> TokenStream {
    quote! {
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
    let of_attributes = keyed.iter().filter(|keyed| keyed.table.check == Check::Attribute);
    let of_attributes: TokenStream = of_attributes.map(check_of_attribute).collect();
    let of_attributes = unless_none_is_compiled(keyed.iter(), of_attributes);
    let of_files = checks_of_files(keyed);
    if of_attributes.is_empty() && of_files.is_empty() {
        return TokenStream::new();
    }
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use __table_registry::__private::{Compiled, NotCompiled as _, any, assert, bool};
            #of_attributes
            #of_files
        };
    }
}

/// Gives `ANY` to checks: whether one of these tables is compiled.
fn unless_none_is_compiled<'k>(
    tables: impl Iterator<Item = &'k Keyed<'k>>,
    checks: TokenStream,
) -> TokenStream {
    if checks.is_empty() {
        return checks;
    }
    let any = any_compiled(tables);
    quote! {
        const _: () = {
            const ANY: bool = #any;
            #checks
        };
    }
}

/// Tables by the file that declares them, or that answers for them.
type ByFile<'k> = BTreeMap<&'k str, Vec<&'k Keyed<'k>>>;

fn checks_of_files(keyed: &[Keyed<'_>]) -> TokenStream {
    let mut all = ByFile::new();
    let mut orphans: BTreeMap<Option<&str>, ByFile<'_>> = BTreeMap::new();
    for keyed in keyed {
        all.entry(&keyed.table.file).or_default().push(keyed);
        if let (Check::File, Some(orphan)) = (keyed.table.check, &keyed.table.orphan) {
            let files = orphans.entry(orphan.below_cfg.as_deref()).or_default();
            files.entry(&orphan.file).or_default().push(keyed);
        }
    }
    let checks = orphans.into_iter().map(|(directory, files)| {
        let unless = directory.map(|_| quote!(|| !ANY)).unwrap_or_default();
        let checks = files
            .iter()
            .map(|(file, tables)| check_of_file(file, tables, &unless));
        match directory {
            Some(directory) => unless_none_is_compiled(below(directory, &all).into_iter(), checks.collect()),
            None => checks.collect(),
        }
    });
    checks.collect()
}

fn below<'k>(directory: &str, all: &ByFile<'k>) -> Vec<&'k Keyed<'k>> {
    let start = match directory {
        "" => String::new(),
        directory => format!("{directory}/"),
    };
    let files = all.range(start.as_str()..);
    let files = files.take_while(|(file, _)| file.starts_with(&start));
    files.flat_map(|(_, tables)| tables.iter().copied()).collect()
}

fn any_compiled<'k>(tables: impl Iterator<Item = &'k Keyed<'k>>) -> TokenStream {
    let keys = tables.map(|keyed| &keyed.key);
    quote!(any(&[#(Compiled::<directories_of_table_registry::#keys>::HERE),*]))
}

fn check_of_attribute(Keyed { table, key }: &Keyed<'_>) -> TokenStream {
    let fault = fault(
        Code::NotCompiled,
        &format!(
            "table `{}` is declared in `{}`, but the crate does not compile that struct",
            table.name, table.file
        ),
        "check that `#[table]` there is that of `table_registry`, or remove the struct",
    );
    quote!(
        const _: () = assert!(Compiled::<directories_of_table_registry::#key>::HERE || !ANY, "{}", #fault);
    )
}

/// The file is the fault, and not each of its tables.
fn check_of_file(file: &str, tables: &[&Keyed<'_>], unless: &TokenStream) -> TokenStream {
    let any = any_compiled(tables.iter().copied());
    let fault = fault(
        Code::NotCompiled,
        &format!(
            "{}, but the crate does not compile that file",
            declared_in(file, tables)
        ),
        "name the file in a `mod` line, or remove it",
    );
    quote!(
        const _: () = assert!(#any #unless, "{}", #fault);
    )
}

fn declared_in(file: &str, tables: &[&Keyed<'_>]) -> String {
    const SHOWN: usize = 5;
    let names: Vec<String> = tables
        .iter()
        .map(|keyed| format!("`{}`", keyed.table.name))
        .collect();
    let more = match names.len().saturating_sub(SHOWN) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let names = names[..names.len().min(SHOWN)].join(", ");
    let (noun, verb) = if tables.len() == 1 {
        ("table", "is")
    } else {
        ("tables", "are")
    };
    let below = if tables.iter().all(|keyed| keyed.table.file == file) {
        ""
    } else {
        " and below it"
    };
    format!("{noun} {names}{more} {verb} declared in `{file}`{below}")
}

/// The compiler prints these itself, so they are no [`Diagnostic`](super::Diagnostic); they read as one.
fn fault(code: Code, message: &str, help: &str) -> String {
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
