use table_registry::table;

#[table(tenant = "acount_id")]
pub struct Subscriptions {
    pub id: u64,
    pub account_id: u64,
}
