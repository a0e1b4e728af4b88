//! Observes which rows each role reaches with each command, for the access matrix.

use crate::database::access::roles::Actor;
use crate::database::context::Context;
use crate::database::matrix::Matrix;
use crate::database::probe::attempts::{Attempts, Tenant};
use crate::database::probe::live::{Asked, session_tenant};
use crate::database::probe::rows::Rows;
use crate::database::probe::tenants::ProbedTable;
use crate::failure::Failure;
use crate::progress;

/// Tries each command on the made-up rows of each owner alone. Without made-up rows, in a live database, reads the rows
/// that are there, and evaluates policies.
pub fn observe(attempts: &mut Attempts<'_, '_>, rows: Option<&Rows<'_, '_>>) -> Result<Matrix, Failure> {
    let context = attempts.context;
    let tenant = match rows {
        Some(rows) => rows.tenant().to_string(),
        None => session_tenant(attempts)?,
    };
    // A setting that was set once is empty afterwards.
    let sessions = [Tenant::None, Tenant::Empty, Tenant::Is(&tenant)];
    let roles = roles(context);
    let bar = progress::bar(
        "Probing",
        sessions.len() * roles.len() * context.present().count(),
    );
    let mut matrix = Matrix::default();
    for tenant in sessions {
        for app in &roles {
            let Some(role) = context.owner(app.role.oid) else {
                continue;
            };
            for (table, relation) in context.present() {
                matrix.add(&app.role.name, table.name());
                let mut questions = Vec::new();
                for relation in context.family(relation) {
                    let role = &role;
                    questions.extend(match rows {
                        Some(rows) => ProbedTable {
                            context,
                            rows,
                            role,
                            table,
                            relation,
                            tenant,
                        }
                        .questions(),
                        None => Asked {
                            context,
                            role,
                            table,
                            relation,
                            tenant,
                        }
                        .questions(attempts)?,
                    });
                }
                attempts.run_as(app, tenant, |attempts| {
                    for question in &questions {
                        let seen = question.answer(attempts, app)?;
                        matrix.see(
                            &app.role.name,
                            question.table,
                            question.verb,
                            question.scope,
                            seen,
                        );
                    }
                    Ok(())
                })?;
                bar.inc(1);
            }
        }
    }
    Ok(matrix)
}

/// The roles of the application, and those that work across tenants.
fn roles<'c>(context: &Context<'c>) -> Vec<Actor<'c>> {
    let mut names: Vec<&str> = context.settings.checked_roles().collect();
    names.sort_unstable();
    names.dedup();
    let roles = names.into_iter().filter_map(|name| context.catalog.role(name));
    roles.map(|role| Actor::new(context.catalog, role)).collect()
}
