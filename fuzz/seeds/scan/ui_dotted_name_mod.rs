use table_registry::table;

#[table(name = "audit.events")]
pub struct Events;
