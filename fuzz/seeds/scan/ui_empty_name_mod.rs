use table_registry::table;

#[table(name = "")]
pub struct Users;
