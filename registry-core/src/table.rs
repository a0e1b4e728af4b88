use crate::TableKind;
use crate::key::Key;
use crate::policy::Policies;
use crate::quoted::Quoted;

/// A registered table, known to the compiler.
///
/// Every key in the generated module `tables` implements this trait, and so does every struct with `#[table]`, which
/// takes all its constants from its key. Nothing else should implement this trait: such an implementation could
/// contradict the sources and the policy files.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Table, TableKind};
///
/// fn describe<T: Table>() -> (&'static str, TableKind) {
///     (T::NAME, T::KIND)
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registered table",
    label = "not a table",
    note = "put `#[table]` on the struct, or use a key from `tables`"
)]
pub trait Table {
    /// The typed key of this table, in the generated module `tables`.
    type Key: Key;

    /// The table's name in the registry: `users`, or `audit.events` for a
    /// table that names its PostgreSQL schema.
    const NAME: &'static str = Self::Key::TABLE_NAME;

    /// The PostgreSQL schema, where `#[table(schema = "…")]` gives one.
    const SCHEMA: Option<&'static str> = Self::Key::TABLE_SCHEMA;

    /// The table's name as SQL writes it, in quotes and with its PostgreSQL schema: `"public"."users"`. The schema is that
    /// of the table, or else `schema` in `[database]` of the policy file, by default `public`.
    ///
    /// See the PostgreSQL manual, [Identifiers and Key
    /// Words](https://www.postgresql.org/docs/current/sql-syntax-lexical.html#SQL-SYNTAX-IDENTIFIERS).
    const SQL_NAME: &'static str = Quoted::<Self::Key>::NAME;

    /// The table's kind, with the overrides of the policy file applied.
    const KIND: TableKind = PoliciesOf::<Self>::KIND;

    /// Whether the table belongs to tenants and gets row-level security.
    const RLS: bool = PoliciesOf::<Self>::RLS;

    /// Whether rows are never updated or deleted: the table is append-only, or even read-only, and the application role
    /// gets no UPDATE, DELETE or TRUNCATE.
    const APPEND_ONLY: bool = PoliciesOf::<Self>::APPEND_ONLY;

    /// Whether the table is read-only: the application role gets no INSERT, either.
    const READ_ONLY: bool = PoliciesOf::<Self>::READ_ONLY;
}

#[diagnostic::do_not_recommend]
impl<K: Key> Table for K {
    type Key = K;
}

/// The policies of a table, by its key.
pub(crate) type PoliciesOf<T> = <<T as Table>::Key as Key>::Policies;
