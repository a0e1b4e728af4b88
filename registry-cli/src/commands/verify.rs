//! `verify`: whether a real database meets the registry's requirements.

use table_registry_engine::{DatabaseCheck, Diagnostic};

use crate::cli::VerifyArguments;
use crate::database::catalog::Catalog;
use crate::database::checks;
use crate::database::columns::column_types;
use crate::database::context::Context;
use crate::database::findings::databases;
use crate::database::findings::exceptions::{self, Allowance};
use crate::database::findings::finding::Finding;
use crate::database::findings::report as findings;
use crate::database::migrations::apply::Applied;
use crate::database::migrations::throwaway::Throwaway;
use crate::database::probe::{self, Target};
use crate::database::rows::data;
use crate::database::server::session::{Address, Session};
use crate::database::with_projects;
use crate::failure::Failure;
use crate::project::Project;
use crate::report::{self, Exit, counted};

pub fn run(arguments: &VerifyArguments) -> Result<Exit, Failure> {
    if arguments.data && arguments.server.migrations.is_some() {
        return Err(Failure::new("`--data` compares the rows of an existing database")
            .note("the server that `--migrations` starts has no rows but those that the migrations insert")
            .help(
                "leave `--data` out, or name the database with `--database-url` in place of `--migrations`",
            ));
    }
    let report = |project: &Project, faults: Vec<Diagnostic>| {
        let findings: Vec<Finding> = faults.into_iter().map(Finding::of_registry).collect();
        findings::print(project, &findings, &[], None, arguments)
    };
    with_projects(&arguments.selection, report, |project| {
        if let Some(mut throwaway) = Throwaway::of_arguments(project, &arguments.server)? {
            let Throwaway { session, applied, .. } = &mut throwaway;
            let sessions = std::slice::from_mut(session);
            return check(project, sessions, Target::Throwaway, Some(applied), arguments);
        }
        let mut sessions = Session::connect_all(&arguments.database_url)?;
        check(project, &mut sessions, Target::Live, None, arguments)
    })
}

fn check(
    project: &Project,
    sessions: &mut [Session],
    target: Target,
    applied: Option<&Applied>,
    arguments: &VerifyArguments,
) -> Result<Exit, Failure> {
    let catalogs: Vec<Catalog> = sessions.iter_mut().map(Catalog::read).collect::<Result<_, _>>()?;
    let contexts = catalogs.iter().map(|catalog| Context::new(project, catalog));
    let mut contexts: Vec<Context<'_>> = contexts.collect::<Result<_, _>>()?;
    for (session, context) in sessions.iter_mut().zip(&mut contexts) {
        context.blind = applied.map_or_else(Vec::new, |applied| applied.blind.clone());
        context.is_throwaway |= target == Target::Throwaway;
        observe(session, context, target, arguments)?;
    }
    let left_out = left_out(arguments);
    let addresses: Vec<Address> = sessions.iter().map(|session| session.address.clone()).collect();
    let (mut found, mut allowed) = (Vec::new(), Vec::new());
    for (name, context) in databases::names(&addresses).into_iter().zip(&contexts) {
        let judged = exceptions::apply(context, checks::run(context), &left_out);
        found.push((name, judged.reported));
        for allowance in judged.allowed {
            if !allowed
                .iter()
                .any(|known: &Allowance<'_>| known.repeats(&allowance))
            {
                allowed.push(allowance);
            }
        }
    }
    let reported = databases::united(found);
    let exit = findings::print(project, &reported, &allowed, applied, arguments)?;
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
