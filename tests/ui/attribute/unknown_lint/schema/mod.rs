use table_registry::table;

#[table(allow(mising_updated_at))]
pub struct Users;
