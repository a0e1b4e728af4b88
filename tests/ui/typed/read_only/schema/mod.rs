use table_registry::table;

#[table(kind = system)]
pub struct Countries;

#[table(kind = evidence)]
pub struct AuditLogs;
