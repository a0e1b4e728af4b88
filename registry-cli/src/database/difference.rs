//! What a database lacks of what the registry asks for.

use sqlx::Row;

use super::catalog::{Catalog, PUBLIC, Relation};
use super::checks::{Context, append_only};
use super::session::Session;
use super::statements::{POLICY, Qualified, identifier, literal};
use crate::failure::Failure;

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
    Ok(spelt.unwrap_or_default())
}

/// Whether the table has the policy of the registry, for just its roles.
pub fn has_policy(context: &Context<'_>, relation: &Relation, spelling: &str) -> bool {
    let mut policies = context.catalog.policies(relation.oid).iter();
    policies.any(|policy| {
        let is_ours = policy.name == POLICY && policy.command == "*" && policy.permissive;
        let for_roles = policy.roles.len() == context.app_roles.len()
            && context
                .app_roles
                .iter()
                .all(|app| policy.roles.contains(&app.role.oid));
        let expressions = [&policy.using, &policy.check];
        is_ours && for_roles && expressions.iter().all(|text| text.as_deref() == Some(spelling))
    })
}

/// What has to be revoked from the roles of the application and from everybody, grant by grant.
pub fn revokes(context: &Context<'_>, relation: &Relation) -> Vec<String> {
    let is_direct =
        |grantee| grantee == PUBLIC || context.app_roles.iter().any(|app| app.role.oid == grantee);
    let grants = append_only::open_grants(context, relation).into_iter();
    let direct = grants.filter(|grant| is_direct(grant.grantee));
    direct.map(|grant| grant.revoke(context, relation)).collect()
}

pub fn has_trigger(catalog: &Catalog, relation: &Relation) -> bool {
    catalog
        .triggers(relation.oid)
        .iter()
        .any(append_only::refuses_changes)
}
