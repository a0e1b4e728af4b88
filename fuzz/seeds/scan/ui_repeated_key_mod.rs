use table_registry::table;

#[table(kind = truth, kind = system)]
pub struct Users;
