use crate::policy::Policies;

/// A typed key. `table_registry!` implements it for each type in its module `tables`, and nothing else
/// should. Every key is a [`Table`](crate::Table), which is the trait to use.
///
/// This trait has as few items as possible, since the compiler spends time on every item of every table.
///
/// ```
/// # use table_registry_core as table_registry;
/// # mod tables { #[allow(non_camel_case_types)] pub enum audit_logs {} }
/// use table_registry::{AppendOnly, Key, Table, kind};
///
/// impl Key for tables::audit_logs {
///     type Policies = (kind::Evidence, AppendOnly);
///     const TABLE_NAME: &'static str = "audit_logs";
/// }
///
/// const { assert!(<tables::audit_logs as Table>::APPEND_ONLY) };
/// ```
pub trait Key {
    /// The table's policies: `(kind::Truth, ReadWrite)`.
    type Policies: Policies;

    /// [`Table::NAME`](crate::Table::NAME). The two have different names so that both traits can be imported.
    const TABLE_NAME: &'static str;

    /// [`Table::SCHEMA`](crate::Table::SCHEMA).
    const TABLE_SCHEMA: Option<&'static str> = None;

    /// The PostgreSQL schema of a table that names none: `schema` in `[database]` of the policy file.
    const DEFAULT_SCHEMA: &'static str = "public";
}
