//! Checks the database behind a registry: what it lacks, and how to fix that.
//!
//! `Session → Catalog → (with the registry) Context → Finding → report`

mod allowed;
pub mod catalog;
pub mod checks;
pub mod context;
pub mod difference;
pub mod exceptions;
pub mod expression;
pub mod finding;
pub mod grants;
pub mod mention;
pub mod migrations;
mod missing_tenant_column;
mod openings;
mod policies;
pub mod probe;
mod relatives;
pub mod report;
pub mod requirements;
pub mod roles;
pub mod server;
pub mod session;
pub mod statements;
#[cfg(test)]
mod testing;
mod triggers;
mod watchdog;

use table_registry_engine::{Diagnostic, Fault, MAIN_FILE};

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
    faults.extend(tenant_policy_fault(&project));
    if !faults.is_empty() {
        return Ok(report(&project, faults)?.max(Exit::Findings));
    }
    if project.policy.database.app_roles.is_empty() {
        return Err(no_app_role(&project));
    }
    run(&project)
}

/// The fault of an expression that would end the statements into which it is inserted.
fn tenant_policy_fault(project: &Project) -> Option<Diagnostic> {
    let entry = project.policy.database.tenant_policy.as_ref()?;
    let fault = Diagnostic::new(Fault::InvalidValue, "`tenant_policy` is not one SQL expression")
        .at(&entry.source, entry.range.clone(), "")
        .note("it is inserted between the parentheses of `CREATE POLICY … USING (…)`")
        .help("write one condition, such as `org_id = current_setting('app.org_id')`");
    (!expression::is_one_expression(&entry.value)).then_some(fault)
}

/// Without a role of the application, there is nothing to revoke and nothing to check.
fn no_app_role(project: &Project) -> Failure {
    let file = project
        .inputs
        .files
        .main
        .as_ref()
        .map_or(MAIN_FILE, |file| &file.path);
    Failure::new(format!("`{file}` names no role of the application"))
        .note("row-level security and revoked privileges apply to the roles that the application connects as")
        .help("add `[database]` with `app_roles = [\"app\"]`")
}

/// The privileges that nobody may hold on an append-only table. Neither policies nor row-level triggers restrict
/// TRUNCATE.
pub const CHANGES: &[&str] = &["UPDATE", "DELETE", "TRUNCATE"];

pub fn is_change(privilege: &str) -> bool {
    CHANGES.contains(&privilege)
}
