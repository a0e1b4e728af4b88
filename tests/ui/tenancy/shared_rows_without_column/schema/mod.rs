use table_registry::table;

#[table(shared_rows)]
pub struct Announcements;
