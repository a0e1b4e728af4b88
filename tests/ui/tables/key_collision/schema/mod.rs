use table_registry::table;

#[table(name = "order-lines")]
pub struct One;

#[table(name = "order_lines")]
pub struct Two;
