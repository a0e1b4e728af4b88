use table_registry::table;

#[table(tenant = through(task_id -> tasks))]
pub struct Comments {
    pub id: u64,
    pub task_id: u64,
}

#[table(tenant = through(comment_id -> comments))]
pub struct Tasks {
    pub id: u64,
    pub comment_id: u64,
}
