//! Policies as types: what a table permits, as bounds that a signature can ask for.

use core::marker::PhantomData;

use crate::TableKind;

mod sealed {
    /// Keeps users from declaring policies that fit every bound.
    pub trait Sealed {}

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
pub use sealed::{Fits, OfTenants, Updatable};

/// All policies of a table as one type: a pair of its [`Kind`] and its [`Access`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{AppendOnly, Policies, TableKind, kind};
///
/// type OfAuditLogs = (kind::Evidence, AppendOnly);
///
/// assert_eq!(OfAuditLogs::KIND, TableKind::Evidence);
/// assert!(OfAuditLogs::RLS && OfAuditLogs::APPEND_ONLY);
/// ```
pub trait Policies: sealed::Sealed {
    /// The kind, with the overrides of the policy file applied.
    type Kind: Kind;

    /// Whether rows may be updated and deleted.
    type Access: Access;

    /// Whether rows belong to tenants.
    type Tenancy: Tenancy;

    /// The kind as a value.
    const KIND: TableKind = <Self::Kind as Kind>::KIND;

    /// Whether the table gets row-level security.
    const RLS: bool = <Self::Tenancy as Tenancy>::RLS;

    /// Whether rows are only ever added.
    const APPEND_ONLY: bool = <Self::Access as Access>::APPEND_ONLY;

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
    const ARE_KNOWN: bool = false;
}

/// How the application role may use a table: [`ReadWrite`] or [`AppendOnly`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Access, AppendOnly, ReadWrite};
///
/// const { assert!(AppendOnly::APPEND_ONLY && !ReadWrite::APPEND_ONLY) };
/// ```
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
    message = "table `{Table}` is append-only",
    label = "its rows may not be updated or deleted",
    note = "the revoke list, by default `revoke.toml`, names this table in `update_delete`"
)]
pub trait PermitsUpdate<Table: ?Sized>: Updatable {}

#[diagnostic::do_not_recommend]
impl Updatable for ReadWrite {}

#[diagnostic::do_not_recommend]
impl<Table: ?Sized> PermitsUpdate<Table> for ReadWrite {}

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
    note = "its kind is `system`, set by `#[table(kind = system)]` on its struct or by an override in the policy file (`table-registry.toml` by default)"
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
