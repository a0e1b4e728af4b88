use crate::TableKind;
use crate::policy::{Access, Kind, Tenancy};

/// A registered table, known to the compiler.
///
/// `table_registry!` implements it for one key type a table, in its module
/// `tables`; `#[table]` implements it for the struct itself. Both say the same:
/// a struct takes every constant from its key. Nothing else should implement it: what it says is
/// then not what the sources and the policy files say.
///
/// ```
/// # use registry_core as table_registry;
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
    type Key: Table;

    /// The table's kind as a type, after the overrides of the policy file. Ask for it with
    /// [`OfKind`](crate::OfKind).
    type Kind: Kind;

    /// Whether rows may be updated and deleted: [`ReadWrite`](crate::ReadWrite) or
    /// [`AppendOnly`](crate::AppendOnly). Ask for the first with [`Mutable`](crate::Mutable).
    type Access: Access;

    /// Whether rows belong to tenants: [`TenantScoped`](crate::TenantScoped) or
    /// [`Global`](crate::Global). Ask for the first with [`RowSecured`](crate::RowSecured).
    type Tenancy: Tenancy;

    /// The table's name in the registry: `users`, or `audit.events` for a
    /// table that names its PostgreSQL schema.
    const NAME: &'static str = <Self::Key as Table>::NAME;

    /// The PostgreSQL schema, where `#[table(schema = "…")]` gives one.
    const SCHEMA: Option<&'static str> = <Self::Key as Table>::SCHEMA;

    /// The table's kind, after the overrides of the policy file.
    const KIND: TableKind = <Self::Kind as Kind>::KIND;

    /// Whether the table is tenant-scoped and gets row-level security.
    const RLS: bool = <Self::Tenancy as Tenancy>::RLS;

    /// Whether the table is append-only: the application role gets no
    /// UPDATE, DELETE or TRUNCATE.
    const APPEND_ONLY: bool = <Self::Access as Access>::APPEND_ONLY;
}
