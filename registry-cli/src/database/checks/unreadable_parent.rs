//! Parents whose rows a role of the application may not read, although the policies of their children do.

use std::collections::BTreeMap;

use table_registry_engine::DatabaseCheck;

use crate::database::access::parent_access::{blind_roles, parents_read};
use crate::database::access::roles::Actor;
use crate::database::catalog::Relation;
use crate::database::code::mention::Words;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::{Qualified, grant_select, identifier};
use crate::text::quoted;

/// What one role may not read: the columns of a parent, and the tables whose policies read them.
#[derive(Default)]
struct Unreadable<'x> {
    columns: Vec<String>,
    children: Vec<&'x str>,
}

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut all: BTreeMap<(Qualified, &str), Unreadable<'_>> = BTreeMap::new();
    for (table, relation) in context.row_secured() {
        for parent in parents_read(context.project, table.registered) {
            let Some(above) = context.catalog.table(&parent.name) else {
                continue;
            };
            for app in blind_roles(context, relation, above, &parent.columns) {
                if reads(context, app, relation, &parent.name) {
                    let entry = all
                        .entry((parent.name.clone(), app.role.name.as_str()))
                        .or_default();
                    entry.add(table, &parent.columns);
                }
            }
        }
    }
    let findings = all.into_iter();
    findings
        .map(|((parent, role), unreadable)| finding(&parent, role, &unreadable))
        .collect()
}

impl<'x> Unreadable<'x> {
    fn add(&mut self, table: &'x Table<'_>, columns: &[String]) {
        self.columns.extend(columns.iter().cloned());
        self.columns.sort();
        self.columns.dedup();
        self.children.push(table.name());
    }
}

/// Whether a policy that applies to a role reads another table.
fn reads(context: &Context<'_>, app: &Actor<'_>, relation: &Relation, other: &Qualified) -> bool {
    let policies = context.catalog.policies(relation.oid).iter();
    let mut applied = policies.filter(|policy| app.is_given(policy));
    applied.any(|policy| {
        let mut texts = policy.using.iter().chain(&policy.check);
        texts.any(|text| Words::outside_quotes(text).reads(&other.schema, &other.name))
    })
}

fn finding(parent: &Qualified, role: &str, unreadable: &Unreadable<'_>) -> Finding {
    let message = format!(
        "role `{role}` may not read {} of table `{}`, which the policies of {} read",
        quoted(&unreadable.columns),
        parent.name,
        quoted(&unreadable.children)
    );
    let fix = grant_select(parent, &unreadable.columns, &identifier(role));
    Finding::of_table(
        DatabaseCheck::UnreadableParent,
        unreadable.children[0],
        message,
        fix,
    )
    .about(&unreadable.children)
    .object(role)
    .fact("policies read other tables with the privileges of the role that runs the statement, which fails with \"permission denied\"")
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    const POLICY: &str = "(EXISTS ( SELECT\n   FROM public.audit_logs\n  WHERE ((audit_logs.id = entries.log) AND (audit_logs.org_id = 'a'::text))))";

    /// Children of `audit_logs`, which the application may not read.
    fn children(it: &mut Database) {
        it.schema = "#[table(tenant = through(log -> audit_logs))] pub struct Entries { pub log: i64 }
            #[table(tenant = through((log, why) -> audit_logs(id, reason)))] pub struct Notes { pub log: i64, pub why: String }"
            .to_string();
        it.table("entries", &[("log", "int8")]);
        it.table("notes", &[("log", "int8"), ("why", "text")]);
        for table in ["entries", "notes"] {
            it.secure(table);
            it.add_policy(table, "tenant_isolation", "app", POLICY);
            it.grant("INSERT", table, "app");
        }
        let logs = it.oid("audit_logs");
        it.rows
            .grants
            .retain(|grant| grant.relation != logs || grant.privilege != "SELECT");
    }

    #[test]
    fn a_parent_that_nobody_may_read() {
        let found = findings(find, children);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].subjects, ["entries", "notes"]);
        assert_eq!(
            found[0].message,
            "role `app` may not read `id`, `org_id` and `reason` of table `audit_logs`, which the policies of `entries` and \
             `notes` read"
        );
        assert_eq!(
            found[0].fix,
            "GRANT SELECT (\"id\", \"org_id\", \"reason\") ON TABLE \"public\".\"audit_logs\" TO \"app\";"
        );
    }

    #[test]
    fn a_parent_of_which_some_columns_are_readable() {
        let readable = |columns: &'static [&'static str]| {
            found(find, move |it| {
                children(it);
                for column in columns {
                    it.grant("SELECT", "audit_logs", "app").column = Some((*column).to_string());
                }
            })
        };
        assert_eq!(readable(&["id"]), ["entries app"]);
        assert_eq!(readable(&["id", "org_id"]), ["notes app"]);
        assert_eq!(readable(&["id", "org_id", "reason"]), NOTHING);
    }

    #[test]
    fn policies_that_do_not_read_the_parent() {
        let found = found(find, |it| {
            children(it);
            for policy in &mut it.rows.policies {
                policy.using = Some("public.is_mine(log)".to_string());
                policy.check = None;
            }
        });
        assert_eq!(found, NOTHING);
    }

    #[test]
    fn a_child_that_the_application_does_not_use() {
        let found = found(find, |it| {
            children(it);
            it.rows.grants.retain(|grant| grant.privilege != "INSERT");
        });
        assert_eq!(found, NOTHING);
    }
}
