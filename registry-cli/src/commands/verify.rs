//! `verify`: whether a real database meets the registry's requirements.

use table_registry_engine::{DatabaseCheck, Diagnostic};

use crate::cli::VerifyArguments;
use crate::database::catalog::Catalog;
use crate::database::checks;
use crate::database::column_types;
use crate::database::context::Context;
use crate::database::data;
use crate::database::databases;
use crate::database::exceptions::{self, Allowance};
use crate::database::finding::Finding;
use crate::database::migrations::blind::BlindStatement;
use crate::database::probe::{self, Target};
use crate::database::report as findings;
use crate::database::session::{Address, Session};
use crate::database::throwaway::Throwaway;
use crate::database::with_projects;
use crate::failure::Failure;
use crate::project::Project;
use crate::report::{self, Exit, counted};

pub fn run(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    let report = |project: &Project, faults: Vec<Diagnostic>| {
        let findings: Vec<Finding> = faults.into_iter().map(Finding::of_registry).collect();
        findings::print(project, &findings, &[], arguments)
    };
    with_projects(&arguments.selection, report, |project| {
        if let Some(mut throwaway) = Throwaway::of_arguments(project, &arguments.server)? {
            let blind = std::mem::take(&mut throwaway.blind);
            let sessions = std::slice::from_mut(&mut throwaway.session);
            return check(project, sessions, Target::Throwaway, &blind, arguments);
        }
        let mut sessions = connected(&arguments.database_url)?;
        check(project, &mut sessions, Target::Live, &[], arguments)
    })
}

/// A session in each of the named databases, or else in the one that the environment names.
fn connected(urls: &[String]) -> Result<Vec<Session>, Failure> {
    if urls.is_empty() {
        return Ok(vec![Session::connect(None)?]);
    }
    urls.iter().map(|url| Session::connect(Some(url))).collect()
}

fn check(
    project: &Project,
    sessions: &mut [Session],
    target: Target,
    blind: &[BlindStatement],
    arguments: &VerifyArguments,
) -> Result<Exit, Failure> {
    let catalogs: Vec<Catalog> = sessions.iter_mut().map(Catalog::read).collect::<Result<_, _>>()?;
    let contexts = catalogs.iter().map(|catalog| Context::new(project, catalog));
    let mut contexts: Vec<Context<'_>> = contexts.collect::<Result<_, _>>()?;
    for (session, context) in sessions.iter_mut().zip(&mut contexts) {
        context.blind = blind.to_vec();
        context.is_throwaway |= target == Target::Throwaway;
        observe(session, context, target, arguments)?;
    }
    let left_out = left_out(arguments);
    let addresses: Vec<Address> = sessions.iter().map(|session| session.address.clone()).collect();
    let (mut found, mut allowed) = (Vec::new(), Vec::new());
    for (name, context) in databases::names(&addresses).into_iter().zip(&contexts) {
        let applied = exceptions::apply(context, checks::run(context), &left_out);
        found.push((name, applied.reported));
        for allowance in applied.allowed {
            if !allowed
                .iter()
                .any(|known: &Allowance<'_>| known.repeats(&allowance))
            {
                allowed.push(allowance);
            }
        }
    }
    let reported = databases::united(found);
    let exit = findings::print(project, &reported, &allowed, arguments)?;
    findings::say_what_is_allowed(&allowed);
    for context in &contexts {
        report::status("Compared", column_types::summary(context));
    }
    findings::say_what_was_verified(&contexts, &reported);
    Ok(exit)
}

/// Asks the database what its catalogs do not say.
fn observe(
    session: &mut Session,
    context: &mut Context<'_>,
    target: Target,
    arguments: &VerifyArguments,
) -> Result<(), Failure> {
    // The probe makes rows up, which are not those to compare.
    if arguments.data {
        let compared = data::run(session, context)?;
        report::status("Compared", counted(compared.keys, "foreign key"));
        context.foreign_rows = compared.foreign_rows;
    }
    if arguments.probe {
        context.probed = probe::run(session, context, target)?;
        report::status("Probed", context.probed.summary());
    }
    Ok(())
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
