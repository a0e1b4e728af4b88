use table_registry::table_registry;

mod schema;

table_registry!("schema/");

const HANDLERS: [(&str, u16); 2] = table_registry::handlers! {
    allow = [Truth, Control];
    tables::contacts => 200,
    tables::audit_logs => 200,
};

fn main() {
    let _ = HANDLERS;
}
