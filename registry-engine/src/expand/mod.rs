//! Registry in, Rust out.
//!
//! Mostly as text, which the compiler's own lexer reads: a macro runs unoptimised, and to make these tokens one by one
//! took as long as everything before.

use std::collections::BTreeMap;

use proc_macro2::TokenStream;
use quote::quote;

use table_registry_core::TableKind;

use crate::name::raw_where_needed;
use crate::registry::{RegisteredTable, Registry};
use crate::report::Fault;
use crate::sources::CompileCheck;

/// What stands before the expansion: `facade` is the path of the crate `table-registry`, with its place. One
/// import, so that a crate that cannot be found is one error.
#[must_use]
pub fn import(facade: &TokenStream) -> TokenStream {
    quote! {
        #[doc(hidden)]
        #[allow(unused_imports, unused_qualifications)]
        use #facade as __table_registry;
    }
}

/// What `table_registry!` expands to, at the crate root, behind [`import`]. A change of a file in `tracked` recompiles the crate.
#[must_use]
pub fn expand(registry: &Registry, tracked: &[String]) -> String {
    let keyed: Vec<Keyed<'_>> = registry.tables().iter().map(Keyed::new).collect();
    let checks = if registry.is_complete() {
        checks(&keyed)
    } else {
        String::new()
    };
    [
        crate_root(),
        includes(tracked),
        arrays(registry),
        tables(registry, &keyed),
        implementations(&keyed),
        callback(registry),
        checks,
    ]
    .concat()
}

/// A table, and the identifier of its key.
struct Keyed<'r> {
    table: &'r RegisteredTable,
    key: String,
}

impl<'r> Keyed<'r> {
    fn new(table: &'r RegisteredTable) -> Self {
        let key = raw_where_needed(&table.key);
        Self { table, key }
    }
}

/// Elsewhere nothing here would be found.
fn crate_root() -> String {
    let fault = fault(
        Fault::NotInCrateRoot,
        "`table_registry!` is not in the crate root",
        "move it to `src/lib.rs` or `src/main.rs`",
    );
    format!(
        r#"
const _: () = __table_registry::__private::assert!(
    __table_registry::__private::is_crate_root(__table_registry::__private::module_path!()),
    "{{}}",
    {fault:?}
);
"#
    )
}

/// The compiler recompiles a crate when a file that it includes changes.
fn includes(tracked: &[String]) -> String {
    let include = |file| {
        format!(
            "const _: &[__table_registry::__private::u8] = __table_registry::__private::include_bytes!({file:?});\n"
        )
    };
    tracked.iter().map(include).collect()
}

fn arrays(registry: &Registry) -> String {
    let manifest = array(
        "TABLE_NAMES",
        "Every registered table, sorted by name in byte order: the manifest.",
        names(registry.tables().iter()),
    );
    let kinds = array_of_kinds(registry);
    let exempt = array(
        "REGISTRY_EXEMPT",
        "The tables that exist in the database with no struct here, sorted.",
        registry.exempt().iter().map(|table| &table.name),
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
    [manifest, kinds, exempt, row_secured, append_only].concat()
}

fn names<'r>(tables: impl Iterator<Item = &'r RegisteredTable>) -> impl Iterator<Item = &'r String> {
    tables.map(|table| &table.name)
}

fn array<'r>(name: &str, doc: &str, names: impl Iterator<Item = &'r String>) -> String {
    let names: Vec<&String> = names.collect();
    let count = names.len();
    format!(
        "
#[doc = {doc:?}]
#[allow(dead_code, unreachable_pub)]
pub const {name}: [&__table_registry::__private::str; {count}] = {names:?};
"
    )
}

fn array_of_kinds(registry: &Registry) -> String {
    // An entry without a name tells `assert_handlers!` that tables are missing, which is reported.
    let missing = (!registry.is_complete()).then_some(("", TableKind::Truth));
    let tables = registry
        .tables()
        .iter()
        .map(|table| (table.name.as_str(), table.kind));
    let pairs: Vec<String> = missing.into_iter().chain(tables).map(pair).collect();
    let (count, pairs) = (pairs.len(), pairs.concat());
    format!(
        "
/// Every registered table with its kind, sorted by name in byte order.
///
/// Look a name up with [`tables::kind_of`].
#[allow(dead_code, unreachable_pub)]
pub const TABLE_REGISTRY: [(&__table_registry::__private::str, __table_registry::TableKind); {count}] = [
    {pairs}
];
"
    )
}

