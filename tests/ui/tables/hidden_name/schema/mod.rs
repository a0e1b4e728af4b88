use table_registry::table;

#[cfg_attr(any(), sea_orm(table_name = "users"))]
#[table]
pub struct Model;

pub mod roles {
    #[cfg_attr(any(), sea_orm(table_name = "roles"))]
    #[table_registry::table]
    pub struct Model;
}
