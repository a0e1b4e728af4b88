use table_registry::table;

/// Who can log in, to any tenant.
#[table]
pub struct Users {
    /// Primary key.
    pub id: u64,
    /// The login name.
    pub email: String,
}
