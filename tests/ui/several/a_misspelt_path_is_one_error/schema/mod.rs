#[table_registy::table]
pub struct Users;

#[table_registry::table]
pub struct Roles;
