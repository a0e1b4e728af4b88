use table_registry::table;

#[table(name = "users\0")]
pub struct Users;
