//! Row-level security: <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

use registry_core::engine::Code;

use super::{Context, Table};
use crate::database::catalog::{PUBLIC, PolicyRow, Relation};
use crate::database::expression::is_always_true;
use crate::database::finding::Finding;
use crate::database::roles::AppRole;
use crate::database::statements::{create_policy, drop_policy, enable_rls, force_rls, identifier};
use crate::text::quoted;

/// The commands that policies are about, by their letter in `pg_policy`.
const COMMANDS: [(&str, &str); 4] = [("r", "SELECT"), ("a", "INSERT"), ("w", "UPDATE"), ("d", "DELETE")];

pub fn rls_disabled(context: &Context<'_>) -> Vec<Finding> {
    let off = context
        .row_secured()
        .filter(|(_, relation)| !relation.row_security);
    off.map(|(table, relation)| {
        let mut fix = enable_rls(&table.qualified);
        // What else is missing is mended with it, and not reported as well.
        if is_force_missing(context, relation) {
            fix = format!("{fix} {}", force_rls(&table.qualified));
        }
        if context.catalog.policies(relation.oid).is_empty() {
            fix = format!("{fix}\n{}", missing_policy_fix(context, table));
        }
        Finding::of_table(
            Code::RlsDisabled,
            table.name(),
            format!("row-level security of table `{}` is off", table.name()),
            fix,
        )
        .fact("`pg_class.relrowsecurity` is false, and so its policies do nothing")
        .fact(format!("tables of kind `{}` have it", table.registered.kind))
    })
    .collect()
}

fn is_force_missing(context: &Context<'_>, relation: &Relation) -> bool {
    context.config.force_rls && !relation.force_row_security
}

pub fn rls_not_forced(context: &Context<'_>) -> Vec<Finding> {
    let secured = context
        .row_secured()
        .filter(|(_, relation)| relation.row_security);
    let not_forced = secured.filter(|(_, relation)| is_force_missing(context, relation));
    not_forced
        .map(|(table, relation)| {
            Finding::of_table(
                Code::RlsNotForced,
                table.name(),
                format!(
                    "row-level security of table `{}` does not hold for its owner",
                    table.name()
                ),
                force_rls(&table.qualified),
            )
            .object(context.catalog.role_name(relation.owner))
            .fact("`pg_class.relforcerowsecurity` is false")
        })
        .collect()
}

pub fn missing_policy(context: &Context<'_>) -> Vec<Finding> {
    let secured = context
        .row_secured()
        .filter(|(_, relation)| relation.row_security);
    secured
        .filter_map(|(table, relation)| missing_policy_of(context, table, relation))
        .collect()
}

fn missing_policy_of(context: &Context<'_>, table: &Table<'_>, relation: &Relation) -> Option<Finding> {
    let policies = context.catalog.policies(relation.oid);
    let finding = |message: String| {
        Finding::of_table(
            Code::MissingPolicy,
            table.name(),
            message,
            missing_policy_fix(context, table),
        )
    };
    if policies.is_empty() {
        let message = format!("table `{}` has row-level security, but no policy", table.name());
        return Some(finding(message).fact("without a policy nobody sees a row"));
    }
    for app in &context.app_roles {
        let denied: Vec<String> = COMMANDS
            .iter()
            .filter(|(letter, command)| {
                may(context, app, relation, command)
                    && !policies.iter().any(|policy| permits(policy, letter, app))
            })
            .map(|(_, command)| (*command).to_string())
            .collect();
        if !denied.is_empty() {
            let message = format!(
                "no policy of table `{}` lets role `{}` {}",
                table.name(),
                app.role.name,
                denied.join(", ")
            );
            let finding = finding(message).object(&app.role.name);
            let names = quoted(policies.iter().map(|policy| &policy.name));
            return Some(finding.fact(format!(
                "it holds the privilege, but the policies {names} are for other commands or roles"
            )));
        }
    }
    None
}

/// Whether a role of the application holds a privilege on the whole table or a column.
fn may(context: &Context<'_>, app: &AppRole<'_>, relation: &Relation, privilege: &str) -> bool {
    let mut grants = context.catalog.grants(relation.oid).iter();
    grants.any(|grant| {
        grant.privilege == privilege && grant.grantee != relation.owner && app.reaches(grant.grantee)
    })
}

