use table_registry::table;

// Größe
#[table]
pub struct Sizes;
