use table_registry::table;

#[table(kin = system)]
pub struct Users;
