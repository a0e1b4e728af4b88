use table_registry::table_registry;

mod orders;
mod schema;

table_registry!("schema/");

fn main() {}
