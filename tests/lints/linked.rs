//! Linked.
use table_registry::table;
/// Rows.
#[table]
#[derive(Debug)]
#[non_exhaustive]
pub struct Linked<'text, Item> where Item: Copy {
    /// Content.
    pub id: &'text Item,
}
