use table_registry::table;

#[table(kind = system)]
#[table(name = "people")]
pub struct Users;
