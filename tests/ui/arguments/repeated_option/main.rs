use table_registry::table_registry;

mod schema;

table_registry!("schema/", revoke = "revoke.toml", revoke = "revoke.toml");

fn main() {}
