//! Policies that cause infinite recursion, so that the server refuses the statements to which they apply:
//! <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

use table_registry_engine::{Command, DatabaseCheck, Diagnostic, RegisteredTable, Tenancy};

use crate::database::code::mention::Words;
use crate::database::code::recursion::way_back;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::logic::has_sub_select;
use crate::database::policies::{self, policies_of_families};
use crate::database::requirements::statements::qualified;
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
        let place = (table, relation, policy);
        findings.push(
            policies::finding(context, DatabaseCheck::RecursivePolicy, place, message, WAY_OUT)
                .fact(format!("`{}`", names.join("` reads `")))
                .fact(REFUSAL),
        );
    }
    findings
}

/// The declared policies that cause infinite recursion, each at its expression.
pub fn declared(project: &Project) -> Vec<Diagnostic> {
    let mut faults = Vec::new();
    for policy in &project.policy.tenancy.policies {
        let Some(table) = project.registry.table(&policy.table.value) else {
            continue;
        };
        for text in policy.using.iter().chain(&policy.check) {
            let mut way = vec![table];
            let mut read = tables_named(project, &text.value).into_iter();
            if read.any(|read| comes_back(project, read, &mut way)) {
                let names: Vec<&str> = way.iter().map(|table| table.name.as_str()).collect();
                let message = format!("this policy of table `{}` causes infinite recursion", table.name);
                let fault = text.fault(DatabaseCheck::RecursivePolicy, message, "");
                let way = format!("`{}`", names.join("` reads `"));
                faults.push(fault.note(way).note(REFUSAL).help(WAY_OUT));
            }
        }
    }
    faults
}

fn comes_back<'p>(
    project: &'p Project,
    table: &'p RegisteredTable,
    way: &mut Vec<&'p RegisteredTable>,
) -> bool {
    let select = project
        .policy
        .tenancy
        .policies
        .iter()
        .find(|declared| declared.command == Command::Select && declared.table.value == table.name);
    let using = select.and_then(|declared| declared.using.as_ref());
    let read = match &table.tenancy {
        Tenancy::Declared => match using {
            Some(text) if has_sub_select(&text.value) => tables_named(project, &text.value),
            _ => return false,
        },
        Tenancy::Through(parent) => project.registry.table(&parent.table).into_iter().collect(),
        Tenancy::Column { .. } => Vec::new(),
        Tenancy::Global | Tenancy::Unknown => return false,
    };
    let is_back = way.iter().any(|one| one.name == table.name);
    way.push(table);
    if is_back || read.into_iter().any(|read| comes_back(project, read, way)) {
        return true;
    }
    way.pop();
    false
}

/// The registered tables that an expression reads. A name without a schema is taken for one in the default schema.
fn tables_named<'p>(project: &'p Project, text: &str) -> Vec<&'p RegisteredTable> {
    let words = Words::outside_quotes(text);
    let settings = &project.policy.database;
    let is_read = |table: &&RegisteredTable| {
        let name = qualified(settings, &table.name, table.schema.as_deref());
        let mut written = words.qualified_names();
        let is_meant = name.schema == settings.schema
            || written.any(|(schema, table)| schema == name.schema && table == name.name);
        is_meant && words.reads(&name.schema, &name.name)
    };
    project.registry.tables().iter().filter(is_read).collect()
}

#[cfg(test)]
mod tests {
    use super::{declared, find};
    use crate::database::testing::{Database, NOTHING, TENANT, findings, found, project_of};

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
    fn a_circle_through_a_view() {
        let of_view = "(EXISTS ( SELECT FROM public.recent r WHERE (r.id = 1)))";
        let through = |is_invoker: bool| {
            found(find, |it| {
                it.view("recent", "v", "invoices");
                it.relation("recent").security_invoker = is_invoker;
                add(it, "invoices", "r", of_view);
            })
        };
        assert_eq!(through(true), ["invoices reads"]);
        // Policies do not apply to a superuser.
        assert_eq!(through(false), NOTHING);
    }

    #[test]
    fn a_table_whose_policies_permit_nothing_to_the_role() {
        let around = |it: &mut Database| {
            add(it, "invoices", "*", OF_LOGS);
            add(it, "audit_logs", "r", OF_INVOICES);
            it.add_role("worker");
            let worker = it.role("worker").oid;
            it.policy("audit_logs").roles = vec![worker];
        };
        assert_eq!(found(find, around), NOTHING);
    }

    fn declared_faults(schema: &str, policies: &[(&str, &str)]) -> Vec<String> {
        let entries = policies.iter().map(|(table, using)| {
            format!(
                "[[tenancy.policies]]\ntable = \"{table}\"\nfor = \"select\"\nusing = \"{using}\"\nreason = \"x\"\n"
            )
        });
        let tenancy = "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n";
        let project = project_of(schema, &(tenancy.to_string() + &entries.collect::<String>()));
        assert!(project.faults.is_empty(), "{:?}", project.faults);
        declared(&project)
            .into_iter()
            .map(|fault| fault.notes[0].clone())
            .collect()
    }

    #[test]
    fn declared_policies() {
        let schema = "#[table] struct A; #[table] struct B; #[table] struct C;
            #[table(schema = \"other\")] struct D;";
        for (policies, expected) in [
            (
                &[("a", "EXISTS (SELECT FROM a x WHERE x.id = 1)")][..],
                &["`a` reads `a`"][..],
            ),
            (
                &[
                    ("a", "EXISTS (SELECT FROM public.b)"),
                    ("b", "EXISTS (TABLE c) OR EXISTS (SELECT FROM a)"),
                ],
                &["`a` reads `b` reads `a`", "`b` reads `a` reads `b`"],
            ),
            (&[("a", "EXISTS (SELECT FROM c)")], &[]),
            (&[("a", "EXISTS (SELECT FROM other.a)")], &[]),
            (&[("other.d", "EXISTS (SELECT FROM d)")], &[]),
            (
                &[("other.d", "EXISTS (SELECT FROM other.d)")],
                &["`other.d` reads `other.d`"],
            ),
            (
                &[("a", "x = (SELECT 1) AND trim(leading '0' FROM a.code) = 'x'")],
                &[],
            ),
            (&[("a", "x = (SELECT 1) AND trim(FROM a.code) = 'x'")], &[]),
            (
                &[("a", "x = (SELECT 1) AND substring(a.code FROM a.code) = 'x'")],
                &[],
            ),
            (&[("a", "EXISTS (WITH a(x) AS (SELECT 1) SELECT FROM a)")], &[]),
            (
                &[(
                    "a",
                    "EXISTS (SELECT FROM c JOIN b ON ARRAY[b.id] = ARRAY[1, a.id])",
                )],
                &[],
            ),
        ] {
            assert_eq!(declared_faults(schema, policies), expected, "{policies:?}");
        }
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
