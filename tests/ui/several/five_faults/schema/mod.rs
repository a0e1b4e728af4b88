use table_registry::table;

#[table]
pub struct Users;

#[table]
pub struct Invoices;

#[table(kind = evidnce)]
pub struct AuditLogs;

#[table(name = "invoices")]
pub struct Bills;
