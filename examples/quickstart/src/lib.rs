//! Three tables: the code of the README.
#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]

pub mod schema;

table_registry::table_registry!("schema/");