fn pair((name, kind): (&str, TableKind)) -> String {
    // `Debug` writes the variant's name.
    format!("({name:?}, __table_registry::TableKind::{kind:?}), ")
}

/// What stands beside the keys in the module `tables`.
const LOOK_UP: &str = "
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
";

/// Makes the module reachable for generated code by a name that explains the error of a struct outside.
///
/// It stands behind the module: where the compiler suggests an import, it goes through the items of the crate root in order
/// and names the first path that leads to a module.
const ALIAS: &str = "
#[doc(hidden)]
#[allow(unused_imports)]
pub(crate) use self::tables as directories_of_table_registry;
";

/// The module of typed keys. Nothing but the keys is in its type namespace, so that no
/// table name can be in the way of anything else.
fn tables(registry: &Registry, keyed: &[Keyed<'_>]) -> String {
    let keys: String = keyed.iter().map(key).collect();
    let (alias, module) = if registry.is_tables_taken() {
        ("", "directories_of_table_registry")
    } else {
        (ALIAS, "tables")
    };
    format!(
        "
/// One type per table: the typed keys of [`TABLE_REGISTRY`], and the look-up by name.
#[allow(non_camel_case_types, dead_code, unreachable_pub)]
pub mod {module} {{{keys}{LOOK_UP}}}
{alias}"
    )
}

fn key(Keyed { table, key }: &Keyed<'_>) -> String {
    let doc = key_doc(table);
    let alias = |alias: &String| {
        let alias = raw_where_needed(alias);
        format!("#[doc(hidden)] pub type {alias} = {key};\n")
    };
    let aliases: String = table.aliases.iter().map(alias).collect();
    format!("\n#[doc = {doc:?}]\npub enum {key} {{}}\n{aliases}")
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

fn implementations(keyed: &[Keyed<'_>]) -> String {
    let implementations: String = keyed.iter().map(implementation).collect();
    format!(
        "
const _: () = {{
    #[allow(unused_imports)]
    use __table_registry::__private::{{
        AppendOnly, DeclaredByOneStruct, InDoubt, Key, Option, ReadWrite, kind, str,
    }};
    {implementations}
}};
"
    )
}

fn implementation(Keyed { table, key }: &Keyed<'_>) -> String {
    let RegisteredTable { name, schema, .. } = table;
    let policies = policies(table);
    let schema = schema.as_ref().map_or_else(String::new, |schema| {
        format!("const TABLE_SCHEMA: Option<&'static str> = Option::Some({schema:?});")
    });
    // Elsewhere the struct says so. Here two structs do, which is a fault of its own.
    let declared = if table.contested {
        format!("impl DeclaredByOneStruct for directories_of_table_registry::{key} {{}}\n")
    } else {
        String::new()
    };
    format!(
        "
{declared}impl Key for directories_of_table_registry::{key} {{
    type Policies = {policies};
    const TABLE_NAME: &'static str = {name:?};
    {schema}
}}
"
    )
}

/// Where they are in doubt, they fit every bound, so that what is wrong with the policy file stays one error.
fn policies(table: &RegisteredTable) -> String {
    let kind = table.kind;
    let access = if table.append_only {
        "AppendOnly"
    } else {
        "ReadWrite"
    };
    let policies = format!("(kind::{kind:?}, {access})");
    if table.is_in_doubt {
        format!("InDoubt<{policies}>")
    } else {
        policies
    }
}

/// What `#[table]` expands to, besides the struct: the registry decides, not the attribute.
/// The call is made by `registry-macros/src/table.rs`, `registration`. The name is the help in the errors of a crate
/// without `table_registry!`.
fn callback(registry: &Registry) -> String {
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

/// What the compiler has to prove: that it met the structs that the scan found.
fn checks(keyed: &[Keyed<'_>]) -> String {
    let of_attributes = keyed
        .iter()
        .filter(|keyed| keyed.table.check == CompileCheck::Attribute);
    let of_attributes: String = of_attributes.map(check_of_attribute).collect();
    let of_attributes = unless_none_is_compiled(keyed.iter(), of_attributes);
    let of_files = checks_of_files(keyed);
    if of_attributes.is_empty() && of_files.is_empty() {
        return String::new();
    }
    format!(
        "
const _: () = {{
    #[allow(unused_imports)]
    use __table_registry::__private::{{Compiled, NotCompiled as _, any, assert, bool}};
    {of_attributes}{of_files}
}};
"
    )
}

/// Gives `ANY` to checks: whether one of these tables is compiled.
fn unless_none_is_compiled<'k>(tables: impl Iterator<Item = &'k Keyed<'k>>, checks: String) -> String {
    if checks.is_empty() {
        return checks;
    }
    let any = any_compiled(tables);
    format!("const _: () = {{ const ANY: bool = {any};\n{checks}}};\n")
}

/// Tables by the file that declares them, or that answers for them.
type ByFile<'k> = BTreeMap<&'k str, Vec<&'k Keyed<'k>>>;

fn checks_of_files(keyed: &[Keyed<'_>]) -> String {
    let mut all = ByFile::new();
    let mut orphans: BTreeMap<Option<&str>, ByFile<'_>> = BTreeMap::new();
    for keyed in keyed {
        all.entry(&keyed.table.file).or_default().push(keyed);
        if let (CompileCheck::File, Some(orphan)) = (keyed.table.check, &keyed.table.orphan) {
            let files = orphans.entry(orphan.below_cfg.as_deref()).or_default();
            files.entry(&orphan.file).or_default().push(keyed);
        }
    }
    let checks = orphans.into_iter().map(|(directory, files)| {
        let unless = directory.map_or("", |_| "|| !ANY");
        let checks = files
            .iter()
            .map(|(file, tables)| check_of_file(file, tables, unless));
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

fn any_compiled<'k>(tables: impl Iterator<Item = &'k Keyed<'k>>) -> String {
    let compiled: Vec<String> = tables.map(compiled).collect();
    format!("any(&[{}])", compiled.join(", "))
}

fn compiled(Keyed { key, .. }: &Keyed<'_>) -> String {
    format!("Compiled::<directories_of_table_registry::{key}>::HERE")
}

fn check_of_attribute(keyed: &Keyed<'_>) -> String {
    let RegisteredTable { name, file, .. } = keyed.table;
    let fault = fault(
        Fault::NotCompiled,
        &format!("table `{name}` is declared in `{file}`, but the crate does not compile that struct"),
        "check that `#[table]` there is that of `table_registry`, or remove the struct",
    );
    check(&format!("{} || !ANY", compiled(keyed)), &fault)
}

/// The file is the fault, and not each of its tables.
fn check_of_file(file: &str, tables: &[&Keyed<'_>], unless: &str) -> String {
    let any = any_compiled(tables.iter().copied());
    let declared = declared_in(file, tables);
    let fault = fault(
        Fault::NotCompiled,
        &format!("{declared}, but the crate does not compile that file"),
        "name the file in a `mod` line, or remove it",
    );
    check(&format!("{any} {unless}"), &fault)
}

fn check(condition: &str, fault: &str) -> String {
    format!("const _: () = assert!({condition}, \"{{}}\", {fault:?});\n")
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

/// The compiler prints these itself, so they are no [`Diagnostic`](crate::Diagnostic); they read as one.
fn fault(code: Fault, message: &str, help: &str) -> String {
    format!("{message}\n  = help: {help}\n  = note: diagnostic code `{code}`")
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::{expand, import};
    use crate::testing::registry;

    fn expansion(files: &[(&str, &str)], overrides: &str, revoke: &str) -> String {
        let (registry, _) = registry(files, overrides, revoke);
        let import = import(&quote!(::table_registry));
        format!("{import}{}", expand(&registry, &["../revoke.toml".into()]))
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
