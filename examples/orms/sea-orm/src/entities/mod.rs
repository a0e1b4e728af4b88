//! Entities of SeaORM, one module each: every row struct is called `Model`, and the names of the tables are
//! those in SeaORM's own attribute.

pub mod audit_logs;
pub mod users;
