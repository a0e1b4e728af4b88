use table_registry::table_registry;

mod schema;

table_registry!("schema/");

const HANDLERS: [(&str, fn() -> u16); 3] = [("contacts", || 200), ("audit_logs", || 200), ("contcts", || 200)];

table_registry::assert_handlers!(TABLE_REGISTRY, HANDLERS, allow = [Truth, Control]);

fn main() {}
