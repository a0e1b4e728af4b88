//! Policies that let no row through.

use table_registry_engine::DatabaseCheck;

use crate::database::access::roles::Actor;
use crate::database::catalog::{PolicyRow, Relation};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::policies::{self, COMMANDS, Clause, is_constant, policies_of_families, question};
use crate::database::requirements::statements::drop_policy;
use crate::database::requirements::tenancy::policy_names;

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
    // A constant is meant to refuse, as a policy FOR DELETE USING (false) is.
    let is_meant = Clause::written(policy).all(|clause| clause.of(policy).is_some_and(is_constant));
    (!lets_through && !is_meant).then_some(Reason::NeverTrue)
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
        // No ready-made statement: it would open a table that may be closed on purpose.
        _ if policy_names().contains(&policy.name) => {
            let command = context
                .project
                .package
                .command(&format!("sql --table {}", table.name()));
            format!(
                "if it is not meant to refuse everything, `{command}` prints the policy that the table needs"
            )
        }
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
    use crate::database::testing::{Database, NOTHING, TENANT, findings, found};

    #[test]
    fn a_policy_that_is_meant_to_refuse() {
        for expression in [
            "false",
            "(1 = 0)",
            "NULL::boolean",
            "(NOT true)",
            "( SELECT false AS bool)",
        ] {
            assert_eq!(
                found(find, |it| {
                    it.add_policy("invoices", "none", "app", expression);
                }),
                NOTHING,
                "{expression}"
            );
        }
        assert_eq!(
            found(find, |it| {
                let policy = it.add_policy("invoices", "none", "app", "false");
                policy.command = "a".to_string();
                policy.using = None;
            }),
            NOTHING
        );
    }

    #[test]
    fn an_expression_that_is_never_true() {
        for expression in [
            "((org_id = 'a'::text) AND (org_id IS NULL))",
            "(false AND is_admin())",
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
    fn rows_for_everybody() {
        for policies in [
            &["(org_id IS NULL)"][..],
            &["(org_id IS NULL)", TENANT],
            &["((org_id IS NULL) OR false)"],
        ] {
            let mut database = Database::sound();
            database.schema =
                "#[table(shared_rows)] pub struct Notices { pub id: i64, pub org_id: Option<String> }"
                    .to_string();
            database.table("notices", &[("id", "int8"), ("org_id", "text")]);
            database.column("notices", "org_id").not_null = false;
            database.index("notices", &["org_id"]);
            database.secure("notices");
            database.grant("SELECT", "notices", "app");
            for (number, text) in policies.iter().enumerate() {
                let policy = database.add_policy("notices", &format!("p{number}"), "app", text);
                policy.command = "r".to_string();
                policy.check = None;
            }
            let found = database.inspect(crate::database::checks::run);
            assert!(found.is_empty(), "{policies:?}: {found:?}");
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
    fn no_statement_opens_what_is_closed() {
        let closed = |text: &str| {
            let text = text.to_string();
            findings(find, |it| {
                let own = it.policy("invoices");
                own.using = Some(text.clone());
                own.check = Some(text);
            })
        };
        assert!(closed("false").is_empty());
        let never = closed("((org_id = 'a'::text) AND (org_id IS NULL))");
        assert!(
            never[0]
                .fix
                .starts_with("if it is not meant to refuse everything"),
            "{}",
            never[0].fix
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
