use table_registry::table_registry;

mod schema;

table_registry!("schema/");

impl table_registry::Mutable for tables::audit_logs {}

fn main() {}
