//! The schema: one file a table.

mod audit_logs;
mod invoices;
mod users;

pub use audit_logs::AuditLogs;
pub use invoices::Invoices;
pub use users::Users;
