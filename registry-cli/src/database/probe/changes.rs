//! Attempts to change rows of append-only tables.

use crate::database::catalog::Relation;
use crate::database::context::Context;
use crate::database::probe::attempts::{Attempts, Counted, Tenant, Try};
use crate::database::probe::probed::{Action, Effect};
use crate::database::requirements::statements::{identifier, literal};
use crate::failure::Failure;

/// Tries every change. None changes a row, except TRUNCATE, which has no condition.
pub fn try_all(attempts: &mut Attempts<'_, '_>) -> Result<(), Failure> {
    for_each(attempts, |change| (change.statement, Counted::Success))
}

/// Asks for the plan of each change, for which the server checks the privileges. A plan changes nothing.
pub fn ask_all(attempts: &mut Attempts<'_, '_>) -> Result<(), Failure> {
    for_each(attempts, |change| (change.question, change.counted))
}

fn for_each(
    attempts: &mut Attempts<'_, '_>,
    statement: impl Fn(Change) -> (String, Counted),
) -> Result<(), Failure> {
    let context = attempts.context;
    for app in &context.app_roles {
        attempts.run_as(app, Tenant::None, |attempts| {
            for (table, relation) in context.append_only() {
                for relation in context.family(relation) {
                    for change in changes(context, relation) {
                        let action = Action {
                            command: change.name.clone(),
                            circumstance: "",
                        };
                        let (statement, counted) = statement(change);
                        let tried = Try {
                            table,
                            action,
                            before: String::new(),
                            statement,
                            after: String::new(),
                            effect: Effect::Change,
                            counted,
                            is_permitted: false,
                        };
                        attempts.attempt(app, &tried)?;
                    }
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}

struct Change {
    name: String,
    statement: String,
    /// A statement by which the server says whether the role may run the change, and that changes nothing.
    question: String,
    /// What says so.
    counted: Counted,
}

/// The changes to attempt. TRUNCATE has CASCADE, because a foreign key could refuse it although the privileges allow
/// it. UPDATE sets a column to DEFAULT, which is possible even for a generated column.
fn changes(context: &Context<'_>, relation: &Relation) -> Vec<Change> {
    let table = relation.qualified();
    let rules = || context.catalog.rules(relation.oid).iter();
    // An INSTEAD rule replaces the statement, so an attempt would succeed without doing anything.
    let is_replaced = |event: &str| rules().any(|rule| rule.instead_of.as_deref() == Some(event));
    let all = context.catalog.columns(relation.oid).iter();
    // If there is a grant on a column, each column is attempted.
    let grants = context.catalog.grants(relation.oid);
    let by_column = grants.iter().any(|grant| grant.column.is_some());
    let shown = if by_column { usize::MAX } else { 1 };
    let columns = all.filter(|_| !is_replaced("2")).take(shown);
    let updates = columns.map(|column| {
        let statement = format!(
            "UPDATE {table} SET {} = DEFAULT WHERE false",
            identifier(&column.name)
        );
        Change {
            name: format!("UPDATE of `{}`", column.name),
            question: format!("EXPLAIN {statement}"),
            counted: Counted::Success,
            statement,
        }
    });
    let delete = format!("DELETE FROM {table} WHERE false");
    let delete = (!is_replaced("4")).then(|| Change {
        name: "DELETE".to_string(),
        question: format!("EXPLAIN {delete}"),
        counted: Counted::Success,
        statement: delete,
    });
    let truncate = Change {
        name: "TRUNCATE".to_string(),
        statement: format!("TRUNCATE {table} CASCADE"),
        question: format!(
            "SELECT WHERE has_table_privilege({}, 'TRUNCATE')",
            literal(&table.to_string())
        ),
        counted: Counted::Rows,
    };
    updates.chain(delete).chain([truncate]).collect()
}
