//! `verify`: whether a real database obeys the registry.

use std::env;
use std::path::{self, Path};

use crate::cli::Verify;
use crate::commands::sql::no_app_role;
use crate::database::catalog::Catalog;
use crate::database::checks::{self, Context};
use crate::database::migrations;
use crate::database::report as findings;
use crate::database::server::Server;
use crate::database::session::Session;
use crate::failure::Failure;
use crate::project::{self, Project};
use crate::report::{self, Exit};
use crate::workspace::Workspace;

pub fn run(arguments: &Verify) -> Result<Exit, Failure> {
    // Loading a workspace changes the directory.
    let directory = arguments.migrations.as_deref().map(path::absolute).transpose();
    let directory =
        directory.map_err(|error| Failure::new("the directory of the migrations is unknown").note(error))?;
    let project = Project::load_one(&Workspace::load(&arguments.selection)?)?;
    let faults = project::all_faults(std::slice::from_ref(&project));
    if !faults.is_empty() {
        return report::faults(&faults);
    }
    if project.policy.database.app_roles.is_empty() {
        return Err(no_app_role(&project));
    }
    let catalog = match &directory {
        Some(directory) => catalog_of_migrations(&project, directory)?,
        None => Catalog::read(&mut Session::connect(arguments.database_url.as_deref())?)?,
    };
    let context = Context::new(&project, &catalog)?;
    findings::print(&context, &checks::run(&context), arguments.format)
}

/// What the migrations of a directory come to, on a server that is gone afterwards.
fn catalog_of_migrations(project: &Project, directory: &Path) -> Result<Catalog, Failure> {
    let migrations = migrations::find(within_workspace(directory))?;
    let roles = project.policy.database.app_roles.iter();
    let roles: Vec<String> = roles.map(|role| role.name.clone()).collect();
    let server = Server::start()?;
    migrations::apply(&server, &migrations, &roles)?;
    Catalog::read(&mut Session::connect_to(&server, migrations::DATABASE)?)
}

/// Relative to the root of the workspace where it lies there, as every path in a message.
fn within_workspace(directory: &Path) -> &Path {
    let root = env::current_dir().ok();
    root.and_then(|root| directory.strip_prefix(root).ok())
        .unwrap_or(directory)
}
