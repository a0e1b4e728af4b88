#[table_registry::table]
pub struct Renamed;
