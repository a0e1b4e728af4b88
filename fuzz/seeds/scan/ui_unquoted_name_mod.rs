use table_registry::table;

#[table(name = users)]
pub struct User;
