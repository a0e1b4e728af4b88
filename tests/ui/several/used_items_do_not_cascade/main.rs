use table_registry::table_registry;

mod schema;

table_registry!("schema/");

fn name<T: table_registry::Table>() -> &'static str {
    T::NAME
}

fn main() {
    name::<schema::Users>();
    name::<tables::users>();
    for table in RLS_TABLES.iter().chain(&REVOKE_UPDATE_DELETE_TABLES).chain(&REGISTRY_EXEMPT) {
        println!("{table} {:?}", tables::kind_of(table));
    }
}
