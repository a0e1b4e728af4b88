//! Policies that cannot be judged.

use table_registry_engine::{DatabaseCheck, Platform};

use crate::database::catalog::{PolicyRow, Relation};
use crate::database::code::claims;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::logic::Verdict;
use crate::database::policies::{self, Clause, effective_policies, verdict};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    effective_policies(context)
        .filter_map(|(table, relation, policy)| finding(context, table, relation, policy))
        .collect()
}

fn finding(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    policy: &PolicyRow,
) -> Option<Finding> {
    let mut facts = Vec::new();
    for clause in Clause::written(policy) {
        match verdict(context, relation, policy, clause) {
            // `open_policy` reports it.
            Verdict::Open(_) | Verdict::Undeclared(_) => return None,
            Verdict::Isolated => {}
            Verdict::Unknown(reasons) => {
                facts.push(clause.fact(policy));
                facts.push(in_the_way(&reasons));
            }
        }
    }
    if facts.is_empty() {
        return None;
    }
    let message = format!(
        "policy `{}` of table `{}` cannot be proved to keep tenants apart",
        policy.name,
        table.name()
    );
    let fix = if reads_token(context, policy) {
        "if the user is the tenant, write `setting = \"request.jwt.claim.sub\"` in `[tenancy]`; if the user leads to the \
         tenant through another table, declare the expression for this table in `[[tenancy.policies]]`, or add an \
         exception: `[[database.allow.unproven-policy]]`"
    } else {
        "compare the tenant column with the setting in the policy itself, or review the policy and add an exception: \
         `[[database.allow.unproven-policy]]`"
    };
    let place = (table, relation, policy);
    let finding = policies::finding(context, DatabaseCheck::UnprovenPolicy, place, message, fix);
    Some(facts.into_iter().fold(finding, Finding::fact))
}

/// Whether the policy asks who the user is on a platform that knows it, while `[tenancy]` names no claim.
fn reads_token(context: &Context<'_>, policy: &PolicyRow) -> bool {
    let settings = &context.project.policy;
    let mut clauses = [&policy.using, &policy.check].into_iter().flatten();
    settings.database.platform == Some(Platform::Supabase)
        && claims::tenant(settings).is_none()
        && clauses.any(|text| text.contains("auth.uid()") || text.contains("auth.jwt()"))
}

fn in_the_way(reasons: &[String]) -> String {
    if reasons.is_empty() {
        return "`verify` found no row of another tenant that it lets through, but could not rule one out"
            .to_string();
    }
    format!(
        "it depends on what `verify` cannot follow: {}",
        reasons.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_function_that_cannot_be_followed() {
        let findings = findings(find, |it| {
            it.add_policy("invoices", "own", "app", "is_own(org_id)");
        });
        assert_eq!(findings.len(), 1);
        assert_eq!(
            findings[0].facts,
            [
                "its USING is `is_own(org_id)`",
                "it depends on what `verify` cannot follow: function `is_own`",
                "its WITH CHECK is `is_own(org_id)`",
                "it depends on what `verify` cannot follow: function `is_own`",
            ]
        );
    }

    #[test]
    fn a_user_who_is_not_the_tenant() {
        let findings = findings(find, |it| {
            it.policy_file += "platform = \"supabase\"\n";
            it.add_policy("invoices", "own", "app", "org_id IN (SELECT org_of(auth.uid()))");
        });
        assert!(
            findings[0].fix.contains("`setting = \"request.jwt.claim.sub\"`"),
            "{}",
            findings[0].fix
        );
        assert!(findings[0].fix.contains("`[[tenancy.policies]]`"));
    }

    #[test]
    fn a_function_that_can_be_followed() {
        assert_eq!(
            found(find, |it| {
                it.body(
                    "public",
                    "is_own",
                    &["org"],
                    "SELECT org = current_setting('app.org_id', true)",
                );
                it.add_policy("invoices", "own", "app", "public.is_own(org_id)");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_function_beside_the_tenant() {
        assert_eq!(
            found(find, |it| {
                let text = "((org_id = current_setting('app.org_id'::text, true)) AND is_own(org_id))";
                it.add_policy("invoices", "own", "app", text);
            }),
            NOTHING
        );
    }

    #[test]
    fn open_policy_reports_an_open_one() {
        assert_eq!(
            found(find, |it| {
                it.add_policy("invoices", "own", "app", "(is_own(org_id) OR true)");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_restrictive_policy_closes_it() {
        assert_eq!(
            found(find, |it| {
                it.policy("invoices").permissive = false;
                it.add_policy("invoices", "own", "app", "is_own(org_id)");
            }),
            NOTHING
        );
    }
}
