use table_registry::table;

#[table]
pub enum Users {}

#[table]
pub struct Roles;
