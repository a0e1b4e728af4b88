//! Bounds that a signature can ask for: a table that is mutable, that belongs to tenants, or that is of one kind.

use crate::policy::{HasTenant, IsKind, PermitsInsert, PermitsUpdate, Policies};
use crate::table::{PoliciesOf, Table};

/// The kind of a table as a type: one of those in [`kind`](mod@crate::kind). The bound for one kind is [`OfKind`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Kind, KindOf, TableKind};
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum users {} }
/// # impl table_registry::Key for tables::users {
/// #     type Policies = (table_registry::kind::System, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "users";
/// # }
///
/// assert_eq!(<KindOf<tables::users> as Kind>::KIND, TableKind::System);
/// ```
pub type KindOf<T> = <PoliciesOf<T> as Policies>::Kind;

/// How the application role may use a table: [`ReadWrite`](crate::ReadWrite), [`AppendOnly`](crate::AppendOnly) or [`ReadOnly`](crate::ReadOnly). The bound for the
/// first is [`Mutable`], the bound for the first two is [`Appendable`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Access, AccessOf};
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum users {} }
/// # impl table_registry::Key for tables::users {
/// #     type Policies = (table_registry::kind::System, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "users";
/// # }
///
/// assert!(!<AccessOf<tables::users> as Access>::APPEND_ONLY);
/// ```
pub type AccessOf<T> = <PoliciesOf<T> as Policies>::Access;

/// Whether rows of a table belong to tenants: [`TenantScoped`](crate::TenantScoped) or [`Global`](crate::Global). The bound for the first is
/// [`RowSecured`].
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Tenancy, TenancyOf};
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum users {} }
/// # impl table_registry::Key for tables::users {
/// #     type Policies = (table_registry::kind::System, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "users";
/// # }
///
/// assert!(!<TenancyOf<tables::users> as Tenancy>::RLS);
/// ```
pub type TenancyOf<T> = <PoliciesOf<T> as Policies>::Tenancy;

/// A table whose rows may be updated and deleted: it is neither append-only nor read-only.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Mutable, Table};
///
/// fn update<T: Mutable>() -> String {
///     format!("UPDATE {} SET …", T::NAME)
/// }
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum invoices {} }
/// # impl table_registry::Key for tables::invoices {
/// #     type Policies = (table_registry::kind::Truth, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "invoices";
/// # }
///
/// assert_eq!(update::<tables::invoices>(), "UPDATE invoices SET …");
/// ```
///
/// An append-only table does not fit:
///
/// ```compile_fail,E0277
/// # use table_registry_core as table_registry;
/// # use table_registry::{Mutable, Table};
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum audit_logs {} }
/// # impl table_registry::Key for tables::audit_logs {
/// #     type Policies = (table_registry::kind::Evidence, table_registry::AppendOnly);
/// #     const TABLE_NAME: &'static str = "audit_logs";
/// # }
/// # fn update<T: Mutable>() {}
/// update::<tables::audit_logs>(); // table `audit_logs` is `AppendOnly`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registered table",
    label = "not a table",
    note = "put `#[table]` on the struct, or use a key from `tables`"
)]
pub trait Mutable: Table {}

// Users cannot implement this trait or the next three for their own tables. The coherence rules assume that a later
// version of this crate may make its policies fit any bound, so every such implementation conflicts with ours
// (`tests/ui/typed/forged_bound`).
impl<T: Table> Mutable for T where AccessOf<T>: PermitsUpdate<T::Key> {}

/// A table to which rows may be added: it is not read-only.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{Appendable, Table};
///
/// fn insert<T: Appendable>() -> String {
///     format!("INSERT INTO {} …", T::NAME)
/// }
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum audit_logs {} }
/// # impl table_registry::Key for tables::audit_logs {
/// #     type Policies = (table_registry::kind::Evidence, table_registry::AppendOnly);
/// #     const TABLE_NAME: &'static str = "audit_logs";
/// # }
///
/// assert_eq!(insert::<tables::audit_logs>(), "INSERT INTO audit_logs …");
/// ```
///
/// A read-only table does not fit:
///
/// ```compile_fail,E0277
/// # use table_registry_core as table_registry;
/// # use table_registry::{Appendable, Table};
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum countries {} }
/// # impl table_registry::Key for tables::countries {
/// #     type Policies = (table_registry::kind::System, table_registry::ReadOnly);
/// #     const TABLE_NAME: &'static str = "countries";
/// # }
/// # fn insert<T: Appendable>() {}
/// insert::<tables::countries>(); // table `countries` is `ReadOnly`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registered table",
    label = "not a table",
    note = "put `#[table]` on the struct, or use a key from `tables`"
)]
pub trait Appendable: Table {}

impl<T: Table> Appendable for T where AccessOf<T>: PermitsInsert<T::Key> {}

/// A table whose rows belong to tenants: row-level security applies, since its kind is not `system`.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{RowSecured, Table};
///
/// fn tenant_query<T: RowSecured>() -> String {
///     format!("SELECT * FROM {} WHERE org_id = $1", T::NAME)
/// }
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum invoices {} }
/// # impl table_registry::Key for tables::invoices {
/// #     type Policies = (table_registry::kind::Truth, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "invoices";
/// # }
///
/// assert_eq!(tenant_query::<tables::invoices>(), "SELECT * FROM invoices WHERE org_id = $1");
/// ```
///
/// A system table does not fit:
///
/// ```compile_fail,E0277
/// # use table_registry_core as table_registry;
/// # use table_registry::{RowSecured, Table};
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum users {} }
/// # impl table_registry::Key for tables::users {
/// #     type Policies = (table_registry::kind::System, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "users";
/// # }
/// # fn tenant_query<T: RowSecured>() {}
/// tenant_query::<tables::users>(); // table `users` belongs to no tenant
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registered table",
    label = "not a table",
    note = "put `#[table]` on the struct, or use a key from `tables`"
)]
pub trait RowSecured: Table {}

impl<T: Table> RowSecured for T where TenancyOf<T>: HasTenant<T::Key> {}

/// A table of one kind: `T: OfKind<kind::Truth>`.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{OfKind, Table, kind};
///
/// fn rebuild<T: OfKind<kind::Projection>>() -> String {
///     format!("TRUNCATE {}", T::NAME)
/// }
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum balances {} }
/// # impl table_registry::Key for tables::balances {
/// #     type Policies = (table_registry::kind::Projection, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "balances";
/// # }
///
/// assert_eq!(rebuild::<tables::balances>(), "TRUNCATE balances");
/// ```
///
/// A table of another kind does not fit:
///
/// ```compile_fail,E0277
/// # use table_registry_core as table_registry;
/// # use table_registry::{OfKind, Table, kind};
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum invoices {} }
/// # impl table_registry::Key for tables::invoices {
/// #     type Policies = (table_registry::kind::Truth, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "invoices";
/// # }
/// # fn rebuild<T: OfKind<kind::Projection>>() {}
/// rebuild::<tables::invoices>(); // table `invoices` is of kind `Truth`, not `Projection`
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a registered table",
    label = "not a table",
    note = "put `#[table]` on the struct, or use a key from `tables`"
)]
pub trait OfKind<Wanted>: Table {}

impl<T: Table, Wanted> OfKind<Wanted> for T where KindOf<T>: IsKind<Wanted, T::Key> {}
