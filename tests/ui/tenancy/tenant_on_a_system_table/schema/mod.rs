use table_registry::table;

#[table(kind = system, tenant = "org_id")]
pub struct Users {
    pub id: u64,
    pub org_id: u64,
}
