use table_registry::table_registry;

mod schema;

table_registry!("schema/");

struct Invoices;

fn update<T: table_registry::Mutable>() {}

fn main() {
    update::<Invoices>();
}
