use table_registry::table;

#[table(kind = evidence)]
pub struct AuditLogs;
