//! The registry's policies that the tenancy of their table no longer asks for, and those that are missing beside others.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{PolicyRow, Relation};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::policies;
use crate::database::requirements::statements::{RequiredPolicy, create_policy, drop_policy};
use crate::database::requirements::tenancy::policy_names;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let names = policy_names();
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let policies = context.catalog.policies(relation.oid).iter();
        let ours: Vec<&PolicyRow> = policies.filter(|policy| names.contains(&policy.name)).collect();
        let Ok(required) = context.required_policies(table) else {
            continue;
        };
        let is_required = |own: &&PolicyRow| required.iter().any(|policy| policy.name == own.name);
        let outdated = ours.iter().filter(|own| !is_required(own));
        findings.extend(outdated.map(|own| of_an_earlier_tenancy(context, table, relation, own)));
        let is_there = |policy: &RequiredPolicy| ours.iter().any(|own| own.name == policy.name);
        // `missing_policy` reports a table without any.
        if ours.iter().any(is_required) {
            let missing = required.iter().filter(|policy| !is_there(policy));
            findings.extend(missing.map(|policy| missing_beside_others(context, table, relation, policy)));
        }
    }
    findings
}

fn of_an_earlier_tenancy(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    own: &PolicyRow,
) -> Finding {
    let message = format!(
        "policy `{}` of table `{}` is not one that its tenancy requires",
        own.name,
        table.name()
    );
    let fix = drop_policy(relation.qualified(), &own.name);
    let place = (table, relation, own);
    policies::finding(context, DatabaseCheck::OutdatedPolicy, place, message, fix)
        .fact(format!("its tenancy is `{}`", table.registered.tenancy))
        .fact("policies are joined by OR, so a leftover one still lets its rows through")
}

fn missing_beside_others(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &RequiredPolicy,
) -> Finding {
    let message = format!("table `{}` lacks the policy `{}`", table.name(), policy.name);
    let roles = context.app_role_list();
    let fix = create_policy(relation.qualified(), &roles, policy);
    Finding::of_table(DatabaseCheck::OutdatedPolicy, table.name(), message, fix)
        .object(&policy.name)
        .fact(format!("its tenancy is `{}`", table.registered.tenancy))
        .warning()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, found};

    fn declared(it: &mut Database) {
        it.policy_file.push_str(
            "[[tenancy.policies]]\ntable = \"invoices\"\nfor = \"select\"\nusing = \"total = 1\"\nreason = \"x\"\n",
        );
    }

    #[test]
    fn a_policy_of_an_earlier_tenancy() {
        assert_eq!(found(find, declared), ["invoices tenant_isolation"]);
    }

    #[test]
    fn a_policy_of_a_table_that_became_a_system_table() {
        assert_eq!(
            found(find, |it| {
                it.policy_file.push_str("[overrides]\ninvoices = \"system\"\n");
            }),
            ["invoices tenant_isolation"]
        );
    }

    #[test]
    fn one_of_several_policies_is_missing() {
        assert_eq!(
            found(find, |it| {
                declared(it);
                it.policy_file.push_str(
                    "[[tenancy.policies]]\ntable = \"invoices\"\nfor = \"delete\"\nusing = \"total = 1\"\nreason = \"x\"\n",
                );
                it.policy("invoices").name = "tenant_isolation_select".to_string();
            }),
            ["invoices tenant_isolation_delete"]
        );
    }

    #[test]
    fn policies_of_other_names() {
        assert_eq!(
            found(find, |it| {
                declared(it);
                it.policy("invoices").name = "tenant".to_string();
            }),
            NOTHING
        );
        assert_eq!(found(find, |it| { it.remove_policies("invoices") }), NOTHING);
    }
}
