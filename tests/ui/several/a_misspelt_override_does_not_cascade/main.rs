use table_registry::{OfKind, RowSecured, kind, table_registry};

mod schema;

table_registry!("schema/");

const HANDLERS: [(&str, u8); 1] = table_registry::handlers! { allow = [Link]; tables::audit_logs => 1 };

fn link<T: OfKind<kind::Link> + RowSecured>() {}

fn main() {
    link::<schema::AuditLogs>();
    link::<tables::users>();
    let _ = HANDLERS;
}
