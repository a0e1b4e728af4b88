//! The database behind the registry: what it lacks, and what mends it.
//!
//! `Session → Catalog → (with the registry) Context → Finding → report`

pub mod catalog;
pub mod checks;
pub mod difference;
pub mod expression;
pub mod finding;
pub mod mention;
pub mod migrations;
pub mod probe;
pub mod report;
pub mod roles;
pub mod server;
pub mod session;
mod sql;
pub mod statements;

/// Whether a privilege is one that an append-only table gives to nobody. TRUNCATE asks neither
/// policies nor triggers of rows.
pub fn is_change(privilege: &str) -> bool {
    matches!(privilege, "UPDATE" | "DELETE" | "TRUNCATE")
}
