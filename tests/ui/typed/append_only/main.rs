use table_registry::table_registry;

mod schema;

table_registry!("schema/");

fn update<T: table_registry::Mutable>() {}

fn main() {
    update::<schema::Users>();
    update::<schema::AuditLogs>();
    update::<tables::audit_logs>();
}
