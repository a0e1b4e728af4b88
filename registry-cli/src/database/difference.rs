//! Compares the policy that a table has with the one that the registry requires.

use sqlx::Row;

use super::catalog::{PolicyRow, Relation};
use super::context::Context;
use super::session::Session;
use super::statements::{POLICY, Qualified, identifier, literal};
use crate::failure::Failure;
use crate::text::quoted;

/// The expression of a table's policy as the server spells it. To find out, the policy is created on a temporary copy
/// of the table in a transaction that is rolled back.
pub fn spelling(session: &mut Session, table: &Qualified, expression: &str) -> Result<String, Failure> {
    let (copy, policy) = (identifier(&table.name), identifier(POLICY));
    let rows = session.rows(
        &format!("`tenant_policy` cannot be a policy of table {table}"),
        &format!(
            "BEGIN;
             CREATE TEMP TABLE {copy} (LIKE {table}) ON COMMIT DROP;
             CREATE POLICY {policy} ON pg_temp.{copy} USING (\n{}\n);
             SET LOCAL search_path = pg_catalog;
             SELECT pg_get_expr(polqual, polrelid) FROM pg_policy WHERE polrelid = {}::regclass;
             ROLLBACK",
            expression.trim(),
            literal(&format!("pg_temp.{copy}"))
        ),
    )?;
    let spelt = rows.first().and_then(|row| row.try_get(0).ok());
    spelt.ok_or_else(|| Failure::new(format!("the server does not return the policy of table {table}")))
}

/// How a table's policy compares with the registry's.
pub enum OwnPolicy {
    Same,
    /// The table has no policy that lets rows through, or a different policy with the registry's name.
    Lacking,
    /// The table has no policy with the registry's name, but the named ones let rows through.
    Others(String),
}

/// Compares a table's policies with the registry's policy, which is only for the roles of the application.
pub fn policy(context: &Context<'_>, relation: &Relation, spelling: &str) -> OwnPolicy {
    let policies = context.catalog.policies(relation.oid);
    if let Some(policy) = policies.iter().find(|policy| policy.name == POLICY) {
        return if is_same(context, policy, spelling) {
            OwnPolicy::Same
        } else {
            OwnPolicy::Lacking
        };
    }
    let mut others = policies.iter().filter(|policy| policy.permissive).peekable();
    if others.peek().is_none() {
        return OwnPolicy::Lacking;
    }
    OwnPolicy::Others(quoted(others.map(|policy| &policy.name)))
}

fn is_same(context: &Context<'_>, policy: &PolicyRow, spelling: &str) -> bool {
    let apps = &context.app_roles;
    let for_roles =
        policy.roles.len() == apps.len() && apps.iter().all(|app| policy.roles.contains(&app.role.oid));
    let expressions = [&policy.using, &policy.check];
    policy.command == "*"
        && policy.permissive
        && for_roles
        && expressions.iter().all(|text| text.as_deref() == Some(spelling))
}
