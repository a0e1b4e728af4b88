use table_registry::table;

#[table]
#[cfg_attr(any(), diesel(table_name = users))]
#[cfg_attr(any(), sea_orm(table_name = "user"))]
pub struct Users;
