#[doc(hidden)]
use ::table_registry::re_export_the_whole_crate_table_registry as __table_registry;
const _: () = __table_registry::__private::assert!(
    __table_registry::__private::is_crate_root(__table_registry::__private::module_path!()),
    "{}",
    "`table_registry!` is not in the crate root\n  = help: move it to `src/lib.rs` or `src/main.rs`\n  = note: diagnostic code `not-in-crate-root`"
);
const _: &[__table_registry::__private::u8] = __table_registry::__private::include_bytes!(
    "../revoke.toml"
);
///Every registered table, sorted by name in byte order.
pub const TABLE_NAMES: [&__table_registry::__private::str; 4] = [
    "audit.events",
    "roles",
    "type",
    "users",
];
/**Every registered table with its kind, sorted by name in byte order.

Look a name up with [`tables::kind_of`].*/
pub const TABLE_REGISTRY: [(
    &__table_registry::__private::str,
    __table_registry::TableKind,
); 4] = [
    ("audit.events", __table_registry::TableKind::Evidence),
    ("roles", __table_registry::TableKind::Truth),
    ("type", __table_registry::TableKind::Truth),
    ("users", __table_registry::TableKind::System),
];
///The tables in `[exempt]`, which exist in the database and are not registered, sorted.
pub const REGISTRY_EXEMPT: [&__table_registry::__private::str; 1] = ["old"];
/**The tables with row-level security, sorted: every registered table whose kind is not `system`; none in a database of one tenant.

See the PostgreSQL manual, [Row Security Policies](https://www.postgresql.org/docs/current/ddl-rowsecurity.html).*/
pub const RLS_TABLES: [&__table_registry::__private::str; 3] = [
    "audit.events",
    "roles",
    "type",
];
/**The append-only and the read-only tables, sorted: the application role gets no UPDATE, DELETE or TRUNCATE.

See the PostgreSQL manual, [REVOKE](https://www.postgresql.org/docs/current/sql-revoke.html).*/
pub const REVOKE_UPDATE_DELETE_TABLES: [&__table_registry::__private::str; 1] = [
    "audit.events",
];
///The read-only tables, sorted: the application role gets no INSERT, either.
pub const REVOKE_INSERT_UPDATE_DELETE_TABLES: [&__table_registry::__private::str; 0] = [];
/// The setting that holds the tenant: the application sets it at the start of each transaction. Nothing if the policy
/// file has no `[tenancy]`, or if the database has one tenant.
///
/// See the PostgreSQL manual, [set_config](https://www.postgresql.org/docs/current/functions-admin.html).
pub const TENANT_SETTING: __table_registry::__private::Option<
    &__table_registry::__private::str,
