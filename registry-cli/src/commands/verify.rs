//! `verify`: whether a real database meets the registry's requirements.

use table_registry_engine::{DatabaseCheck, Diagnostic};

use crate::cli::VerifyArguments;
use crate::database::blind::BlindStatement;
use crate::database::catalog::Catalog;
use crate::database::checks;
use crate::database::context::Context;
use crate::database::data;
use crate::database::exceptions;
use crate::database::finding::Finding;
use crate::database::probe::{self, Target};
use crate::database::report as findings;
use crate::database::session::Session;
use crate::database::throwaway::Throwaway;
use crate::database::with_project;
use crate::failure::Failure;
use crate::project::Project;
use crate::report::{self, Exit, counted};

pub fn run(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let report = |project: &Project, faults: Vec<Diagnostic>| {
        let findings: Vec<Finding> = faults.into_iter().map(Finding::of_registry).collect();
        findings::print(project, &findings, &[], arguments.format)
    };
    with_project(
        &arguments.selection,
        report,
        |project| match Throwaway::of_arguments(project, &arguments.server)? {
            Some(mut throwaway) => {
                let blind = throwaway.blind;
                check(
                    project,
                    &mut throwaway.session,
                    Target::Throwaway,
                    blind,
                    arguments,
                )
            }
            None => {
                let mut session = Session::connect(arguments.database_url.as_deref())?;
                check(project, &mut session, Target::Live, Vec::new(), arguments)
            }
        },
    )
}

fn check(
    project: &Project,
    session: &mut Session,
    target: Target,
    blind: Vec<BlindStatement>,
    arguments: &VerifyArguments,
) -> Result<Exit, Failure> {
    let catalog = Catalog::read(session)?;
    let mut context = Context::new(project, &catalog)?;
    context.blind = blind;
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
    let exit = findings::print(project, &found.reported, &found.allowed, arguments.format)?;
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
        (
            DatabaseCheck::BlindMigration,
            arguments.server.migrations.is_some(),
        ),
    ];
    let without = options.into_iter().filter(|(_, is_given)| !is_given);
    without.map(|(check, _)| check).collect()
}
