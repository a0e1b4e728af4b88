//! One struct per table.
#![allow(missing_docs, reason = "the columns explain themselves")]

use table_registry::table;

/// Who did what. Rows are written once.
#[table(kind = evidence)]
pub struct AuditLogs {
    pub id: i64,
    pub org_id: i64,
    pub action: String,
}

/// What a customer owes.
#[table]
pub struct Invoices {
    pub id: i64,
    pub org_id: i64,
    pub total_cents: i64,
}

/// Who can log in, to any tenant.
#[table(kind = system)]
pub struct Users {
    pub id: i64,
    pub email: String,
}
