//! What the server allowed a role of the application to do when the probe tried it.

use table_registry_engine::{Code, DatabaseCheck};

use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::probe::probed::{Allowed, Effect, by_roles, described};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    context.probed.allowed.iter().map(finding).collect()
}

fn finding(allowed: &Allowed) -> Finding {
    let fix = "find out why, since the catalogs do not show it, and revoke the privilege";
    Finding::of_table(DatabaseCheck::ProbeAllowed, &allowed.table, message(allowed), fix)
        .object(&allowed.role)
}

fn message(allowed: &Allowed) -> String {
    let Allowed {
        table, role, actions, ..
    } = allowed;
    format!(
        "the server let role `{role}` run {} on table `{table}`",
        described(actions)
    )
}

/// Adds each result of the probe as a fact to the finding that explains it, if there is one.
pub fn explained(context: &Context<'_>, findings: Vec<Finding>) -> Vec<Finding> {
    let is_probed = |finding: &Finding| finding.code == Code::from(DatabaseCheck::ProbeAllowed);
    let (probed, mut others): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(is_probed);
    let mut unexplained = Vec::new();
    let mut notes: Vec<(usize, Vec<&Allowed>)> = Vec::new();
    for (allowed, finding) in context.probed.allowed.iter().zip(probed) {
        let Some(reason) = others.iter().position(|other| is_reason(other, allowed)) else {
            unexplained.push(finding);
            continue;
        };
        let is_same = |one: &&mut (usize, Vec<&Allowed>)| one.0 == reason && one.1[0].table == allowed.table;
        match notes.iter_mut().find(is_same) {
            Some((_, known)) => known.push(allowed),
            None => notes.push((reason, vec![allowed])),
        }
    }
    for (reason, allowed) in notes {
        let attempts = allowed
            .iter()
            .map(|one| (one.role.as_str(), one.actions.as_slice()));
        let parts: Vec<String> = by_roles(attempts)
            .into_iter()
            .map(|(roles, actions)| format!("{roles} run {actions}"))
            .collect();
        others[reason].facts.push(format!(
            "probe: the server let {} on table `{}`",
            parts.join("; "),
            allowed[0].table
        ));
    }
    others.extend(unexplained);
    others
}

fn is_reason(finding: &Finding, allowed: &Allowed) -> bool {
    let mut checks = reasons(allowed.effect).iter();
    checks.any(|check| finding.code == Code::from(*check))
        && (finding.is_about(&allowed.table) || finding.is_about(&allowed.role))
}

/// The checks that explain from the catalogs why a change or a read is possible.
fn reasons(effect: Effect) -> &'static [DatabaseCheck] {
    match effect {
        Effect::Change => &[
            DatabaseCheck::AppendOnlyPrivilege,
            DatabaseCheck::UnprotectedChild,
            DatabaseCheck::PrivilegedAppRole,
            DatabaseCheck::AppRoleOwnsTable,
        ],
        Effect::Foreign => &[
            DatabaseCheck::RlsDisabled,
            DatabaseCheck::RlsNotForced,
            DatabaseCheck::OpenPolicy,
            DatabaseCheck::UnprovenPolicy,
            DatabaseCheck::OutdatedPolicy,
            DatabaseCheck::PolicyWithoutCheck,
            DatabaseCheck::UnprotectedChild,
            DatabaseCheck::UnprotectedParent,
            DatabaseCheck::PrivilegedAppRole,
            DatabaseCheck::AppRoleOwnsTable,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::Effect;
    use crate::database::checks::run;
    use crate::database::probe::probed::{Action, Probed};
    use crate::database::testing::Database;

    /// The code, the table and the facts of each finding after a probe in which one attempt succeeded.
    fn probed(effect: Effect, table: &str, change: impl FnOnce(&mut Database)) -> Vec<(String, Vec<String>)> {
        let mut database = Database::sound();
        change(&mut database);
        let mut probed = Probed::default();
        let action = Action {
            command: "SELECT".to_string(),
            circumstance: "",
        };
        probed.allow(table, "app", action, effect);
        let findings = database.inspect_probed(probed, run);
        let both = findings
            .into_iter()
            .map(|one| (format!("{} {}", one.code, one.subjects[0]), one.facts));
        both.collect()
    }

    #[test]
    fn an_attempt_that_the_catalog_does_not_explain() {
        let found = probed(Effect::Foreign, "invoices", |_| ());
        assert_eq!(found, [("probe-allowed invoices".to_string(), Vec::new())]);
    }

    #[test]
    fn a_reason_gets_a_fact() {
        let found = probed(Effect::Foreign, "invoices", |it| {
            it.add_policy("invoices", "all", "app", "true");
        });
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].0, "open-policy invoices");
        assert_eq!(
            found[0].1.last().unwrap(),
            "probe: the server let role `app` run SELECT on table `invoices`"
        );
    }

    #[test]
    fn a_finding_about_something_else_is_no_reason() {
        for (effect, table) in [(Effect::Change, "invoices"), (Effect::Foreign, "audit_logs")] {
            let found = probed(effect, table, |it| {
                it.add_policy("invoices", "all", "app", "true");
            });
            let codes: Vec<&str> = found.iter().map(|(code, _)| code.as_str()).collect();
            assert_eq!(codes, ["open-policy invoices", &format!("probe-allowed {table}")]);
        }
    }
}
