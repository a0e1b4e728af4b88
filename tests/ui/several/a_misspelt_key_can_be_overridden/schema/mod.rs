use table_registry::table;

#[table(nam = "users")]
pub struct User;
