//! Tables whose rows only one policy protects, although another one looks as if it did, too.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{PolicyRow, Relation};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::logic::Verdict;
use crate::database::policies::{
    self, Clause, compare_tenant, is_open_alone, policies_of_families, question, verdict,
};
use crate::database::requirements::statements::drop_policy;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let found = policies_of_families(context).into_iter();
    let relevant = found.filter(|(_, relation, _)| relation.row_security);
    relevant
        .filter_map(|(table, relation, policy)| {
            if policy.permissive {
                behind_a_restriction(context, table, relation, policy)
            } else {
                without_effect(context, table, relation, policy)
            }
        })
        .collect()
}

/// An open permissive policy that only a restrictive one closes.
fn behind_a_restriction(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &PolicyRow,
) -> Option<Finding> {
    let restrictive = context.catalog.policies(relation.oid).iter();
    let names: Vec<&String> = restrictive
        .filter(|other| !other.permissive)
        .map(|other| &other.name)
        .collect();
    // `open_policy` and `unproven_policy` report others.
    let is_isolated = |clause: &Clause| verdict(context, relation, policy, *clause) == Verdict::Isolated;
    if names.is_empty() || !Clause::ALL.iter().all(is_isolated) {
        return None;
    }
    let open: Vec<Clause> = Clause::written(policy)
        .filter(|clause| is_open_alone(context, relation, policy, *clause))
        .collect();
    if open.is_empty() {
        return None;
    }
    let message = format!(
        "policy `{}` of table `{}` is open by itself: only restrictive policies keep tenants apart",
        policy.name,
        table.name()
    );
    let fix = compare_tenant(context, table, relation, policy, &open);
    let place = (table, relation, policy);
    let mut finding = policies::finding(context, DatabaseCheck::SingleLayer, place, message, fix);
    for clause in open {
        finding = finding.fact(clause.fact(policy));
    }
    Some(finding.fact(format!("restrictive policies: {}", quoted(names))))
}

/// A restrictive policy that lets every row through, in each of its clauses.
fn without_effect(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &PolicyRow,
) -> Option<Finding> {
    let app = context.app_roles.iter().find(|app| app.is_given(policy))?;
    let restricts_nothing = |clause: Clause| {
        let letters = clause.commands().iter();
        let mut letters = letters.filter(|letter| policy.is_for(letter));
        letters.all(|letter| {
            let question = question(context, app, relation, policy, clause, letter);
            question.is_none_or(|question| question.lets_all_rows_through())
        })
    };
    if !Clause::written(policy).all(restricts_nothing) {
        return None;
    }
    let message = format!(
        "restrictive policy `{}` of table `{}` restricts nothing",
        policy.name,
        table.name()
    );
    let fix = drop_policy(relation.qualified(), &policy.name);
    let place = (table, relation, policy);
    let finding = policies::finding(context, DatabaseCheck::SingleLayer, place, message, fix);
    let facts = Clause::written(policy).map(|clause| clause.fact(policy));
    Some(facts.fold(finding, Finding::fact))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, TENANT, findings, found};

    fn restricted(it: &mut Database, expression: &str) {
        it.add_policy("invoices", "restriction", "PUBLIC", expression)
            .permissive = false;
    }

    #[test]
    fn an_open_policy_behind_a_restrictive_one() {
        let findings = findings(find, |it| {
            restricted(it, TENANT);
            it.policy("invoices").using = Some("true".to_string());
        });
        assert_eq!(
            findings[0].message,
            "policy `tenant_isolation` of table `invoices` is open by itself: only restrictive policies keep tenants apart"
        );
    }

    #[test]
    fn a_restrictive_policy_that_lets_all_rows_through() {
        assert_eq!(found(find, |it| restricted(it, "true")), ["invoices restriction"]);
        assert_eq!(
            found(find, |it| restricted(it, "(org_id IS NOT NULL)")),
            ["invoices restriction"]
        );
    }

    #[test]
    fn a_restrictive_policy_about_something_else() {
        assert_eq!(found(find, |it| restricted(it, "(total > 0)")), NOTHING);
    }

    #[test]
    fn a_restrictive_policy_that_restricts_one_of_two_clauses() {
        for (using, check) in [("true", TENANT), (TENANT, "true")] {
            let found = found(find, |it| {
                restricted(it, using);
                let policy = it.rows.policies.last_mut().unwrap();
                policy.check = Some(check.to_string());
            });
            assert_eq!(found, NOTHING, "{using}");
        }
    }

    #[test]
    fn a_restrictive_policy_that_refuses_only_own_rows() {
        let text = TENANT.replacen("org_id =", "org_id <>", 1);
        assert_eq!(
            found(find, |it| restricted(it, &format!("({text} IS NOT FALSE)"))),
            NOTHING
        );
    }

    #[test]
    fn two_layers() {
        assert_eq!(found(find, |it| restricted(it, TENANT)), NOTHING);
    }
}
