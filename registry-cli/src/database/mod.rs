//! Checks the database behind a registry: what it lacks, and how to fix that.
//!
//! `Session → Catalog → (with the registry) Context → Finding → report`

mod calls;
pub mod catalog;
pub mod checks;
mod column_types;
pub mod context;
pub mod data;
pub mod difference;
pub mod exceptions;
pub mod finding;
mod foreign_rows;
pub mod grants;
pub mod indexes;
mod logic;
pub mod matrix;
pub mod mention;
pub mod migrations;
mod missing_tenant_column;
mod openings;
mod ownership;
pub mod parent_access;
mod policies;
pub mod probe;
mod probed;
mod recursion;
mod references;
pub mod relatives;
mod renames;
pub mod report;
pub mod requirements;
pub mod roles;
pub mod server;
pub mod session;
pub mod statements;
pub mod tenancy;
#[cfg(test)]
mod testing;
mod triggers;
mod watchdog;

use table_registry_engine::{Diagnostic, MAIN_FILE, Tenants};

use crate::cli::Selection;
use crate::failure::Failure;
use crate::project::{self, Project};
use crate::report::Exit;
use crate::workspace::Workspace;

/// Runs a command on the one selected registry. If the registry has faults, reports them instead. Fails if the policy
/// file names no role of the application.
pub fn with_project(
    selection: &Selection,
    report: impl FnOnce(&Project, Vec<Diagnostic>) -> Result<Exit, Failure>,
    run: impl FnOnce(&Project) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let project = Project::load_one(&Workspace::load(selection)?)?;
    let mut faults = project::all_faults(std::slice::from_ref(&project));
    faults.extend(checks::recursive_policy::declared(&project));
    if !faults.is_empty() {
        return Ok(report(&project, faults)?.max(Exit::Findings));
    }
    let is_unknown = matches!(project.policy.tenancy.tenants, Tenants::Unknown);
    if is_unknown && project.registry.row_secured().next().is_some() {
        return Err(no_tenancy(&project));
    }
    if project.policy.database.app_roles.is_empty() {
        return Err(no_app_role(&project));
    }
    run(&project)
}

fn main_file(project: &Project) -> &str {
    let file = project.inputs.files.main.as_ref();
    file.map_or(MAIN_FILE, |file| &file.path)
}

/// Without a tenant, no policy can be made and none can be judged.
fn no_tenancy(project: &Project) -> Failure {
    Failure::new(format!(
        "`{}` does not say how rows belong to tenants",
        main_file(project)
    ))
    .note("the policies of tables with row-level security compare a tenant column with a setting")
    .help("add `[tenancy]` with `column = \"org_id\"` and `setting = \"app.org_id\"`")
    .help("if the database belongs to one tenant: `[tenancy]` with `mode = \"none\"`")
}

/// Without a role of the application, there is nothing to revoke and nothing to check.
fn no_app_role(project: &Project) -> Failure {
    Failure::new(format!(
        "`{}` names no role of the application",
        main_file(project)
    ))
    .note("row-level security and revoked privileges apply to the roles that the application connects as")
    .help("add `[database]` with `app_roles = [\"app\"]`")
}

/// The privileges that nobody may hold on an append-only table. Neither policies nor row-level triggers restrict
/// TRUNCATE.
pub const CHANGES: &[&str] = &["UPDATE", "DELETE", "TRUNCATE"];

/// The privileges that nobody may hold on a read-only table.
pub const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "TRUNCATE"];

pub fn is_change(privilege: &str) -> bool {
    CHANGES.contains(&privilege)
}
