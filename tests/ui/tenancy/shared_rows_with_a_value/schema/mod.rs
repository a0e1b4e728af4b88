use table_registry::table;

#[table(shared_rows = true)]
pub struct Announcements;
