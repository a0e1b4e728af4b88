use table_registry::{Mutable, OfKind, RowSecured, kind, table_registry};

mod schema;

table_registry!("scema/");

const HANDLERS: [(&str, u8); 1] = table_registry::handlers! { allow = [Evidence]; schema::Users => 1 };

table_registry::assert_handlers!(TABLE_REGISTRY, ["users"], allow = [Link]);

fn name<T: Mutable + RowSecured + OfKind<kind::Link>>() -> &'static str {
    T::NAME
}

fn main() {
    name::<schema::Users>();
    println!("{TABLE_NAMES:?} {HANDLERS:?}");
}
