//! Four tables: the code of the README.
#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]

use table_registry::table_registry;

pub mod schema;

table_registry!("schema/");
