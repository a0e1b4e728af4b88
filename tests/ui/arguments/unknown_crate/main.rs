use table_registry::table_registry;

mod schema;

table_registry!("schema/", crate = ::no_such_crate);

fn main() {}
