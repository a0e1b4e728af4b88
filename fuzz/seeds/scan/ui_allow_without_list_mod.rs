use table_registry::table;

#[table(allow = "missing_updated_at")]
pub struct Users;
