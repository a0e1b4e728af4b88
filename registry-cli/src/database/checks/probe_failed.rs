//! Attempts of the probe that ended in an error.

use std::collections::BTreeSet;

use table_registry_engine::{Code, DatabaseCheck};

use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::probe::probed::{Failed, by_roles, described};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    context.probed.failed.iter().map(finding).collect()
}

fn finding(failed: &Failed) -> Finding {
    let Failed {
        table, role, message, ..
    } = failed;
    let fix =
        "fix the cause of the error; until then, nothing shows what the policies of the table would decide";
    Finding::of_table(DatabaseCheck::ProbeFailed, table, tried(failed), fix)
        .object(role)
        .fact(format!("the server says: {message}"))
        .fact("an error is not a refusal: without it, the server might allow the statement")
}

fn tried(failed: &Failed) -> String {
    format!(
        "role `{}` gets an error for {} on table `{}`",
        failed.role,
        described(&failed.actions),
        failed.table
    )
}

/// Adds each error to the finding that explains it, if there is one.
pub fn explained(context: &Context<'_>, mut findings: Vec<Finding>) -> Vec<Finding> {
    const REASONS: [DatabaseCheck; 3] = [
        DatabaseCheck::RecursivePolicy,
        DatabaseCheck::UnreadableParent,
        DatabaseCheck::UncallableFunction,
    ];
    let is_reason = |finding: &Finding, failed: &Failed| {
        REASONS.iter().any(|check| finding.code == Code::from(*check)) && finding.is_about(&failed.table)
    };
    let mut notes: Vec<(usize, Vec<&Failed>)> = Vec::new();
    for failed in &context.probed.failed {
        let Some(reason) = findings.iter().position(|finding| is_reason(finding, failed)) else {
            continue;
        };
        let is_same = |one: &&mut (usize, Vec<&Failed>)| {
            one.0 == reason && one.1[0].table == failed.table && one.1[0].message == failed.message
        };
        match notes.iter_mut().find(is_same) {
            Some((_, known)) => known.push(failed),
            None => notes.push((reason, vec![failed])),
        }
    }
    for (reason, failed) in &notes {
        findings[*reason].facts.push(note(failed));
    }
    let explained: BTreeSet<String> = notes
        .iter()
        .flat_map(|(_, failed)| failed)
        .map(|one| tried(one))
        .collect();
    let is_explained = |finding: &Finding| {
        finding.code == Code::from(DatabaseCheck::ProbeFailed) && explained.contains(&finding.message)
    };
    findings.retain(|finding| !is_explained(finding));
    findings
}

/// What the server says to some roles about one table.
fn note(failed: &[&Failed]) -> String {
    let first = failed[0];
    let attempts = failed
        .iter()
        .map(|one| (one.role.as_str(), one.actions.as_slice()));
    let parts: Vec<String> = by_roles(attempts)
        .into_iter()
        .map(|(roles, actions)| {
            let verb = if roles.starts_with("roles ") {
                "get"
            } else {
                "gets"
            };
            format!("{roles} {verb} an error for {actions}")
        })
        .collect();
    format!(
        "probe: {} on table `{}`: {}",
        parts.join("; "),
        first.table,
        first.message
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::checks::run;
    use crate::database::probe::probed::{Action, Probed};
    use crate::database::testing::Database;

    fn failed() -> Probed {
        let mut probed = Probed::default();
        for command in ["SELECT", "DELETE"] {
            let action = Action {
                command: command.to_string(),
                circumstance: "without a tenant",
            };
            probed.fail("invoices", "app", action, "infinite recursion".to_string());
        }
        probed
    }

    #[test]
    fn one_error_is_one_finding() {
        let findings = Database::sound().inspect_probed(failed(), find);
        let messages: Vec<&str> = findings.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(
            messages,
            ["role `app` gets an error for SELECT, DELETE without a tenant on table `invoices`"]
        );
    }

    #[test]
    fn a_reason_gets_a_fact() {
        let mut database = Database::sound();
        let policy = database.add_policy(
            "invoices",
            "reads",
            "app",
            "(EXISTS ( SELECT FROM public.invoices))",
        );
        policy.permissive = false;
        let findings = database.inspect_probed(failed(), run);
        let codes: Vec<&str> = findings.iter().map(|one| one.code.as_str()).collect();
        assert_eq!(codes, ["recursive-policy"]);
        assert!(
            findings[0]
                .facts
                .last()
                .unwrap()
                .starts_with("probe: role `app` gets an error")
        );
    }
}
