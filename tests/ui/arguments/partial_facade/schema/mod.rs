use crate::company::table;

#[table]
pub struct Users {
    pub id: u64,
}
