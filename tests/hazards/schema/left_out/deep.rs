#[table_registry::table]
pub struct LeftOutDeep;
