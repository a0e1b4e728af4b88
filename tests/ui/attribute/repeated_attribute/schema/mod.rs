use table_registry::table;

#[table(kind = system)]
#[table(kind = truth)]
pub struct Users;
