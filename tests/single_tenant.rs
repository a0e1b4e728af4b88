//! In a database of one tenant, no table has row-level security, whatever its kind.

use table_registry::{Global, Table, TableKind, TenancyOf, table_registry};

#[path = "single_tenant/schema/mod.rs"]
mod schema;

table_registry!(
    "single_tenant/schema",
    overrides = "single_tenant/table-registry.toml",
    revoke = "single_tenant/revoke.toml"
);

#[test]
fn nothing_is_row_secured() {
    assert_eq!(RLS_TABLES, [""; 0]);
    assert_eq!(TENANT_SETTING, None);
    for (name, _) in TABLE_REGISTRY {
        assert!(!tables::is_rls(name), "{name}");
    }
    const { assert!(!tables::items::RLS && !schema::AuditLogs::RLS && !tables::users::RLS) };
    is_global::<tables::items>();
    is_global::<schema::Users>();
}

fn is_global<T: Table>()
where
    TenancyOf<T>: Same<Global>,
{
}

trait Same<T> {}

impl<T> Same<T> for T {}

#[test]
fn kinds_and_access_are_what_they_are() {
    assert_eq!(tables::kind_of("items"), Some(TableKind::Truth));
    assert_eq!(REVOKE_UPDATE_DELETE_TABLES, ["audit_logs"]);
    assert_eq!(schema::Items::SQL_NAME, "\"shop\".\"items\"");
}
