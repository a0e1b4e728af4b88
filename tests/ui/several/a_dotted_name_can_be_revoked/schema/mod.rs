use table_registry::table;

#[table(name = "audit.logs")]
pub struct Logs;
