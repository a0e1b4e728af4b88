use table_registry::table;

#[table]
pub struct Projects;

#[table(schema = "public", name = "projects")]
pub struct OtherProjects;
