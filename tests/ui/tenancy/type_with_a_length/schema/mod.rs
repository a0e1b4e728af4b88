use table_registry::table;

#[table]
pub struct Projects;
