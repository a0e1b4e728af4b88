//! Policies for writing that have no WITH CHECK.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{PolicyRow, Relation};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::logic::Verdict;
use crate::database::policies::{self, Clause, app_roles_of, is_constant, policies_of_families, verdict};
use crate::database::requirements::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let found = policies_of_families(context).into_iter();
    let lacking = found.filter(|(_, relation, policy)| lacks_check(context, relation, policy));
    lacking
        .map(|(table, relation, policy)| finding(context, table, relation, policy))
        .collect()
}

fn lacks_check(context: &Context<'_>, relation: &Relation, policy: &PolicyRow) -> bool {
    let writes = matches!(policy.command.as_str(), "*" | "w");
    writes
        && policy.permissive
        && policy.check.is_none()
        // `dead_policy` reports one without USING. What is refused on purpose may not be written, either.
        && policy.using.as_deref().is_some_and(|using| !is_constant(using))
        && app_roles_of(context, relation, policy).next().is_some()
        // `open_policy` and `unproven_policy` report others.
        && verdict(context, relation, policy, Clause::Using) == Verdict::Isolated
}

fn finding(context: &Context<'_>, table: &Table<'_>, relation: &Relation, policy: &PolicyRow) -> Finding {
    let message = format!(
        "policy `{}` of table `{}` does not say which rows may be written",
        policy.name,
        table.name()
    );
    let fix = format!(
        "ALTER POLICY {} ON {} WITH CHECK ({});",
        identifier(&policy.name),
        relation.qualified(),
        policy.using.as_deref().unwrap_or("…")
    );
    let place = (table, relation, policy);
    policies::finding(context, DatabaseCheck::PolicyWithoutCheck, place, message, fix)
        .fact("`pg_policy.polwithcheck` is null")
        .fact("PostgreSQL takes USING instead: whoever loosens what is seen loosens what is written")
        .warning()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, TENANT, found};

    #[test]
    fn a_policy_that_writes() {
        assert_eq!(
            found(find, |it| { it.policy("invoices").check = None }),
            ["invoices tenant_isolation"]
        );
    }

    #[test]
    fn a_policy_that_reads() {
        assert_eq!(
            found(find, |it| {
                it.policy("invoices").check = None;
                it.policy("invoices").command = "r".to_string();
            }),
            NOTHING
        );
    }

    #[test]
    fn a_policy_without_using_or_one_that_refuses() {
        for using in [None, Some("false"), Some("NULL::boolean"), Some("(1 = 0)")] {
            let found = found(find, |it| {
                let policy = it.add_policy("invoices", "closed", "app", TENANT);
                policy.using = using.map(str::to_string);
                policy.check = None;
            });
            assert_eq!(found, NOTHING, "{using:?}");
        }
    }

    #[test]
    fn a_policy_of_another_role() {
        assert_eq!(
            found(find, |it| {
                it.add_role("backup");
                it.add_policy("invoices", "own", "backup", TENANT).check = None;
            }),
            NOTHING
        );
    }

    #[test]
    fn open_policy_reports_an_open_one() {
        assert_eq!(
            found(find, |it| {
                let open = it.add_policy("invoices", "all", "app", "true");
                open.check = None;
            }),
            NOTHING
        );
    }
}
