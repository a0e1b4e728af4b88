//! What the README says the crate has.

use quickstart::{REVOKE_UPDATE_DELETE_TABLES, RLS_TABLES, TABLE_REGISTRY, tables};
use table_registry::TableKind;

#[test]
fn the_registry() {
    assert_eq!(RLS_TABLES, ["audit_logs", "invoices"]);
    assert_eq!(REVOKE_UPDATE_DELETE_TABLES, ["audit_logs"]);
    assert_eq!(TABLE_REGISTRY[2], ("users", TableKind::System));
    assert_eq!(tables::kind_of("invoices"), Some(TableKind::Truth));
}
