use table_registry::table;

#[table]
pub struct Users;

#[table]
pub struct Roles;

#[table]
pub struct Sessions;
