use table_registry::table;

#[table]
pub struct Projects;

#[table(tenant = through((id, id) -> projects(id, number)))]
pub struct Tasks {
    pub id: u64,
    pub project_id: u64,
}
