use table_registry::table;

#[table(kind = system)]
pub struct LoginHistory;
