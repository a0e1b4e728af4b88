use table_registry::table;

#[table]
pub struct Users;

#[table(kind = evidence)]
pub struct AuditLogs;
