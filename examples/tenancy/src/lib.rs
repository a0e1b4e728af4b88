//! Every way in which rows belong to tenants: the code of `docs/src/tenancy.md`.
#![deny(warnings, missing_docs, clippy::pedantic)]
#![forbid(unsafe_code)]

use table_registry::table_registry;

pub mod schema;

table_registry!("schema/");
