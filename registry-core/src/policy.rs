//! Policies as types: what a table permits, as bounds that a signature can ask for.

use core::marker::PhantomData;

use crate::TableKind;

mod sealed {
    /// Keeps users from declaring policies that fit every bound.
    pub trait Sealed {}

    /// Does for [`PermitsInsert`](super::PermitsInsert) what [`Updatable`] does for `PermitsUpdate`.
    #[diagnostic::on_unimplemented(
        message = "`PermitsInsert` is not for users to implement",
        label = "`ReadOnly`"
    )]
    pub trait Insertable {}

    /// Users could implement [`PermitsUpdate`](super::PermitsUpdate) for their own keys, because its parameter is then
    /// a type of their own crate. This supertrait, which they cannot implement, prevents that.
    #[diagnostic::on_unimplemented(
        message = "`PermitsUpdate` is not for users to implement",
        label = "not `ReadWrite`"
    )]
    pub trait Updatable {}

    /// Does the same for [`HasTenant`](super::HasTenant).
    #[diagnostic::on_unimplemented(
        message = "`HasTenant` is not for users to implement",
        label = "not `TenantScoped`"
    )]
    pub trait OfTenants {}

    /// Does the same for [`IsKind`](super::IsKind).
    #[diagnostic::on_unimplemented(
        message = "`IsKind` is not for users to implement",
        label = "not `{Wanted}`"
    )]
    pub trait Fits<Wanted> {}
}
pub use sealed::{Fits, Insertable, OfTenants, Updatable};

/// All policies of a table as one type: its [`Kind`] and its [`Access`]. A third type, a [`Tenancy`], takes the place of
/// the kind's own: in a database of one tenant, no table is [`TenantScoped`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{AppendOnly, Policies, TableKind, kind};
///
/// type OfAuditLogs = (kind::Evidence, AppendOnly);
///
/// assert_eq!(OfAuditLogs::KIND, TableKind::Evidence);
/// assert!(OfAuditLogs::RLS && OfAuditLogs::APPEND_ONLY && !OfAuditLogs::READ_ONLY);
/// ```
pub trait Policies: sealed::Sealed {
    /// The kind, with the overrides of the policy file applied.
    type Kind: Kind;

    /// What the application role may do to rows.
    type Access: Access;

    /// Whether rows belong to tenants.
    type Tenancy: Tenancy;

    /// The kind as a value.
    const KIND: TableKind = <Self::Kind as Kind>::KIND;

    /// Whether the table gets row-level security.
    const RLS: bool = <Self::Tenancy as Tenancy>::RLS;

    /// Whether rows are never updated or deleted.
    const APPEND_ONLY: bool = <Self::Access as Access>::APPEND_ONLY;

    /// Whether rows are not even added.
    const READ_ONLY: bool = <Self::Access as Access>::READ_ONLY;

    /// Whether these are really the table's policies. If not, the reason is reported as a fault.
    #[doc(hidden)]
    const ARE_KNOWN: bool = true;
}

impl<K: Kind, A: Access> sealed::Sealed for (K, A) {}

impl<K: Kind, A: Access> Policies for (K, A) {
    type Kind = K;
    type Access = A;
    type Tenancy = K::Tenancy;
}

impl<K: Kind, A: Access, T: Tenancy> sealed::Sealed for (K, A, T) {}

impl<K: Kind, A: Access, T: Tenancy> Policies for (K, A, T) {
    type Kind = K;
    type Access = A;
    type Tenancy = T;
}

/// The policies of a table with a reported fault. Their types fit every bound, so that the fault stays the only error.
/// The values are the best guess.
pub struct InDoubt<Guess>(PhantomData<Guess>);

impl<Guess> sealed::Sealed for InDoubt<Guess> {}

impl<Guess: Policies> Policies for InDoubt<Guess> {
    type Kind = AnyKind;
    type Access = ReadWrite;
    type Tenancy = TenantScoped;
    const KIND: TableKind = Guess::KIND;
    const RLS: bool = Guess::RLS;
    const APPEND_ONLY: bool = Guess::APPEND_ONLY;
    const READ_ONLY: bool = Guess::READ_ONLY;
    const ARE_KNOWN: bool = false;
}

