use table_registry::table;

#[table(kind = "lookup")]
pub struct Users;
