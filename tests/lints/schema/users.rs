//! Users.
use table_registry::table;
/// Rows.
#[table]
#[derive(Debug)]
#[non_exhaustive]
pub struct Users {
    /// Content.
    pub id: u8,
}
