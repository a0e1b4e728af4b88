//! The schema of a multi-tenant ERP on PostgreSQL, and its table registry: 175 tables in 164 files.
//!
//! The structs and the policy files are generated from `data/` by `cargo run -p erp-generator`.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

#[allow(missing_docs, reason = "the names of the columns say what they hold")]
#[allow(
    clippy::struct_excessive_bools,
    reason = "the columns are those of the database, not a design of this crate"
)]
pub mod schema;

table_registry::table_registry!("schema/");
