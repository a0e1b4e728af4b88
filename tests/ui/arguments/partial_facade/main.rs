mod company {
    pub use table_registry::{Table, table, table_registry};
}

mod schema;

company::table_registry!("schema/", crate = company);

fn main() {
    let _ = (
        tables::is_rls("users"),
        <schema::Users as company::Table>::NAME,
    );
}
