//! Policies that let no row through.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{PolicyRow, Relation};
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;
use crate::database::policies::{
    self, COMMANDS, Clause, create_policies_anew, policies_of_families, question,
};
use crate::database::roles::Actor;
use crate::database::statements::drop_policy;
use crate::database::tenancy::policy_names;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let found = policies_of_families(context).into_iter();
    let permissive = found.filter(|(_, _, policy)| policy.permissive);
    permissive
        .filter_map(|(table, relation, policy)| {
            let reason = reason(context, relation, policy)?;
            Some(finding(context, table, relation, policy, &reason))
        })
        .collect()
}

/// Why a policy lets no row through.
enum Reason<'c> {
    NoCheck,
    NoExpression,
    NeverTrue,
    /// None of its roles may use the schema.
    Schema(&'c str),
}

impl Reason<'_> {
    fn fact(&self) -> String {
        match self {
            Self::NoCheck => "it is FOR INSERT and has no WITH CHECK".to_string(),
            Self::NoExpression => "it has neither USING nor WITH CHECK".to_string(),
            Self::NeverTrue => "its expression is never true".to_string(),
            Self::Schema(schema) => format!("none of its application roles may use schema `{schema}`"),
        }
    }
}

fn reason<'c>(context: &Context<'_>, relation: &'c Relation, policy: &PolicyRow) -> Option<Reason<'c>> {
    if policy.command == "a" && policy.check.is_none() {
        return Some(Reason::NoCheck);
    }
    if policy.using.is_none() && policy.check.is_none() {
        return Some(Reason::NoExpression);
    }
    let apps: Vec<&Actor<'_>> = context
        .app_roles
        .iter()
        .filter(|app| app.is_given(policy))
        .collect();
    if apps.is_empty() {
        return None;
    }
    if apps.iter().all(|app| !app.enters(&relation.schema)) {
        return Some(Reason::Schema(&relation.schema));
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
    (!lets_through).then_some(Reason::NeverTrue)
}

fn finding(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &PolicyRow,
    reason: &Reason<'_>,
) -> Finding {
    let message = format!(
        "policy `{}` of table `{}` lets no row through",
        policy.name,
        table.name()
    );
    let fix = match reason {
        Reason::Schema(schema) => {
            format!("if the application is meant to use the table, grant its role USAGE on schema `{schema}`")
        }
        // The table needs the registry's own policies.
        _ if policy_names().contains(&policy.name) => create_policies_anew(context, table)
            .unwrap_or_else(|| "create the roles in `app_roles` first".to_string()),
        _ => drop_policy(relation.qualified(), &policy.name),
    };
    let texts = Clause::written(policy).map(|clause| clause.fact(policy));
    let place = (table, relation, policy);
    let finding =
        policies::finding(context, DatabaseCheck::DeadPolicy, place, message, fix).fact(reason.fact());
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
        assert_eq!(
            findings[0].facts[0],
            "none of its application roles may use schema `public`"
        );
        assert!(!findings[0].fix.contains("DROP"), "{}", findings[0].fix);
    }

    #[test]
    fn the_own_policy_is_replaced() {
        let findings = findings(find, |it| {
            let own = it.policy("invoices");
            own.using = Some("false".to_string());
            own.check = Some("false".to_string());
        });
        assert!(
            findings[0].fix.contains("CREATE POLICY \"tenant_isolation\""),
            "{}",
            findings[0].fix
        );
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
