use table_registry::table_registry;

mod schema;

table_registry!("scema/");

fn name<T: table_registry::Table>() -> &'static str {
    T::NAME
}

fn main() {
    name::<schema::Users>();
    println!("{TABLE_NAMES:?}");
}
