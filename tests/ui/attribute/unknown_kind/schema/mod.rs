use table_registry::table;

#[table(kind = sytem)]
pub struct Users;
