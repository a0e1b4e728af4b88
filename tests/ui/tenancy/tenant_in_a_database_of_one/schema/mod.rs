use table_registry::table;

#[table(tenant = "org_id")]
pub struct Projects {
    pub id: u64,
    pub org_id: u64,
}
