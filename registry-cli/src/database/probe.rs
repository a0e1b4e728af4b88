//! What the server really lets the roles of the application do, in transactions that are rolled back.
//!
//! The catalogs say why something is possible; an attempt says whether it is. Each attempt is a
//! savepoint of its own and changes no row, but for TRUNCATE, which knows no condition.

use registry_core::engine::Code;

use super::catalog::Relation;
use super::checks::{Context, Table};
use super::finding::Finding;
use super::roles::AppRole;
use super::session::{Attempt, Session};
use super::statements::identifier;
use crate::failure::Failure;

const BEGIN: &str = "BEGIN; SET LOCAL lock_timeout = '2s'; SET LOCAL statement_timeout = '10s'";

/// What was tried.
#[derive(Debug, Default)]
pub struct Outcome {
    pub attempts: usize,
    pub allowed: usize,
}

/// Tries everything, and adds what was allowed to the finding that says why, or as a finding.
pub fn run(
    session: &mut Session,
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    for app in &context.app_roles {
        session.execute("the start of a probe", BEGIN)?;
        set_role(session, app)?;
        for (table, relation) in context.append_only() {
            for action in actions(context, relation) {
                outcome.attempts += 1;
                if session.attempt(&action.statement)?.is_done() {
                    outcome.allowed += 1;
                    record(context, findings, table, app, &action.name);
                }
            }
        }
        for (table, relation) in context.row_secured() {
            outcome.attempts += 1;
            let read = format!("SELECT FROM {} LIMIT 1", relation.qualified());
            if matches!(session.attempt(&read)?, Attempt::Done(rows) if rows > 0) {
                outcome.allowed += 1;
                record(context, findings, table, app, "SELECT without a tenant");
            }
        }
        session.execute("the end of a probe", "ROLLBACK")?;
    }
    Ok(outcome)
}

fn set_role(session: &mut Session, app: &AppRole<'_>) -> Result<(), Failure> {
    let name = &app.role.name;
    match session.attempt(&format!("SET LOCAL ROLE {}", identifier(name)))? {
        Attempt::Done(_) => session.execute("a probe", &format!("SET LOCAL ROLE {}", identifier(name))),
        Attempt::Refused(message) => Err(Failure::new(format!("a probe as role `{name}` is not possible"))
            .note(message)
            .help("connect as a superuser, or as a member of the role")),
    }
}

struct Action {
    name: String,
    statement: String,
}

/// DEFAULT can be set in every column, also in those that are generated.
fn actions(context: &Context<'_>, relation: &Relation) -> Vec<Action> {
    let table = relation.qualified();
    let columns = context.catalog.columns(relation.oid).iter();
    let updates = columns.map(|column| Action {
        name: format!("UPDATE of `{}`", column.name),
        statement: format!(
            "UPDATE {table} SET {} = DEFAULT WHERE false",
            identifier(&column.name)
        ),
    });
    let others = [
        ("DELETE", format!("DELETE FROM {table} WHERE false")),
        ("TRUNCATE", format!("TRUNCATE {table}")),
    ];
    let others = others.map(|(name, statement)| Action {
        name: name.to_string(),
        statement,
    });
    updates.chain(others).collect()
}

/// An exception that lets the catalogs say so lets the server do so.
fn record(
    context: &Context<'_>,
    findings: &mut Vec<Finding>,
    table: &Table<'_>,
    app: &AppRole<'_>,
    action: &str,
) {
    let fact = format!("probe: the server let `{}` do {action}", app.role.name);
    let mut reasons = findings.iter_mut();
    let reason = reasons.find(|finding| {
        finding.code != Code::ProbeAllowed
            && (finding.subject == table.name() || finding.subject == app.role.name)
    });
    if let Some(reason) = reason {
        reason.facts.push(fact);
        return;
    }
    let known = context.config.exceptions.iter();
    let is_allowed = known
        .filter(|entry| entry.name == table.name() || entry.name == app.role.name)
        .count()
        > 0;
    if !is_allowed {
        let message = format!(
            "the server let role `{}` do {action} on table `{}`",
            app.role.name,
            table.name()
        );
        let fix = "find out why: the catalogs do not say so; then take the privilege away";
        findings
            .push(Finding::of_table(Code::ProbeAllowed, table.name(), message, fix).object(&app.role.name));
    }
}
