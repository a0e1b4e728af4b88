//! Entities of SeaORM, one module each: every row struct is called `Model`, and the names of the tables are
//! those in SeaORM's own attribute. `#[sea_orm::model]` makes two structs of one and copies what stands below it, so
//! `#[table]` stands above it.

pub mod audit_logs;
pub mod users;
