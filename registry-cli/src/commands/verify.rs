//! `verify`: whether a real database meets the registry's requirements.

use std::path::{self, Path};

use table_registry_engine::{DatabaseCheck, Diagnostic};

use crate::cli::VerifyArguments;
use crate::database::catalog::Catalog;
use crate::database::checks;
use crate::database::context::Context;
use crate::database::data;
use crate::database::exceptions;
use crate::database::finding::Finding;
use crate::database::migrations;
use crate::database::probe::{self, Target};
use crate::database::report as findings;
use crate::database::server::Server;
use crate::database::session::Session;
use crate::database::with_project;
use crate::failure::Failure;
use crate::project::Project;
use crate::report::{self, Exit, counted};

pub fn run(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let unresolved = |error| Failure::new("the directory of the migrations cannot be resolved").note(error);
    let migrations = arguments.migrations.as_deref();
    let directory = migrations.map(path::absolute).transpose().map_err(unresolved)?;
    let report = |project: &Project, faults: Vec<Diagnostic>| {
        let findings: Vec<Finding> = faults.into_iter().map(Finding::of_registry).collect();
        findings::print(project, &findings, &[], arguments)
    };
    with_project(&arguments.selection, report, |project| {
        let Some(directory) = &directory else {
            let mut session = Session::connect(arguments.database_url.as_deref())?;
            return check(project, &mut session, Target::Live, arguments);
        };
        let server = server_of_migrations(project, directory)?;
        let mut session = Session::connect_to(&server, migrations::DATABASE)?;
        check(project, &mut session, Target::Throwaway, arguments)
    })
}

fn check(
    project: &Project,
    session: &mut Session,
    target: Target,
    arguments: &VerifyArguments,
) -> Result<Exit, Failure> {
    let catalog = Catalog::read(session)?;
    let mut context = Context::new(project, &catalog)?;
    // The probe makes rows up, which are not those to compare.
    if arguments.data {
        let compared = data::run(session, &context)?;
        report::status("Compared", counted(compared.keys, "foreign key"));
        context.foreign_rows = compared.foreign_rows;
    }
    if arguments.probe {
        context.probed = probe::run(session, &context, target)?;
        report::status("Probed", context.probed.summary());
    }
    let left_out = left_out(arguments);
    let found = exceptions::apply(&context, checks::run(&context), &left_out);
    let exit = findings::print(project, &found.reported, &found.allowed, arguments)?;
    findings::say_what_is_allowed(&found.allowed);
    findings::say_what_was_verified(&context, &found.reported);
    Ok(exit)
}

/// The checks that need an option which is not given.
fn left_out(arguments: &VerifyArguments) -> Vec<DatabaseCheck> {
    let options = [
        (DatabaseCheck::ProbeAllowed, arguments.probe),
        (DatabaseCheck::ProbeFailed, arguments.probe),
        (DatabaseCheck::ProbeUntried, arguments.probe),
        (DatabaseCheck::ForeignTenantRow, arguments.data),
    ];
    let without = options.into_iter().filter(|(_, is_given)| !is_given);
    without.map(|(check, _)| check).collect()
}

/// A throwaway server with a database to which the migrations of a directory are applied.
pub fn server_of_migrations(project: &Project, directory: &Path) -> Result<Server, Failure> {
    let root = &project.package.root;
    let migrations = migrations::find(root, root.relative(directory))?;
    let settings = &project.policy.database;
    let across_tenants = settings.roles.iter().map(|role| &role.name);
    let named = settings.app_roles.iter().chain(across_tenants);
    let roles: Vec<String> = named.map(|role| role.value.clone()).collect();
    let server = Server::start()?;
    migrations::apply(&server, &migrations, &roles)?;
    Ok(server)
}
