use table_registry::table;

#[table(kind = evidence)]
pub struct AuditLogs;

#[table]
pub struct Contacts;
