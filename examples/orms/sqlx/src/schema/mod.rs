//! Rows as sqlx reads them. sqlx does not know what table a row is from; the struct's name says so, or `name`.

use sqlx::FromRow;
use table_registry::table;

/// Who did what. Rows are written once.
#[derive(Debug, FromRow)]
#[table(kind = evidence, name = "audit_logs")]
pub struct AuditLog {
    /// The key.
    pub id: i64,
    /// The tenant.
    pub org_id: i64,
    /// What was done.
    pub action: String,
}

/// Who can log in.
#[derive(Debug, FromRow)]
#[table]
pub struct Users {
    /// The key.
    pub id: i64,
    /// The column has another name than the field.
    #[sqlx(rename = "email_address")]
    pub email: String,
}
