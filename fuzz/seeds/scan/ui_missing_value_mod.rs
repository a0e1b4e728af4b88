use table_registry::table;

#[table(kind)]
pub struct Users;
