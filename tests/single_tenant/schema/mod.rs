//! The tables of a database that belongs to one tenant.

use table_registry::table;

/// A row of `items`.
#[table]
pub struct Items;

/// A row of `audit_logs`.
#[table(kind = evidence)]
pub struct AuditLogs;

/// A row of `users`.
#[table(kind = system)]
pub struct Users;
