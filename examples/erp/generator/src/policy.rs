//! The policy files.

use crate::{Data, GENERATED, Override};

/// How rows belong to tenants, written by hand.
const TENANCY: &str = include_str!("tenancy.toml");

/// The levels of the lints and the exceptions from them, written by hand.
const LINTS: &str = include_str!("lints.toml");

/// The settings of the database, written by hand.
const DATABASE: &str = include_str!("database.toml");

const EXEMPT_REASON: &str = "EX-SCH-002: worker-only, created by a migration";

/// `table-registry.toml`.
pub(crate) fn overrides(data: &Data) -> String {
    let overrides: String = data.overrides.iter().map(override_line).collect();
    let exempt: String = data.exempt.iter().map(exempt_line).collect();
    format!("# {GENERATED}\n\n{TENANCY}\n[overrides]\n{overrides}\n[exempt]\n{exempt}\n{LINTS}\n{DATABASE}")
}

fn override_line(Override { table, kind }: &Override) -> String {
    format!("{table} = \"{kind}\"\n")
}

fn exempt_line(table: &String) -> String {
    format!("{table} = \"{EXEMPT_REASON}\"\n")
}

/// `revoke.toml`.
pub(crate) fn revoke(data: &Data) -> String {
    let append_only: String = data.append_only.iter().map(item_line).collect();
    format!("# {GENERATED}\n\nupdate_delete = [\n{append_only}]\n")
}

fn item_line(table: &String) -> String {
    format!("    \"{table}\",\n")
}
