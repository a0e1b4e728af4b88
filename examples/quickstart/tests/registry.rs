//! What the README says the crate has.

use quickstart::{
    REGISTRY_EXEMPT, REVOKE_UPDATE_DELETE_TABLES, RLS_TABLES, TABLE_REGISTRY, TENANT_SETTING, tables,
};
use table_registry::{Table, TableKind};

// A look-up by name, here at compile time.
const INVOICES: Option<TableKind> = tables::kind_of("invoices");

#[test]
fn the_registry() {
    assert_eq!(
        TABLE_REGISTRY.map(|(name, _)| name),
        ["audit_logs", "invoice_lines", "invoices", "users"]
    );
    assert_eq!(TABLE_REGISTRY[0], ("audit_logs", TableKind::Evidence));
    assert_eq!(RLS_TABLES, ["audit_logs", "invoice_lines", "invoices"]);
    assert_eq!(REVOKE_UPDATE_DELETE_TABLES, ["audit_logs"]);
    assert_eq!(REGISTRY_EXEMPT, ["search_jobs"]);
    assert_eq!(TENANT_SETTING, Some("app.org_id"));
    assert_eq!(INVOICES, Some(TableKind::Truth));

    // A type for each table, and the struct says what its key says.
    assert_eq!(tables::users::KIND, TableKind::System);
    const { assert!(quickstart::schema::AuditLogs::APPEND_ONLY) };
}
