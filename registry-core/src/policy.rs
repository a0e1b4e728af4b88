//! Policies as types: what a table permits, as bounds that a signature can ask for.

use crate::{Table, TableKind};

mod sealed {
    pub trait Sealed {}
    /// No crate can say of its own tables that they fit a bound which they do not.
    pub trait Mutable {}
    pub trait RowSecured {}
    pub trait OfKind<Wanted> {}
}

/// How the application role may use a table: [`ReadWrite`] or [`AppendOnly`].
pub trait Access: sealed::Sealed {
    /// Whether rows are only ever added.
    const APPEND_ONLY: bool;
}

/// Rows are added, updated and deleted.
#[derive(Debug)]
pub enum ReadWrite {}

/// Rows are only ever added: `revoke.toml` lists the table, and the application role gets no UPDATE, DELETE
/// or TRUNCATE.
#[derive(Debug)]
pub enum AppendOnly {}

impl sealed::Sealed for ReadWrite {}
impl sealed::Sealed for AppendOnly {}

impl Access for ReadWrite {
    const APPEND_ONLY: bool = false;
}

impl Access for AppendOnly {
    const APPEND_ONLY: bool = true;
}

/// Whose rows a table holds: [`TenantScoped`] or [`Global`].
pub trait Tenancy: sealed::Sealed {
    /// Whether the table gets row-level security.
    const RLS: bool;
}

/// Each row belongs to a tenant, and row-level security applies.
#[derive(Debug)]
pub enum TenantScoped {}

/// Rows belong to no tenant: the table is of kind `system`.
#[derive(Debug)]
pub enum Global {}

impl sealed::Sealed for TenantScoped {}
impl sealed::Sealed for Global {}

impl Tenancy for TenantScoped {
    const RLS: bool = true;
}

impl Tenancy for Global {
    const RLS: bool = false;
}

/// A [`TableKind`] as a type: one of those in [`kind`].
pub trait Kind: sealed::Sealed {
    /// The same as a value.
    const KIND: TableKind;

    /// Whether it is the kind of the table. If not, what is wrong is reported.
    #[doc(hidden)]
    const IS_KNOWN: bool = true;
}

macro_rules! kinds {
    ($($kind:ident,)*) => {
        /// The kinds of tables as types, for [`OfKind`](crate::OfKind).
        pub mod kind {
            $(
                #[doc = concat!("[`TableKind::", stringify!($kind), "`](crate::TableKind::", stringify!($kind), ") as a type.")]
                #[derive(Debug)]
                pub enum $kind {}

                impl super::sealed::Sealed for $kind {}

                impl super::Kind for $kind {
                    const KIND: crate::TableKind = crate::TableKind::$kind;
                }

                impl super::Definite for $kind {}
            )*
        }
    };
}

kinds! {
    Truth,
    Control,
    Projection,
    Evidence,
    Link,
    System,
}

/// Every kind but [`AnyKind`].
pub trait Definite: Kind {}

#[diagnostic::do_not_recommend]
impl<Wanted: Definite, Table: ?Sized> IsKind<Wanted, Table> for Wanted {}

/// The kind of a table that is faulty, and reported: it fits every bound, so that the fault stays alone.
#[derive(Debug)]
pub enum AnyKind {}

impl sealed::Sealed for AnyKind {}

impl Kind for AnyKind {
    const KIND: TableKind = TableKind::Truth;
    const IS_KNOWN: bool = false;
}

#[diagnostic::do_not_recommend]
impl<Wanted, Table: ?Sized> IsKind<Wanted, Table> for AnyKind {}

/// A table whose rows may be updated and deleted: it is not in the revoke list.
///
/// ```
/// # use registry_core as table_registry;
/// use table_registry::{Mutable, Table};
///
/// fn update<T: Mutable>() -> String {
///     format!("UPDATE {} SET …", T::NAME)
/// }
/// # mod tables { pub enum Invoices {} }
/// # use table_registry::{kind, ReadWrite, TenantScoped};
/// # impl Table for tables::Invoices {
/// #     type Key = Self; type Kind = kind::Truth; type Access = ReadWrite; type Tenancy = TenantScoped;
/// #     const NAME: &'static str = "invoices"; const SCHEMA: Option<&'static str> = None;
/// # }
///
/// assert_eq!(update::<tables::Invoices>(), "UPDATE invoices SET …");
/// ```
///
/// An append-only table does not fit:
///
/// ```compile_fail,E0277
/// # use registry_core as table_registry;
/// # use table_registry::{Mutable, Table};
/// # mod tables { pub enum AuditLogs {} }
/// # use table_registry::{kind, AppendOnly, TenantScoped};
/// # impl Table for tables::AuditLogs {
/// #     type Key = Self; type Kind = kind::Evidence; type Access = AppendOnly; type Tenancy = TenantScoped;
/// #     const NAME: &'static str = "audit_logs"; const SCHEMA: Option<&'static str> = None;
/// # }
/// # fn update<T: Mutable>() {}
/// update::<tables::AuditLogs>(); // table `AuditLogs` is append-only
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registered table",
    label = "not a table",
    note = "put `#[table]` on the struct, or use a key from `tables`"
)]
pub trait Mutable: Table + sealed::Mutable {}

impl<T: Table> sealed::Mutable for T where T::Access: PermitsUpdate<T::Key> {}
impl<T: Table> Mutable for T where T::Access: PermitsUpdate<T::Key> {}

