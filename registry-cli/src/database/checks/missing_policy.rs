//! Tables without a policy, or without one for a command that a role of the application may run.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::access::roles::{Actor, USES_OF_ROWS};
use crate::database::catalog::{PolicyRow, Relation};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::{Finding, Remedy};
use crate::database::policies::{COMMANDS, create_policies_anew};
use crate::database::requirements::Requirement;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let secured = context
        .row_secured()
        .filter(|(_, relation)| relation.row_security);
    secured
        .flat_map(|(table, relation)| {
            if !Requirement::Policy.is_met(context, table.registered.access, relation) {
                return vec![no_policy(context, table, relation)];
            }
            let apps = context.app_roles.iter().filter(|app| !app.ignores_policies());
            apps.filter_map(|app| no_policy_for_commands(context, app, table, relation))
                .collect()
        })
        .collect()
}

fn no_policy(context: &Context<'_>, table: &Table<'_>, relation: &Relation) -> Finding {
    let message = format!("table `{}` has row-level security, but no policy", table.name());
    let finding = Finding::of_table(
        DatabaseCheck::MissingPolicy,
        table.name(),
        message,
        create_policies_anew(context, table).unwrap_or_else(|| NO_ROLE.to_string()),
    )
    .fact("without a policy nobody sees a row")
    .fixed_by(Remedy::Requirements);
    if context.is_used(relation, USES_OF_ROWS) {
        finding.fact("if the application is not to use the table, revoke its privileges instead: then it gets an error")
    } else {
        finding
    }
}

const NO_ROLE: &str = "create the roles in `app_roles` first: a policy names the roles that it is for";

/// Nothing is open here: the role gets no rows and no error. So the fix revokes the privilege.
fn no_policy_for_commands(
    context: &Context<'_>,
    app: &Actor<'_>,
    table: &Table<'_>,
    relation: &Relation,
) -> Option<Finding> {
    let policies = context.catalog.policies(relation.oid);
    let denied: Vec<&str> = COMMANDS
        .iter()
        .copied()
        .filter(|(letter, _)| !policies.iter().any(|policy| permits(policy, letter, app)))
        .map(|(_, command)| command)
        .filter(|command| !grantees(context, app, relation, command).is_empty())
        .collect();
    if denied.is_empty() {
        return None;
    }
    let message = format!(
        "no policy of table `{}` lets role `{}` {}",
        table.name(),
        app.role.name,
        denied.join(", ")
    );
    let revokes = denied.iter().flat_map(|command| {
        let holders = grantees(context, app, relation, command).into_iter();
        holders.map(move |grantee| format!("REVOKE {command} ON TABLE {} FROM {grantee};", table.qualified))
    });
    let fix = revokes.collect::<Vec<_>>().join(" ");
    let names = quoted(policies.iter().map(|policy| &policy.name));
    let finding = Finding::of_table(DatabaseCheck::MissingPolicy, table.name(), message, fix).warning();
    Some(finding.object(&app.role.name).fact(format!(
        "it holds the privilege, but the policies {names} are for other commands or roles: it gets no row"
    )))
}

/// The grantees through which the role of the application holds a privilege, as SQL writes them.
fn grantees(
    context: &Context<'_>,
    app: &Actor<'_>,
    relation: &Relation,
    privilege: &str,
) -> BTreeSet<String> {
    let grants = context.catalog.grants(relation.oid).iter();
    let held = grants.filter(|grant| {
        grant.privilege == privilege && grant.grantee != relation.owner && app.reaches(grant.grantee)
    });
    held.map(|grant| context.catalog.grantee(grant.grantee)).collect()
}

/// Only permissive policies let rows through; restrictive ones only filter them.
fn permits(policy: &PolicyRow, letter: &str, app: &Actor<'_>) -> bool {
    policy.permissive && policy.is_for(letter) && app.is_given(policy)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    #[test]
    fn no_policy() {
        assert_eq!(
            found(find, |it| { it.remove_policies("invoices") }),
            ["invoices -"]
        );
    }

    /// The server refuses each statement on it.
    #[test]
    fn no_policy_and_no_privilege() {
        let closed = |it: &mut Database| {
            it.remove_policies("invoices");
            let invoices = it.oid("invoices");
            it.rows.grants.retain(|grant| grant.relation != invoices);
        };
        assert_eq!(found(find, closed), NOTHING);
        // A privilege that it holds after SET ROLE, or on a column.
        for role in ["app", "PUBLIC", "group"] {
            let granted = found(find, |it| {
                closed(it);
                it.add_group("group");
                it.grant("SELECT", "invoices", role).column = Some("id".to_string());
            });
            assert_eq!(granted, ["invoices -"], "{role}");
        }
    }

    /// Grants that are made elsewhere are not known here.
    #[test]
    fn no_policy_and_no_privilege_on_any_table() {
        assert_eq!(
            found(find, |it| {
                it.remove_policies("invoices");
                it.rows.grants.clear();
            }),
            ["invoices -"]
        );
    }

    #[test]
    fn a_policy_of_another_role() {
        assert_eq!(
            found(find, |it| {
                let owner = it.role_oid("owner");
                it.policy("invoices").roles = vec![owner];
            }),
            ["invoices app"]
        );
    }

    #[test]
    fn a_policy_for_some_commands() {
        let found = findings(find, |it| it.policy("invoices").command = "r".to_string());
        assert_eq!(
            found[0].message,
            "no policy of table `invoices` lets role `app` INSERT, UPDATE, DELETE"
        );
    }

    #[test]
    fn restrictive_policies_let_no_row_through() {
        assert_eq!(
            found(find, |it| { it.policy("invoices").permissive = false }),
            ["invoices app"]
        );
    }

    #[test]
    fn a_policy_for_a_group_of_the_application() {
        assert_eq!(
            found(find, |it| {
                let group = it.add_group("writers").oid;
                it.policy("invoices").roles = vec![group];
            }),
            NOTHING
        );
    }

    #[test]
    fn a_command_that_the_application_may_not_run() {
        assert_eq!(
            found(find, |it| {
                it.policy("audit_logs").command = "r".to_string();
                it.rows.grants.retain(|grant| grant.privilege != "INSERT");
            }),
            NOTHING
        );
    }

    #[test]
    fn where_row_level_security_is_off_another_check_reports_it() {
        assert_eq!(
            found(find, |it| {
                it.remove_policies("invoices");
                it.relation("invoices").row_security = false;
            }),
            NOTHING
        );
    }
}
