use table_registry::{Table, table_registry};

mod schema;
mod users;

table_registry!("schema/", overrides = "table-registry.toml", revoke = "revoke.toml");

fn main() {
    assert_eq!(users::Users::NAME, tables::users::NAME);
}
