//! Policies that let no row through.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{PolicyRow, Relation};
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;
use crate::database::policies::{COMMANDS, Clause, policies_of_families, question};
use crate::database::roles::Actor;
use crate::database::statements::drop_policy;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let found = policies_of_families(context).into_iter();
    let permissive = found.filter(|(_, _, policy)| policy.permissive);
    permissive
        .filter_map(|(table, relation, policy)| {
            let reason = reason(context, relation, policy)?;
            Some(finding(table, relation, policy, reason))
        })
        .collect()
}

/// Why a policy lets no row through.
fn reason(context: &Context<'_>, relation: &Relation, policy: &PolicyRow) -> Option<String> {
    if policy.command == "a" && policy.check.is_none() {
        return Some("it is FOR INSERT and has no WITH CHECK".to_string());
    }
    if policy.using.is_none() && policy.check.is_none() {
        return Some("it has neither USING nor WITH CHECK".to_string());
    }
    let mut apps = context
        .app_roles
        .iter()
        .filter(|app| policy.roles.iter().any(|role| app.reaches(*role)))
        .peekable();
    apps.peek()?;
    let apps: Vec<&Actor<'_>> = apps.collect();
    if apps.iter().all(|app| !app.enters(&relation.schema)) {
        return Some(format!("its roles may not use schema `{}`", relation.schema));
    }
    let lets_through = apps.iter().any(|app| {
        let letters = COMMANDS.iter().map(|(letter, _)| *letter);
        letters.filter(|letter| policy.is_for(letter)).any(|letter| {
            let clause = if letter == "a" {
                Clause::Check
            } else {
                Clause::Using
            };
            let question = question(context, app, relation, policy, clause, letter);
            question.is_some_and(|question| question.may_let_rows_through())
        })
    });
    (!lets_through).then(|| "its expression is never true".to_string())
}

fn finding(table: &Table<'_>, relation: &Relation, policy: &PolicyRow, reason: String) -> Finding {
    let message = format!(
        "policy `{}` of table `{}` lets no row through",
        policy.name,
        table.name()
    );
    let fix = drop_policy(relation.qualified(), &policy.name);
    let texts = Clause::ALL
        .iter()
        .filter(|clause| clause.is_written(policy))
        .map(|clause| {
            let text = clause.of(policy).unwrap_or_default();
            format!("its {} is `{text}`", clause.name())
        });
    let finding = Finding::of_table(DatabaseCheck::DeadPolicy, table.name(), message, fix)
        .object(&policy.name)
        .fact(reason);
    texts.fold(finding, Finding::fact)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, TENANT, findings, found};

    #[test]
    fn an_expression_that_is_never_true() {
        for expression in [
            "false",
            "(1 = 0)",
            "NULL::boolean",
            "((org_id = 'a'::text) AND (org_id IS NULL))",
        ] {
            assert_eq!(
                found(find, |it| {
                    it.add_policy("invoices", "none", "app", expression);
                }),
                ["invoices none"],
                "{expression}"
            );
        }
    }

    #[test]
    fn an_insert_without_a_check() {
        let findings = findings(find, |it| {
            let policy = it.add_policy("invoices", "new", "app", TENANT);
            policy.command = "a".to_string();
            policy.using = None;
            policy.check = None;
        });
        assert_eq!(findings[0].facts, ["it is FOR INSERT and has no WITH CHECK"]);
    }

    #[test]
    fn a_schema_that_nobody_enters() {
        let findings = findings(find, |it| it.rows.schemas[0].users.clear());
        assert_eq!(findings[0].facts[0], "its roles may not use schema `public`");
    }

    #[test]
    fn a_restrictive_policy_is_no_permission() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("invoices", "none", "app", "false").permissive = false;
            }),
            NOTHING
        );
    }

    #[test]
    fn a_policy_of_another_role() {
        assert_eq!(
            found(find, |it| {
                it.add_role("backup");
                it.add_policy("invoices", "none", "backup", "false");
            }),
            NOTHING
        );
    }

    #[test]
    fn what_is_not_known_may_be_true() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("invoices", "own", "app", "is_own(org_id)");
            }),
            NOTHING
        );
    }
}
