use table_registry::table;

#[table(kind = link, tenant = "org_id")]
pub struct Memberships {
    pub user_id: u64,
    pub org_id: u64,
}
