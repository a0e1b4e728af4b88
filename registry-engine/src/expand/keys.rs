//! The module `tables`: one key per table, and the look-up by name.

use table_registry_core::__private::{BYTES_PER_NAME, insert};

use super::arrays::sentence;
use crate::name::raw_where_needed;
use crate::registry::{Access, RegisteredTable, Registry};

/// A table and the identifier of its key.
pub(super) struct Keyed<'r> {
    pub table: &'r RegisteredTable,
    pub key: String,
}

impl<'r> Keyed<'r> {
    pub fn new(table: &'r RegisteredTable) -> Self {
        let key = raw_where_needed(&table.key);
        Self { table, key }
    }
}

/// A function of the module `tables`, which takes the name of a table.
pub struct LookUp {
    /// The identifier of the function.
    pub name: &'static str,
    /// What it returns, as documentation.
    pub meaning: &'static str,
    /// What else its documentation says, in paragraphs of their own.
    more: &'static str,
    returns: &'static str,
    body: &'static str,
}

/// Every function of the module `tables`. Expansion and documentation follow this list.
pub const LOOK_UPS: &[LookUp] = &[
    LookUp {
        name: "kind_of",
        meaning: "the kind of the table with this name, or `None` if no such table is registered; by its hash, also at \
                  compile time",
        more: "The list is [`TABLE_REGISTRY`](super::TABLE_REGISTRY).",
        returns: "super::__table_registry::__private::Option<super::__table_registry::TableKind>",
        body: "REGISTERED.kind_of(name)",
    },
    LookUp {
        name: "resolve",
        meaning: "the registered name that equals this one, or `None` if no such table is registered: the trusted \
                  spelling of a name that came from outside",
        more: "",
        returns: "super::__table_registry::__private::Option<&'static super::__table_registry::__private::str>",
        body: "REGISTERED.resolve(name)",
    },
    LookUp {
        name: "is_rls",
        meaning: "whether a table with this name is registered and has row-level security",
        more: "",
        returns: "super::__table_registry::__private::bool",
        body: "HAS_TENANTS && REGISTERED.is_rls(name)",
    },
    LookUp {
        name: "is_append_only",
        meaning: "whether a table with this name is registered and its rows are never updated or deleted: it is \
                  append-only or even read-only",
        more: "",
        returns: "super::__table_registry::__private::bool",
        body: "APPEND_ONLY.resolve(name).is_some()",
    },
    LookUp {
        name: "is_read_only",
        meaning: "whether a table with this name is registered and read-only",
        more: "",
        returns: "super::__table_registry::__private::bool",
        body: "READ_ONLY.resolve(name).is_some()",
    },
];

impl LookUp {
    /// How it is called, as documentation: `tables::kind_of(name)`.
    #[must_use]
    pub fn form(&self) -> String {
        format!("tables::{}(name)", self.name)
    }

    fn expand(&self) -> String {
        let Self {
            name,
            meaning,
            more,
            returns,
            body,
        } = self;
        let doc = sentence(meaning, more);
        format!(
            "
#[doc = {doc:?}]
#[must_use]
pub const fn {name}(name: &super::__table_registry::__private::str) -> {returns} {{
    {body}
}}
"
        )
    }
}

/// The path by which generated code reaches the module. Its name is a hint in the error at a struct that the scan cannot see:
/// "cannot find type `orders` in module `crate::directories_of_table_registry`".
///
/// The alias comes after the module because the compiler suggests an import by the first path that it finds, in the
/// order of the items in the crate root.
const ALIAS: &str = "
#[doc(hidden)]
pub(crate) use self::tables as directories_of_table_registry;
";

