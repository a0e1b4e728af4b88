//! The constant arrays of the crate root.

use table_registry_core::TableKind;

use crate::registry::{RegisteredTable, Registry};

/// An array that `table_registry!` expands to.
pub struct RegistryArray {
    /// The identifier of the constant.
    pub name: &'static str,
    /// The letter that represents its length in documentation.
    pub length: &'static str,
    /// What it holds, as documentation.
    pub meaning: &'static str,
    /// What else its documentation says, in paragraphs of their own.
    more: &'static str,
    content: Content,
}

enum Content {
    /// Names of tables: `[&str; N]`.
    Names(for<'r> fn(&'r Registry) -> Vec<&'r str>),
    /// Names with kinds: `[(&str, TableKind); N]`.
    Kinds,
}

/// Every array. Expansion and documentation follow this list.
pub const ARRAYS: &[RegistryArray] = &[
    RegistryArray {
        name: "TABLE_NAMES",
        length: "N",
        meaning: "every registered table, sorted by name in byte order",
        more: "",
        content: Content::Names(|registry| names(registry.tables().iter())),
    },
    RegistryArray {
        name: "TABLE_REGISTRY",
        length: "N",
        meaning: "every registered table with its kind, sorted by name in byte order",
        more: "Look a name up with [`tables::kind_of`].",
        content: Content::Kinds,
    },
    RegistryArray {
        name: "REGISTRY_EXEMPT",
        length: "E",
        meaning: "the tables in `[exempt]`, which exist in the database and are not registered, sorted",
        more: "",
        content: Content::Names(|registry| {
            let exempt = registry.exempt().iter();
            exempt.map(|table| table.name.as_str()).collect()
        }),
    },
    RegistryArray {
        name: "RLS_TABLES",
        length: "M",
        meaning: "the tables with row-level security, sorted: every registered table whose kind is not `system`; none \
                  in a database of one tenant",
        more: "See the PostgreSQL manual, [Row Security Policies]\
               (https://www.postgresql.org/docs/current/ddl-rowsecurity.html).",
        content: Content::Names(|registry| names(registry.row_secured())),
    },
    RegistryArray {
        name: "REVOKE_UPDATE_DELETE_TABLES",
        length: "K",
        meaning: "the append-only and the read-only tables, sorted: the application role gets no UPDATE, DELETE or \
                  TRUNCATE",
        more: "See the PostgreSQL manual, [REVOKE](https://www.postgresql.org/docs/current/sql-revoke.html).",
        content: Content::Names(|registry| names(registry.append_only())),
    },
    RegistryArray {
        name: "REVOKE_INSERT_UPDATE_DELETE_TABLES",
        length: "L",
        meaning: "the read-only tables, sorted: the application role gets no INSERT, either",
        more: "",
        content: Content::Names(|registry| names(registry.read_only())),
    },
];

impl RegistryArray {
    /// Its name and type, as documentation: `TABLE_NAMES: [&str; N]`.
    #[must_use]
    pub fn form(&self) -> String {
        let element = match self.content {
            Content::Names(_) => "&str",
            Content::Kinds => "(&str, TableKind)",
        };
        format!("{}: [{element}; {}]", self.name, self.length)
    }

    fn expand(&self, registry: &Registry) -> String {
        let (element, list) = match self.content {
            Content::Names(names) => ("&__table_registry::__private::str", quoted(&names(registry))),
            Content::Kinds => (
                "(&__table_registry::__private::str, __table_registry::TableKind)",
                pairs(registry),
            ),
        };
        let (name, count, entries) = (self.name, list.len(), list.concat());
        let doc = sentence(self.meaning, self.more);
        format!(
            "
#[doc = {doc:?}]
pub const {name}: [{element}; {count}] = [{entries}];
"
        )
    }
}

pub(super) fn arrays(registry: &Registry) -> String {
    ARRAYS.iter().map(|array| array.expand(registry)).collect()
}

/// The constant with the setting that holds the tenant.
pub(super) fn tenant_setting(registry: &Registry) -> String {
    let value = match registry.tenant_setting() {
        Some(setting) => format!("Some({setting:?})"),
        None => "None".to_string(),
    };
    format!(
        "
/// The setting that holds the tenant: the application sets it at the start of each transaction. Nothing if the policy
/// file has no `[tenancy]`, or if the database has one tenant.
///
/// See the PostgreSQL manual, [set_config](https://www.postgresql.org/docs/current/functions-admin.html).
pub const TENANT_SETTING: __table_registry::__private::Option<&__table_registry::__private::str> =
    __table_registry::__private::Option::{value};
"
    )
}

/// A phrase as the first sentence of a documentation comment, with the paragraphs that follow it.
pub(super) fn sentence(phrase: &str, more: &str) -> String {
    let (first, rest) = phrase.split_at(1);
    let paragraphs = match more {
        "" => String::new(),
        more => format!("\n\n{more}"),
    };
    format!("{}{rest}.{paragraphs}", first.to_uppercase())
}

fn names<'r>(tables: impl Iterator<Item = &'r RegisteredTable>) -> Vec<&'r str> {
    tables.map(|table| table.name.as_str()).collect()
}

fn quoted(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| format!("{name:?}, ")).collect()
}

fn pairs(registry: &Registry) -> Vec<String> {
    // An entry without a name makes `assert_handlers!` aware that tables are missing. The reason is already reported as
    // a fault.
    let missing = (!registry.is_complete()).then_some(("", TableKind::Truth));
    let tables = registry
        .tables()
        .iter()
        .map(|table| (table.name.as_str(), table.kind));
    missing.into_iter().chain(tables).map(pair).collect()
}

fn pair((name, kind): (&str, TableKind)) -> String {
    // `Debug` writes the variant's name.
    format!("({name:?}, __table_registry::TableKind::{kind:?}), ")
}
