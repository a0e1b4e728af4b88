use table_registry::table_registry;

mod schema;

table_registry!("schema/");

fn insert<T: table_registry::Appendable>() {}

fn main() {
    insert::<schema::AuditLogs>();
    insert::<schema::Countries>();
    insert::<tables::countries>();
}