/// How the application role may use a table: [`ReadWrite`], [`AppendOnly`] or [`ReadOnly`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Access, AppendOnly, ReadOnly, ReadWrite};
///
/// const { assert!(!ReadWrite::APPEND_ONLY) };
/// const { assert!(AppendOnly::APPEND_ONLY && !AppendOnly::READ_ONLY) };
/// const { assert!(ReadOnly::APPEND_ONLY && ReadOnly::READ_ONLY) };
/// ```
pub trait Access: sealed::Sealed {
    /// Whether rows are never updated or deleted.
    const APPEND_ONLY: bool;

    /// Whether rows are not even added.
    const READ_ONLY: bool;
}

/// Rows are added, updated and deleted.
#[derive(Debug)]
pub enum ReadWrite {}

/// Rows are only ever added: `revoke.toml` lists the table in `update_delete`, and the application role gets no UPDATE,
/// DELETE or TRUNCATE.
#[derive(Debug)]
pub enum AppendOnly {}

/// Rows are only read, as in a table of countries: `revoke.toml` lists the table in `insert_update_delete`, and the
/// application role gets no INSERT, UPDATE, DELETE or TRUNCATE.
#[derive(Debug)]
pub enum ReadOnly {}

macro_rules! accesses {
    ($($access:ident: append_only $append_only:literal, read_only $read_only:literal;)*) => {
        $(
            impl sealed::Sealed for $access {}

            impl Access for $access {
                const APPEND_ONLY: bool = $append_only;
                const READ_ONLY: bool = $read_only;
            }
        )*
    };
}

accesses! {
    ReadWrite: append_only false, read_only false;
    AppendOnly: append_only true, read_only false;
    ReadOnly: append_only true, read_only true;
}

/// Whose rows a table holds: [`TenantScoped`] or [`Global`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Global, Tenancy, TenantScoped};
///
/// const { assert!(TenantScoped::RLS && !Global::RLS) };
/// ```
pub trait Tenancy: sealed::Sealed {
    /// Whether the table gets row-level security.
    const RLS: bool;
}

/// Each row belongs to a tenant, and row-level security applies.
#[derive(Debug)]
pub enum TenantScoped {}

/// Rows belong to no tenant: the table is of kind `system`, or the database has one tenant.
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
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Kind, Tenancy, TableKind, kind};
///
/// fn is_secured<K: Kind>() -> bool {
///     <K::Tenancy as Tenancy>::RLS
/// }
///
/// assert_eq!(kind::System::KIND, TableKind::System);
/// assert!(is_secured::<kind::Truth>() && !is_secured::<kind::System>());
/// ```
pub trait Kind: sealed::Sealed {
    /// The kind as a value.
    const KIND: TableKind;

    /// [`Global`] for [`System`](kind::System), [`TenantScoped`] for all others.
    type Tenancy: Tenancy;
}

macro_rules! kinds {
    ($($kind:ident: $tenancy:ident,)*) => {
        /// The kinds of tables as types, for [`OfKind`](crate::OfKind).
        pub mod kind {
            $(
                #[doc = concat!("[`TableKind::", stringify!($kind), "`](crate::TableKind::", stringify!($kind), ") as a type.")]
                #[derive(Debug)]
                pub enum $kind {}

                impl super::sealed::Sealed for $kind {}

                impl super::Kind for $kind {
                    const KIND: crate::TableKind = crate::TableKind::$kind;
                    type Tenancy = super::$tenancy;
                }

                impl super::Definite for $kind {}

                const _: () = assert!(
                    <super::$tenancy as super::Tenancy>::RLS == crate::TableKind::$kind.row_level_security()
                );
            )*
        }
    };
}

kinds! {
    Truth: TenantScoped,
    Control: TenantScoped,
    Projection: TenantScoped,
    Evidence: TenantScoped,
    Link: TenantScoped,
    System: Global,
}

/// Every kind but [`AnyKind`].
pub trait Definite: Kind {}

#[diagnostic::do_not_recommend]
impl<Wanted: Definite> Fits<Wanted> for Wanted {}

#[diagnostic::do_not_recommend]
impl<Wanted: Definite, Table: ?Sized> IsKind<Wanted, Table> for Wanted {}

/// The kind of a table whose policies are [`InDoubt`]: it fits every bound.
#[derive(Debug)]
pub enum AnyKind {}

impl sealed::Sealed for AnyKind {}

impl Kind for AnyKind {
    const KIND: TableKind = TableKind::Truth;
    type Tenancy = TenantScoped;
}

