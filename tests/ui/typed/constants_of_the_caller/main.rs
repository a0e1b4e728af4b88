use table_registry::table_registry;

mod schema;

table_registry!("schema/");

const REGISTRY: [(&str, u8); 1] = [("no_such_table", 1)];
const KEYS: &[&str] = &["contacts"];
const LENGTH: &[&str; 1] = &["contacts"];

table_registry::assert_handlers!(TABLE_REGISTRY, REGISTRY, allow = [Truth, Evidence]);
table_registry::assert_handlers!(TABLE_REGISTRY, KEYS, allow = [Truth]);
table_registry::assert_handlers!(TABLE_REGISTRY, LENGTH, allow = [Truth]);

fn main() {}
