use table_registry::table;

/// Who did what. Rows are written once.
#[table(kind = evidence)]
pub struct AuditLogs {
    /// Primary key.
    pub id: u64,
    /// The tenant.
    pub org_id: u64,
    /// What was done.
    pub action: String,
}
