//! Checks the database behind a registry: what it lacks, and how to fix that.
//!
//! `Session → Catalog → (with the registry) Context → Finding → report`

pub mod access;
pub mod catalog;
pub mod checks;
pub mod code;
pub mod columns;
mod computed;
pub mod context;
pub mod findings;
mod logic;
pub mod matrix;
pub mod migrations;
mod policies;
pub mod probe;
pub mod requirements;
pub mod rows;
pub mod server;
#[cfg(test)]
pub mod testing;
mod union;

use table_registry_engine::{Diagnostic, Tenants};

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
    let faults = faults_of(std::slice::from_ref(&project));
    if !faults.is_empty() {
        return Ok(report(&project, faults)?.max(Exit::Findings));
    }
    require_tenancy(&project)?;
    require_app_role(&project)?;
    run(&project)
}

/// Like [`with_project`], but runs it on the selected registries as one: those of crates that share a database.
pub fn with_projects(
    selection: &Selection,
    report: impl FnOnce(&Project, Vec<Diagnostic>) -> Result<Exit, Failure>,
    run: impl FnOnce(&Project) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let projects = Project::load_databases(&Workspace::load(selection)?)?;
    let faults = faults_of(&projects);
    if let Some(first) = projects.first()
        && !faults.is_empty()
    {
        return Ok(report(first, faults)?.max(Exit::Findings));
    }
    projects.iter().try_for_each(require_tenancy)?;
    let Some(whole) = union::of(projects)? else {
        return Ok(Exit::Fine);
    };
    require_app_role(&whole)?;
    run(&whole)
}

fn faults_of(projects: &[Project]) -> Vec<Diagnostic> {
    let mut faults = project::all_faults(projects);
    faults.extend(projects.iter().flat_map(checks::recursive_policy::declared));
    faults
}

fn require_tenancy(project: &Project) -> Result<(), Failure> {
    let is_unknown = matches!(project.policy.tenancy.tenants, Tenants::Unknown);
    if is_unknown && project.registry.row_secured().next().is_some() {
        return Err(no_tenancy(project));
    }
    Ok(())
}

fn require_app_role(project: &Project) -> Result<(), Failure> {
    if project.policy.database.app_roles.is_empty() {
        return Err(no_app_role(project));
    }
    Ok(())
}

/// Without a tenant, no policy can be made and none can be judged.
fn no_tenancy(project: &Project) -> Failure {
    Failure::new(format!(
        "`{}` does not say how rows belong to tenants",
        project.main_file()
    ))
    .note("the policies of tables with row-level security compare a tenant column with a setting")
    .help("add `[tenancy]` with `column = \"org_id\"` and `setting = \"app.org_id\"`")
    .help("if the database belongs to one tenant: `[tenancy]` with `mode = \"none\"`")
}

/// Without a role of the application, there is nothing to revoke and nothing to check.
fn no_app_role(project: &Project) -> Failure {
    Failure::new(format!(
        "`{}` names no role of the application",
        project.main_file()
    ))
    .note("row-level security and revoked privileges apply to the roles that the application connects as")
    .help("add `[database]` with `app_roles = [\"app\"]`")
}

/// The privileges that nobody may hold on an append-only table. Neither policies nor row-level triggers restrict
/// TRUNCATE.
pub const CHANGES: &[&str] = &["UPDATE", "DELETE", "TRUNCATE"];

/// The privileges that nobody may hold on a read-only table.
pub const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "TRUNCATE"];
