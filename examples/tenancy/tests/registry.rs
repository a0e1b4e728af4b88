//! What the document says the crate has.

use table_registry::Table;
use tenancy::{
    REVOKE_INSERT_UPDATE_DELETE_TABLES, REVOKE_UPDATE_DELETE_TABLES, RLS_TABLES, TENANT_SETTING, tables,
};

#[test]
fn the_arrays() {
    assert_eq!(
        RLS_TABLES,
        [
            "announcements",
            "audit_logs",
            "comments",
            "invoice_lines",
            "invoices",
            "legacy_ledger",
            "memberships",
            "orgs",
            "projects",
            "stock.pallets",
            "stock.shelves",
            "subscriptions",
            "tasks",
        ]
    );
    // The first of these arrays includes the second, so a loop over it revokes every UPDATE.
    assert_eq!(
        REVOKE_UPDATE_DELETE_TABLES,
        ["audit_logs", "countries", "legacy_ledger", "login_history"]
    );
    assert_eq!(REVOKE_INSERT_UPDATE_DELETE_TABLES, ["countries"]);
    assert_eq!(TENANT_SETTING, Some("app.org_id"));
    assert_eq!(tables::stock_pallets::SQL_NAME, r#""stock"."pallets""#);
}
