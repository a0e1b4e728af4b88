//! Rows that refer to rows of another tenant, and the keys that permit it.

pub mod data;
pub mod foreign_rows;
pub mod global_references;
pub mod references;
