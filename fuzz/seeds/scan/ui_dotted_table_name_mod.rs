use table_registry::table;

#[table(schema = "audit")]
pub struct Events;