/// Only permissive policies let rows through; restrictive ones take some away.
fn permits(policy: &PolicyRow, letter: &str, app: &AppRole<'_>) -> bool {
    let for_command = policy.command == "*" || policy.command == letter;
    policy.permissive && for_command && policy.roles.iter().any(|role| app.reaches(*role))
}

fn missing_policy_fix(context: &Context<'_>, table: &Table<'_>) -> String {
    match &context.config.tenant_policy {
        Some(expression) => format!(
            "{}\n{}",
            drop_policy(&table.qualified),
            create_policy(&table.qualified, &context.app_role_list(), expression)
        ),
        None => format!(
            "CREATE POLICY … ON {} TO {} USING (…) WITH CHECK (…);",
            table.qualified,
            context.app_role_list()
        ),
    }
}

/// The policies of a table, and those of its partitions, which hold when they are addressed directly.
fn policies<'c>(context: &Context<'c>) -> Vec<(String, &'c Relation, &'c PolicyRow)> {
    let mut found = Vec::new();
    for (table, relation) in context.row_secured() {
        for relation in context.family(relation) {
            let policies = context.catalog.policies(relation.oid).iter();
            found.extend(policies.map(|policy| (table.name().to_string(), relation, policy)));
        }
    }
    found
}

/// A restrictive policy of the same commands for everybody still stands before an open one.
fn is_restricted(context: &Context<'_>, relation: &Relation, open: &PolicyRow) -> bool {
    let mut others = context.catalog.policies(relation.oid).iter();
    others.any(|other| {
        let expression = if open.command == "a" {
            other.check.as_ref().or(other.using.as_ref())
        } else {
            other.using.as_ref()
        };
        let covers = other.command == "*" || other.command == open.command;
        let everybody =
            other.roles.contains(&PUBLIC) || open.roles.iter().all(|role| other.roles.contains(role));
        !other.permissive
            && covers
            && everybody
            && expression.is_some_and(|text| !is_always_true(text, &context.tenant_column))
    })
}

pub fn open_policy(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation, policy) in policies(context) {
        let applies = policy
            .roles
            .iter()
            .any(|role| context.app_role_reaching(*role).is_some());
        if !policy.permissive
            || !relation.row_security
            || !applies
            || is_restricted(context, relation, policy)
        {
            continue;
        }
        let parts = [("USING", &policy.using), ("WITH CHECK", &policy.check)];
        let open = parts
            .into_iter()
            .filter_map(|(clause, text)| Some((clause, text.as_deref()?)));
        let mut open = open.filter(|(_, text)| is_always_true(text, &context.tenant_column));
        let Some((clause, text)) = open.next() else {
            continue;
        };
        let what = if clause == "USING" {
            "shows every row"
        } else {
            "lets every row be written"
        };
        let fix = match &context.config.tenant_policy {
            Some(expression) => format!(
                "ALTER POLICY {} ON {} {clause} ({});",
                identifier(&policy.name),
                relation.qualified(),
                expression.trim()
            ),
            None => format!(
                "ALTER POLICY {} ON {} {clause} (…);",
                identifier(&policy.name),
                relation.qualified()
            ),
        };
        let roles = quoted(policy.roles.iter().map(|role| context.catalog.role_name(*role)));
        findings.push(
            Finding::of_table(
                Code::OpenPolicy,
                &table,
                format!("policy `{}` of table `{table}` {what} to {}", policy.name, roles),
                fix,
            )
            .object(&policy.name)
            .fact(format!("its {clause} is `{text}`"))
            .fact("policies are joined by OR: one open policy opens the table"),
        );
    }
    findings
}

pub fn policy_without_check(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation, policy) in policies(context) {
        let writes = matches!(policy.command.as_str(), "*" | "a" | "w");
        if !writes || policy.check.is_some() || !policy.permissive {
            continue;
        }
        let expression = policy.using.as_deref().unwrap_or("…");
        let finding = Finding::of_table(
            Code::PolicyWithoutCheck,
            &table,
            format!(
                "policy `{}` of table `{table}` does not say which rows may be written",
                policy.name
            ),
            format!(
                "ALTER POLICY {} ON {} WITH CHECK ({expression});",
                identifier(&policy.name),
                relation.qualified()
            ),
        )
        .object(&policy.name)
        .fact("`pg_policy.polwithcheck` is null")
        .fact("PostgreSQL takes USING instead: whoever loosens what is seen loosens what is written");
        findings.push(finding.warning());
    }
    findings
}
