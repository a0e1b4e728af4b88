//! Entities of SeaORM, one module each: every row struct is called `Model`, and the names of the tables are
//! those in SeaORM's own attribute. `#[sea_orm::model]` makes two structs out of one and copies the attributes below
//! it, so `#[table]` goes above it.

pub mod audit_logs;
pub mod users;
