//! Attempts of the probe that ended in an error.

use table_registry_engine::{Code, DatabaseCheck};

use crate::database::context::Context;
use crate::database::finding::Finding;
use crate::database::probed::{Failed, described};

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
    for failed in &context.probed.failed {
        let is_reason = |finding: &Finding| {
            REASONS.iter().any(|check| finding.code == Code::from(*check)) && finding.is_about(&failed.table)
        };
        let Some(reason) = findings.iter().position(is_reason) else {
            continue;
        };
        findings[reason]
            .facts
            .push(format!("probe: {}: {}", tried(failed), failed.message));
        let message = tried(failed);
        findings.retain(|finding| {
            finding.code != Code::from(DatabaseCheck::ProbeFailed) || finding.message != message
        });
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::checks::run;
    use crate::database::probed::{Action, Probed};
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
