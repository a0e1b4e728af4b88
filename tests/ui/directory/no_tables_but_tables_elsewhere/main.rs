use table_registry::table_registry;

mod schema;

table_registry!("empty/");

fn main() {}
