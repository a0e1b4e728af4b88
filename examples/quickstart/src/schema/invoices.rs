use table_registry::table;

/// What a customer owes.
#[table]
pub struct Invoices {
    /// Primary key.
    pub id: u64,
    /// The tenant.
    pub org_id: u64,
    /// The amount in cents.
    pub total: i64,
}
