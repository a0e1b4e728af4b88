#[table_registry::table]
pub struct Leaf;
