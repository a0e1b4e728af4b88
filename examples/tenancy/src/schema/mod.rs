//! One struct per table. The document explains each.
#![allow(missing_docs, reason = "the columns explain themselves")]

use table_registry::table;
use uuid::Uuid;

#[table]
pub struct Projects {
    pub id: i64,
    pub org_id: Uuid,
    pub name: String,
}

#[table(tenant = "account_id")]
pub struct Subscriptions {
    pub id: i64,
    pub account_id: Uuid,
    pub plan: String,
}

#[table(tenant = "id")]
pub struct Orgs {
    pub id: Uuid,
    pub name: String,
}

#[table(tenant = through(project_id -> projects))]
pub struct Tasks {
    pub id: i64,
    pub project_id: i64,
    pub title: String,
}

#[table(tenant = through(task_id -> tasks))]
pub struct Comments {
    pub id: i64,
    pub task_id: i64,
    pub body: String,
}

#[table]
pub struct Invoices {
    pub org_id: Uuid,
    pub number: i64,
    pub total_cents: i64,
}

#[table]
pub struct InvoiceLines {
    pub org_id: Uuid,
    pub invoice_number: i64,
    pub line: i32,
    pub text: String,
}

#[table(schema = "stock")]
pub struct Shelves {
    pub warehouse: i32,
    pub number: i32,
    pub org_id: Uuid,
}

#[table(schema = "stock", tenant = through((warehouse, shelf) -> "stock.shelves"(warehouse, number)))]
pub struct Pallets {
    pub id: i64,
    pub warehouse: i32,
    pub shelf: i32,
}

#[table(tenant = "org_id", shared_rows)]
pub struct Announcements {
    pub id: i64,
    pub org_id: Option<Uuid>,
    pub body: String,
}

#[table(kind = link)]
pub struct Memberships {
    pub id: i64,
    pub user_id: i64,
    pub org_id: Uuid,
}

#[table(kind = system)]
pub struct Users {
    pub id: i64,
    pub email: String,
}

#[table(kind = system)]
pub struct Countries {
    pub code: String,
    pub name: String,
}

#[table(kind = evidence)]
pub struct AuditLogs {
    pub id: i64,
    pub org_id: Uuid,
    pub action: String,
}

#[table(kind = system)]
pub struct LoginHistory {
    pub id: i64,
    pub user_id: i64,
}
