use table_registry::table;

#[table]
pub fn users() {}

#[table]
pub struct Roles;
