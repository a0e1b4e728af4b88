//! A frozen copy of an entity, as migrations keep it: no `#[table]`, no `mod` line.

#[derive(DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    pub id: u64,
}
