use table_registry::table;

#[table(system)]
pub struct Users;
