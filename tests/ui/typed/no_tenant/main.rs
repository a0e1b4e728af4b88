use table_registry::table_registry;

mod schema;

table_registry!("schema/");

fn tenant_query<T: table_registry::RowSecured>() {}

fn main() {
    tenant_query::<schema::AuditLogs>();
    tenant_query::<schema::Users>();
}
