use table_registry::{Mutable, OfKind, RowSecured, kind, table_registry};

mod orders;
mod schema;

table_registry!("schema/");

fn every_bound<T: Mutable + RowSecured + OfKind<kind::Link>>() {}

fn main() {
    every_bound::<orders::Orders<'static, u8>>();
}
