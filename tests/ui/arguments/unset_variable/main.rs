use table_registry::table_registry;

mod schema;

table_registry!("schema/", concat!(env!("NO_SUCH_VARIABLE"), "/schema"));

fn main() {}