/// A table whose rows belong to tenants: row-level security applies, since its kind is not `system`.
///
/// ```
/// # use registry_core as table_registry;
/// use table_registry::{RowSecured, Table};
///
/// fn tenant_query<T: RowSecured>() -> String {
///     format!("SELECT * FROM {} WHERE org_id = $1", T::NAME)
/// }
/// # mod tables { pub enum Invoices {} }
/// # use table_registry::{kind, ReadWrite, TenantScoped};
/// # impl Table for tables::Invoices {
/// #     type Key = Self; type Kind = kind::Truth; type Access = ReadWrite; type Tenancy = TenantScoped;
/// #     const NAME: &'static str = "invoices"; const SCHEMA: Option<&'static str> = None;
/// # }
///
/// assert_eq!(tenant_query::<tables::Invoices>(), "SELECT * FROM invoices WHERE org_id = $1");
/// ```
///
/// A system table does not fit:
///
/// ```compile_fail,E0277
/// # use registry_core as table_registry;
/// # use table_registry::{RowSecured, Table};
/// # mod tables { pub enum Users {} }
/// # use table_registry::{kind, Global, ReadWrite};
/// # impl Table for tables::Users {
/// #     type Key = Self; type Kind = kind::System; type Access = ReadWrite; type Tenancy = Global;
/// #     const NAME: &'static str = "users"; const SCHEMA: Option<&'static str> = None;
/// # }
/// # fn tenant_query<T: RowSecured>() {}
/// tenant_query::<tables::Users>(); // table `Users` belongs to no tenant
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registered table",
    label = "not a table",
    note = "put `#[table]` on the struct, or use a key from `tables`"
)]
pub trait RowSecured: Table + sealed::RowSecured {}

impl<T: Table> sealed::RowSecured for T where T::Tenancy: HasTenant<T::Key> {}
impl<T: Table> RowSecured for T where T::Tenancy: HasTenant<T::Key> {}

/// A table of one kind: `T: OfKind<kind::Truth>`.
///
/// ```
/// # use registry_core as table_registry;
/// use table_registry::{OfKind, Table, kind};
///
/// fn rebuild<T: OfKind<kind::Projection>>() -> String {
///     format!("TRUNCATE {}", T::NAME)
/// }
/// # mod tables { pub enum Balances {} }
/// # use table_registry::{ReadWrite, TenantScoped};
/// # impl Table for tables::Balances {
/// #     type Key = Self; type Kind = kind::Projection; type Access = ReadWrite; type Tenancy = TenantScoped;
/// #     const NAME: &'static str = "balances"; const SCHEMA: Option<&'static str> = None;
/// # }
///
/// assert_eq!(rebuild::<tables::Balances>(), "TRUNCATE balances");
/// ```
///
/// A table of another kind does not fit:
///
/// ```compile_fail,E0277
/// # use registry_core as table_registry;
/// # use table_registry::{OfKind, Table, kind};
/// # mod tables { pub enum Invoices {} }
/// # use table_registry::{ReadWrite, TenantScoped};
/// # impl Table for tables::Invoices {
/// #     type Key = Self; type Kind = kind::Truth; type Access = ReadWrite; type Tenancy = TenantScoped;
/// #     const NAME: &'static str = "invoices"; const SCHEMA: Option<&'static str> = None;
/// # }
/// # fn rebuild<T: OfKind<kind::Projection>>() {}
/// rebuild::<tables::Invoices>(); // table `Invoices` is of kind `Truth`, not `Projection`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registered table",
    label = "not a table",
    note = "put `#[table]` on the struct, or use a key from `tables`"
)]
pub trait OfKind<Wanted>: Table + sealed::OfKind<Wanted> {}

impl<T: Table, Wanted> sealed::OfKind<Wanted> for T where T::Kind: IsKind<Wanted, T::Key> {}
impl<T: Table, Wanted> OfKind<Wanted> for T where T::Kind: IsKind<Wanted, T::Key> {}

/// Implemented by [`ReadWrite`]. Its text is what the error of [`Mutable`] says.
#[diagnostic::on_unimplemented(
    message = "table `{Table}` is append-only",
    label = "its rows may not be updated or deleted",
    note = "the revoke list, by default `revoke.toml`, names `{Table}` in `update_delete`"
)]
pub trait PermitsUpdate<Table: ?Sized> {}

#[diagnostic::do_not_recommend]
impl<Table: ?Sized> PermitsUpdate<Table> for ReadWrite {}

/// Implemented by [`TenantScoped`]. Its text is what the error of [`RowSecured`] says.
#[diagnostic::on_unimplemented(
    message = "table `{Table}` belongs to no tenant",
    label = "it has no row-level security",
    note = "its kind is `system`: by `#[table(kind = system)]` on its struct, or by the overrides, by default in `table-registry.toml`"
)]
pub trait HasTenant<Table: ?Sized> {}

#[diagnostic::do_not_recommend]
impl<Table: ?Sized> HasTenant<Table> for TenantScoped {}

/// Implemented by each kind for itself. Its text is what the error of [`OfKind`] says.
#[diagnostic::on_unimplemented(
    message = "table `{Table}` is of kind `{Self}`, not `{Wanted}`",
    label = "not of kind `{Wanted}`",
    note = "`#[table(kind = …)]` on its struct decides, or the overrides, by default in `table-registry.toml`"
)]
pub trait IsKind<Wanted, Table: ?Sized> {}
