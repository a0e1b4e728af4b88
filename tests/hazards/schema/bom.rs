#[table_registry::table]
pub struct AfterMark;
