use table_registry::table;

#[table]
pub struct Projects;

#[table(tenant = "through(project_id -> projects)")]
pub struct Tasks {
    pub id: u64,
    pub project_id: u64,
}
