use table_registry::table;

#[table(tenant = org_id)]
pub struct Invoices {
    pub id: u64,
    pub org_id: u64,
}