/// The module of typed keys. Its type namespace contains only the keys, so that no table name can clash with anything
/// else.
pub(super) fn tables(registry: &Registry, keyed: &[Keyed<'_>]) -> String {
    let keys: String = keyed.iter().map(key).collect();
    let indexes = index("REGISTERED", registry, |_| true)
        + &index("APPEND_ONLY", registry, |table| table.access.is_append_only())
        + &index("READ_ONLY", registry, |table| table.access.is_read_only());
    let has_tenants = format!(
        "const HAS_TENANTS: super::__table_registry::__private::bool = {};\n",
        !registry.has_one_tenant()
    );
    let look_ups: String = LOOK_UPS.iter().map(LookUp::expand).collect();
    let (alias, module) = if registry.is_tables_taken() {
        ("", "directories_of_table_registry")
    } else {
        (ALIAS, "tables")
    };
    format!(
        "
/// One type per table: the typed keys of [`TABLE_REGISTRY`], and the look-up by name.
pub mod {module} {{{keys}{indexes}{has_tenants}{look_ups}}}
{alias}"
    )
}

/// A constant with which the functions of the module find the tables that `is_in` selects.
fn index(name: &str, registry: &Registry, is_in: fn(&RegisteredTable) -> bool) -> String {
    let tables = registry.tables();
    // `TABLE_REGISTRY` starts with an entry that has no name if tables are missing.
    let first = usize::from(!registry.is_complete());
    let selected = tables.iter().filter(|table| is_in(table)).count();
    let mut slots = vec![0; selected * BYTES_PER_NAME];
    for (position, table) in (first..).zip(tables) {
        if is_in(table) {
            insert(&mut slots, first + tables.len(), &table.name, position);
        }
    }
    let slots = slots.escape_ascii();
    format!(
        "
const {name}: super::__table_registry::__private::Index<'static> =
    super::__table_registry::__private::Index::new(&super::TABLE_REGISTRY, b\"{slots}\");
"
    )
}

fn key(Keyed { table, key }: &Keyed<'_>) -> String {
    let doc = key_doc(table);
    let alias = |name: &String| format!("#[doc(hidden)] pub type {} = {key};\n", raw_where_needed(name));
    let aliases: String = table.aliases.iter().map(alias).collect();
    format!("\n#[doc = {doc:?}]\n#[non_exhaustive]\npub enum {key} {{}}\n{aliases}")
}

fn key_doc(table: &RegisteredTable) -> String {
    let RegisteredTable { name, kind, file, .. } = table;
    let row_level_security = if table.has_rls() {
        "row-level security applies"
    } else {
        "no row-level security"
    };
    let access = match table.access {
        Access::ReadWrite => "not append-only",
        Access::AppendOnly => "append-only",
        Access::ReadOnly => "read-only",
    };
    format!("The table `{name}`: kind `{kind}`, {row_level_security}, {access}.\n\nDeclared in `{file}`.")
}

pub(super) fn implementations(registry: &Registry, keyed: &[Keyed<'_>]) -> String {
    let default_schema = registry.default_schema();
    let implementations: String = keyed
        .iter()
        .map(|table| implementation(table, default_schema))
        .collect();
    format!(
        "
const _: () = {{
    use __table_registry::__private::{{
        AppendOnly, DeclaredByOneStruct, Global, InDoubt, Key, Option, ReadOnly, ReadWrite, kind, str,
    }};
    {implementations}
}};
"
    )
}

/// What `Key::DEFAULT_SCHEMA` is if nothing is written.
const PUBLIC: &str = "public";

fn implementation(Keyed { table, key }: &Keyed<'_>, default_schema: &str) -> String {
    let RegisteredTable { name, schema, .. } = table;
    let policies = policies(table);
    let schema_item = match schema {
        Some(schema) => format!("const TABLE_SCHEMA: Option<&'static str> = Option::Some({schema:?});"),
        None if default_schema == PUBLIC => String::new(),
        None => format!("const DEFAULT_SCHEMA: &'static str = {default_schema:?};"),
    };
    // Usually `#[table]` implements this trait. Two structs that claim one key would conflict, and that fault is
    // already reported.
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
    {schema_item}
}}
"
    )
}

/// Policies in doubt fit every bound, so that a fault in a policy file stays one error.
fn policies(table: &RegisteredTable) -> String {
    let kind = table.kind;
    // `Debug` writes the name of the type, too.
    let access = table.access;
    let tenancy = if kind.row_level_security() && !table.has_rls() {
        ", Global"
    } else {
        ""
    };
    let policies = format!("(kind::{kind:?}, {access:?}{tenancy})");
    if table.is_in_doubt {
        format!("InDoubt<{policies}>")
    } else {
        policies
    }
}
