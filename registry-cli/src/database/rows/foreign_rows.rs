//! Rows that refer to rows of another tenant, as found in the data.

/// The rows of one foreign key.
#[derive(Debug)]
pub struct ForeignRows {
    pub table: String,
    /// The partition or child that has the foreign key, if it is not the table itself.
    pub relation: Option<String>,
    pub parent: String,
    /// The name of the foreign key.
    pub key: String,
    pub count: i64,
    /// Whether the key holds the tenant, so that the rows refer to none of their tenant.
    pub holds_tenant: bool,
    /// The query that shows the rows.
    pub query: String,
}
