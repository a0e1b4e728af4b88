use table_registry::table;

#[table]
pub struct Users {
    pub id: u64,
}
