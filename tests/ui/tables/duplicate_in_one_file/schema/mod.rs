use table_registry::table;

#[table]
pub struct Users;

pub mod old {
    #[table_registry::table]
    pub struct Users;
}
