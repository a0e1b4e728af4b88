use table_registry::table_registry;

mod schema;

table_registry!("schema/");

fn main() {}
