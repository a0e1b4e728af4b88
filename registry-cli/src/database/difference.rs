//! The policy that a table has, compared with the one that the registry asks for.

use sqlx::Row;

use super::catalog::{PolicyRow, Relation};
use super::context::Context;
use super::session::Session;
use super::statements::{POLICY, Qualified, identifier, literal};
use crate::failure::Failure;
use crate::text::quoted;

/// How the server spells an expression that is the policy of a table. Only it knows: a policy is made
/// on a temporary copy, which is gone before anybody sees it.
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
    spelt.ok_or_else(|| Failure::new(format!("the server does not spell the policy of table {table}")))
}

/// How a table's policy compares with the registry's.
pub enum OwnPolicy {
    Same,
    /// There is none, or another one under its name.
    Lacking,
    /// There is none of its name, but others, which are named here, let rows through.
    Others(String),
}

/// Compares a table's policies with that of the registry, which is for the roles of the application alone.
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
