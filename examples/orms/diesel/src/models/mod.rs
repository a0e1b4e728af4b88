//! Rows as Diesel reads them. The names of the tables are those in Diesel's own attribute.

use diesel::prelude::{Identifiable, Queryable};
use table_registry::table;

/// Who did what. Rows are written once.
#[derive(Debug, Identifiable, Queryable)]
#[diesel(table_name = crate::schema::audit_logs)]
#[table(kind = evidence)]
pub struct AuditLog {
    /// The key.
    pub id: i64,
    /// The tenant.
    pub org_id: i64,
    /// What was done.
    pub action: String,
}

/// Who can log in.
#[derive(Debug, Identifiable, Queryable)]
#[diesel(table_name = crate::schema::users)]
#[table]
pub struct User {
    /// The key.
    pub id: i64,
    /// The address.
    pub email: String,
}
