//! Only in tests.
use table_registry::table;
/// Rows.
#[table]
pub struct Hidden;
