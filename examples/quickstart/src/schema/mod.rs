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

/// One line of an invoice. It belongs to the tenant of its invoice.
#[table(tenant = through(invoice_id -> invoices))]
pub struct InvoiceLines {
    pub id: i64,
    pub invoice_id: i64,
    pub text: String,
}

/// Who can log in, to any tenant.
#[table]
pub struct Users {
    pub id: i64,
    pub email: String,
}