#[diagnostic::do_not_recommend]
impl<Wanted> Fits<Wanted> for AnyKind {}

#[diagnostic::do_not_recommend]
impl<Wanted, Table: ?Sized> IsKind<Wanted, Table> for AnyKind {}

/// What [`Mutable`](crate::Mutable) asks of a table's access: implemented by [`ReadWrite`] alone.
///
/// Use [`Mutable`](crate::Mutable) as the bound. The compiler names this trait where a table is not mutable, because its error can then name the table.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{AccessOf, Mutable, PermitsUpdate, Table};
///
/// fn same_bound<T: Mutable>()
/// where
///     AccessOf<T>: PermitsUpdate<T::Key>,
/// {
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "table `{Table}` is `{Self}`",
    label = "its rows may not be updated or deleted",
    note = "the revoke list, by default `revoke.toml`, names this table in `update_delete` or `insert_update_delete`",
    note = "add a row that corrects the old one, or remove the table from the list if its rows are meant to change"
)]
pub trait PermitsUpdate<Table: ?Sized>: Updatable {}

#[diagnostic::do_not_recommend]
impl Updatable for ReadWrite {}

#[diagnostic::do_not_recommend]
impl<Table: ?Sized> PermitsUpdate<Table> for ReadWrite {}

/// What [`Appendable`](crate::Appendable) asks of a table's access: implemented by [`ReadWrite`] and [`AppendOnly`].
///
/// Use [`Appendable`](crate::Appendable) as the bound. The compiler names this trait where a table is read-only, because its error can then
/// name the table.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{AccessOf, Appendable, PermitsInsert, Table};
///
/// fn same_bound<T: Appendable>()
/// where
///     AccessOf<T>: PermitsInsert<T::Key>,
/// {
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "table `{Table}` is `{Self}`",
    label = "no rows may be added",
    note = "the revoke list, by default `revoke.toml`, names this table in `insert_update_delete`",
    note = "let a migration add the row, or remove the table from the list if the application is meant to"
)]
pub trait PermitsInsert<Table: ?Sized>: Insertable {}

#[diagnostic::do_not_recommend]
impl Insertable for ReadWrite {}

#[diagnostic::do_not_recommend]
impl Insertable for AppendOnly {}

#[diagnostic::do_not_recommend]
impl<Table: ?Sized> PermitsInsert<Table> for ReadWrite {}

#[diagnostic::do_not_recommend]
impl<Table: ?Sized> PermitsInsert<Table> for AppendOnly {}

/// What [`RowSecured`](crate::RowSecured) asks of a table's tenancy: implemented by [`TenantScoped`] alone.
///
/// Use [`RowSecured`](crate::RowSecured) as the bound. The compiler names this trait where a table has no row-level security, because its error can
/// then name the table.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{HasTenant, RowSecured, Table, TenancyOf};
///
/// fn same_bound<T: RowSecured>()
/// where
///     TenancyOf<T>: HasTenant<T::Key>,
/// {
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "table `{Table}` belongs to no tenant",
    label = "it has no row-level security",
    note = "its kind is `system`, set by `#[table(kind = system)]` on its struct or by an override in the policy file (`table-registry.toml` by default), or the policy file says `[tenancy] mode = \"none\"`"
)]
pub trait HasTenant<Table: ?Sized>: OfTenants {}

#[diagnostic::do_not_recommend]
impl OfTenants for TenantScoped {}

#[diagnostic::do_not_recommend]
impl<Table: ?Sized> HasTenant<Table> for TenantScoped {}

/// What [`OfKind`](crate::OfKind) asks of a table's kind: implemented by each kind for itself.
///
/// Use [`OfKind`](crate::OfKind) as the bound. The compiler names this trait where a table is of another kind, because its error can then name the
/// table.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{IsKind, KindOf, OfKind, Table, kind};
///
/// fn same_bound<T: OfKind<kind::Truth>>()
/// where
///     KindOf<T>: IsKind<kind::Truth, T::Key>,
/// {
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "table `{Table}` is of kind `{Self}`, not `{Wanted}`",
    label = "not of kind `{Wanted}`",
    note = "its kind is set by `#[table(kind = …)]` on its struct or by an override in the policy file (`table-registry.toml` by default)"
)]
pub trait IsKind<Wanted, Table: ?Sized>: Fits<Wanted> {}
