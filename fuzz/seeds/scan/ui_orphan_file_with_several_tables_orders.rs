use table_registry::table;

#[table]
pub struct Orders;

#[table]
pub struct OrderLines;