> = __table_registry::__private::Option::None;
/// One type per table: the typed keys of [`TABLE_REGISTRY`], and the look-up by name.
pub mod tables {
    /**The table `audit.events`: kind `evidence`, row-level security applies, append-only.

Declared in `src/schema/audit.rs`.*/
    #[non_exhaustive]
    pub enum audit_events {}
    /**The table `roles`: kind `truth`, row-level security applies, not append-only.

Declared in `src/schema/users.rs`.*/
    #[non_exhaustive]
    pub enum roles {}
    /**The table `type`: kind `truth`, row-level security applies, not append-only.

Declared in `src/schema/users.rs`.*/
    #[non_exhaustive]
    pub enum r#type {}
    /**The table `users`: kind `system`, no row-level security, not append-only.

Declared in `src/schema/users.rs`.*/
    #[non_exhaustive]
    pub enum users {}
    const REGISTERED: super::__table_registry::__private::Index<'static> = super::__table_registry::__private::Index::new(
        &super::TABLE_REGISTRY,
        b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xda\x1a\xbc\n\x00\x00\x00\x00\xc1*\xf5f\x1c\x9b\xf3A\x93\x1e\xd4$",
    );
    const APPEND_ONLY: super::__table_registry::__private::Index<'static> = super::__table_registry::__private::Index::new(
        &super::TABLE_REGISTRY,
        b"\x00\x00\x00\x00\xc1*\xf5f",
    );
    const READ_ONLY: super::__table_registry::__private::Index<'static> = super::__table_registry::__private::Index::new(
        &super::TABLE_REGISTRY,
        b"",
    );
    const HAS_TENANTS: super::__table_registry::__private::bool = true;
    /**The kind of the table with this name, or `None` if no such table is registered; by its hash, also at compile time.

The list is [`TABLE_REGISTRY`](super::TABLE_REGISTRY).*/
    #[must_use]
    pub const fn kind_of(
        name: &super::__table_registry::__private::str,
    ) -> super::__table_registry::__private::Option<super::__table_registry::TableKind> {
        REGISTERED.kind_of(name)
    }
    ///The registered name that equals this one, or `None` if no such table is registered: the trusted spelling of a name that came from outside.
    #[must_use]
    pub const fn resolve(
        name: &super::__table_registry::__private::str,
    ) -> super::__table_registry::__private::Option<
        &'static super::__table_registry::__private::str,
    > {
        REGISTERED.resolve(name)
    }
    ///Whether a table with this name is registered and has row-level security.
    #[must_use]
    pub const fn is_rls(
        name: &super::__table_registry::__private::str,
    ) -> super::__table_registry::__private::bool {
        HAS_TENANTS && REGISTERED.is_rls(name)
    }
    ///Whether a table with this name is registered and its rows are never updated or deleted: it is append-only or even read-only.
    #[must_use]
    pub const fn is_append_only(
        name: &super::__table_registry::__private::str,
    ) -> super::__table_registry::__private::bool {
        APPEND_ONLY.resolve(name).is_some()
    }
    ///Whether a table with this name is registered and read-only.
    #[must_use]
    pub const fn is_read_only(
        name: &super::__table_registry::__private::str,
    ) -> super::__table_registry::__private::bool {
        READ_ONLY.resolve(name).is_some()
    }
}
#[doc(hidden)]
pub(crate) use self::tables as directories_of_table_registry;
const _: () = {
    use __table_registry::__private::{
        AppendOnly, DeclaredByOneStruct, Global, InDoubt, Key, Option, ReadOnly,
        ReadWrite, kind, str,
    };
    impl Key for directories_of_table_registry::audit_events {
        type Policies = (kind::Evidence, AppendOnly);
        const TABLE_NAME: &'static str = "audit.events";
        const TABLE_SCHEMA: Option<&'static str> = Option::Some("audit");
    }
    impl Key for directories_of_table_registry::roles {
        type Policies = (kind::Truth, ReadWrite);
        const TABLE_NAME: &'static str = "roles";
    }
    impl Key for directories_of_table_registry::r#type {
        type Policies = (kind::Truth, ReadWrite);
        const TABLE_NAME: &'static str = "type";
    }
    impl Key for directories_of_table_registry::users {
        type Policies = (kind::System, ReadWrite);
        const TABLE_NAME: &'static str = "users";
    }
};
#[doc(hidden)]
macro_rules! registered_by_table_registry {
    (
        $($directory:literal)* _ $name:ident $(#$lints:tt)* [$($declare:tt)*]
        [$($key:tt)*] $(@ [$($generics:tt)*])? $row:ty; $($bounds:tt)*
    ) => {
        const _ : () = { enum $name {} const _ : () = { use crate
        ::directories_of_table_registry::*; type __TableRegistryKey = $name; const _ :
        crate ::__table_registry::__private::bool = is_rls(""); impl crate
        ::__table_registry::__private::DeclaredByOneStruct for __TableRegistryKey {} };
        }; $(#$lints)* impl $($($generics)*)? crate ::__table_registry::Table for $row
        $($bounds)* { type Key = crate ::__table_registry::__private::Unknown; }
    };
    (
        "" $_:ident $(#$lints:tt)* [$($declare:tt)*] [$($key:tt)*] $(@
        [$($generics:tt)*])? $row:ty; $($bounds:tt)*
    ) => {
        $($declare)* $($key)* {} $(#$lints)* impl $($($generics)*)? crate
        ::__table_registry::Table for $row $($bounds)* { type Key = $($key)*; }
    };
    (
        "src" "schema" $($below:literal)* $_:ident $(#$lints:tt)* [$($declare:tt)*]
        [$($key:tt)*] $(@ [$($generics:tt)*])? $row:ty; $($bounds:tt)*
    ) => {
        $($declare)* $($key)* {} $(#$lints)* impl $($($generics)*)? crate
        ::__table_registry::Table for $row $($bounds)* { type Key = $($key)*; }
    };
    (
        $($directory:literal)* $name:ident $(#$lints:tt)* [$($declare:tt)*] [$($key:tt)*]
        $(@ [$($generics:tt)*])? $row:ty; $($bounds:tt)*
    ) => {
        crate ::__table_registry::__outside_directories! { ["src/schema"] $name
        [$(#$lints)*] [$($($generics)*)?] $row; $($bounds)* }
    };
}
#[doc(hidden)]
pub(crate) use registered_by_table_registry;
const _: () = {
    use __table_registry::__private::{
        Compiled, Copied, NotCompiled as _, any, assert, bool,
    };
    const _: () = assert!(
        any(& [Compiled::< directories_of_table_registry::audit_events >::HERE, Copied::<
        directories_of_table_registry::audit_events >::HERE]), "{}",
        "table `audit.events` is declared in `src/schema/audit.rs`, but the crate does not compile that file\n  = help: name the file in a `mod` line, or remove it\n  = note: diagnostic code `not-compiled`"
    );
    const _: () = assert!(
        any(& [Compiled::< directories_of_table_registry::roles >::HERE, Copied::<
        directories_of_table_registry::roles >::HERE, Compiled::<
        directories_of_table_registry::r#type >::HERE, Copied::<
        directories_of_table_registry::r#type >::HERE]), "{}",
        "tables `roles`, `type` are declared in `src/schema/users.rs`, but the crate does not compile that file\n  = help: name the file in a `mod` line, or remove it\n  = note: diagnostic code `not-compiled`"
    );
};
