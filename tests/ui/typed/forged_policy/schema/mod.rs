use table_registry::table;

#[table(kind = evidence)]
pub struct AuditLogs;

#[table(kind = system)]
pub struct Users;
