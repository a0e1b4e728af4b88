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
pub mod statements;
mod watchdog;

use crate::cli::Selection;
use crate::failure::Failure;
use crate::project::{self, Project};
use crate::report::Exit;
use crate::workspace::Workspace;

/// Does something with the one registry that a database is to obey, if that registry has no fault
/// itself and says which roles it is about.
pub fn with_project(
    selection: &Selection,
    run: impl FnOnce(&Project) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let project = Project::load_one(&Workspace::load(selection)?)?;
    let faults = project::all_faults(std::slice::from_ref(&project));
    if !faults.is_empty() {
        return crate::report::faults(&faults);
    }
    if project.policy.database.app_roles.is_empty() {
        return Err(no_app_role(&project));
    }
    run(&project)
}

/// Privileges of nobody can neither be revoked nor checked.
fn no_app_role(project: &Project) -> Failure {
    let file = project
        .files
        .overrides
        .as_ref()
        .map_or("table-registry.toml", |file| &file.path);
    Failure::new(format!("`{file}` names no role of the application"))
        .note(
            "row-level security and revoked privileges are about the roles that the application connects as",
        )
        .help("add `[database]` with `app_roles = [\"app\"]`")
}

/// Whether a privilege is one that an append-only table gives to nobody. TRUNCATE asks neither
/// policies nor triggers of rows.
pub fn is_change(privilege: &str) -> bool {
    matches!(privilege, "UPDATE" | "DELETE" | "TRUNCATE")
}
