//! Policies that cause infinite recursion, so that the server refuses the statements to which they apply:
//! <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

use table_registry_engine::{Command, DatabaseCheck, Diagnostic};

use crate::database::context::Context;
use crate::database::finding::Finding;
use crate::database::logic::has_sub_select;
use crate::database::mention::Words;
use crate::database::policies::policies_of_families;
use crate::database::recursion::way_back;
use crate::database::statements::qualified;
use crate::project::Project;

const REFUSAL: &str = "the server refuses the statements to which the policy applies: `infinite recursion detected in policy for relation`";
const WAY_OUT: &str = "call a SECURITY DEFINER function that reads the table and is owned by a role to which its policies do not apply, or compare only columns of the row";

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation, policy) in policies_of_families(context) {
        let mut apps = context.app_roles.iter().filter(|app| app.is_given(policy));
        let Some(way) = apps.find_map(|app| way_back(context, app, relation, policy)) else {
            continue;
        };
        let message = format!(
            "policy `{}` of table `{}` causes infinite recursion",
            policy.name,
            table.name()
        );
        let names: Vec<&str> = way.iter().map(|relation| relation.name.as_str()).collect();
        findings.push(
            Finding::of_table(DatabaseCheck::RecursivePolicy, table.name(), message, WAY_OUT)
                .object(&policy.name)
                .fact(format!("`{}`", names.join("` reads `")))
                .fact(REFUSAL),
        );
    }
    findings
}

/// The declared policies that read their own table, each at its expression.
pub fn declared(project: &Project) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    let declared = &project.policy.tenancy.policies;
    for policy in declared {
        let mut reading = declared
            .iter()
            .filter(|other| other.command == Command::Select && other.table.value == policy.table.value);
        if !reading.any(|other| {
            other
                .using
                .as_ref()
                .is_some_and(|text| has_sub_select(&text.value))
        }) {
            continue;
        }
        let Some(table) = project.registry.table(&policy.table.value) else {
            continue;
        };
        let name = qualified(&project.policy.database, &table.name, table.schema.as_deref());
        for text in policy.using.iter().chain(&policy.check) {
            if Words::outside_quotes(&text.value).reads(&name.schema, &name.name) {
                let message = format!("this policy reads its own table `{}`", table.name);
                let fault = text.fault(DatabaseCheck::RecursivePolicy, message, "");
                faults.push(fault.note(REFUSAL).help(WAY_OUT));
            }
        }
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, TENANT, findings, found};

    const OF_INVOICES: &str = "(EXISTS ( SELECT FROM public.invoices WHERE (invoices.id = 1)))";
    const OF_LOGS: &str = "(EXISTS ( SELECT FROM public.audit_logs l WHERE (l.id = 1)))";

    /// Adds a restrictive policy, so that the table's own one decides nothing else.
    fn add(it: &mut Database, table: &str, command: &str, expression: &str) {
        let policy = it.add_policy(table, "reads", "app", expression);
        policy.command = command.to_string();
        policy.permissive = false;
    }

    #[test]
    fn a_policy_that_reads_its_own_table() {
        let own = findings(find, |it| add(it, "invoices", "r", OF_INVOICES));
        assert_eq!(own.len(), 1);
        assert_eq!(own[0].facts[0], "`invoices` reads `invoices`");
    }

    #[test]
    fn two_policies_that_read_each_other() {
        let around = |it: &mut Database| {
            add(it, "invoices", "*", OF_LOGS);
            add(it, "audit_logs", "r", OF_INVOICES);
        };
        assert_eq!(found(find, around), ["audit_logs reads", "invoices reads"]);
    }

    #[test]
    fn recursion_needs_a_sub_select_in_a_select_policy() {
        let written = |it: &mut Database| add(it, "invoices", "a", OF_INVOICES);
        assert_eq!(found(find, written), ["invoices reads"]);
        assert!(TENANT.contains("SELECT"), "the setting is read in a sub-select");
        let without = |it: &mut Database| {
            written(it);
            it.policy("invoices").using = Some("(org_id = 'SELECT'::text)".to_string());
        };
        assert_eq!(found(find, without), NOTHING);
        let parent = |it: &mut Database| add(it, "invoices", "*", OF_LOGS);
        assert_eq!(found(find, parent), NOTHING);
    }

    #[test]
    fn without_row_security_no_policy_is_applied() {
        let off = |it: &mut Database| {
            add(it, "invoices", "r", OF_INVOICES);
            it.relation("invoices").row_security = false;
        };
        assert_eq!(found(find, off), NOTHING);
    }
}
