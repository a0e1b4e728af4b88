//! `[database.allow]`: applies the exceptions, and finds those that are not needed.

use table_registry_engine::{Code, DatabaseCheck, DatabaseSettings, Exception, Lint, RegisteredTable};

use super::context::Context;
use super::finding::Finding;
use super::requirements::{Object, Requirement, of_table};
use crate::lint::not_needed;

/// What the registry requires of an object of a table, without the requirements that an exception drops.
pub fn requirements(
    table: &RegisteredTable,
    object: Object,
    settings: &DatabaseSettings,
) -> Vec<Requirement> {
    let mut asked = of_table(table, object, settings);
    asked.retain(|requirement| !settings.allows(requirement.check(object), &table.name));
    asked
}

/// The findings that no exception allows, and a finding for each exception that allows nothing, except those to checks
/// that were left out.
pub fn apply(context: &Context<'_>, findings: Vec<Finding>, left_out: &[DatabaseCheck]) -> Vec<Finding> {
    let settings = context.settings;
    let (allowed, mut reported): (Vec<Finding>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| is_allowed(settings, finding));
    let needless = settings
        .exceptions
        .iter()
        .filter(|exception| !left_out.contains(&exception.rule) && is_unused(exception, &allowed, &reported));
    let level = context.project.policy.lints.level(Lint::UnusedAllow);
    let unused: Vec<Finding> = needless
        .filter_map(|exception| unused_finding(context, exception).at_level(level))
        .collect();
    reported.extend(unused);
    reported
}

fn is_allowed(settings: &DatabaseSettings, finding: &Finding) -> bool {
    let Code::DatabaseCheck(check) = finding.code else {
        return false;
    };
    let mut subjects = finding.subjects.iter();
    subjects.all(|subject| settings.allows(check, subject))
}

/// An exception is not reported as unused while there is another finding about its subject: it may be needed once
/// that one is fixed.
fn is_unused(exception: &Exception<DatabaseCheck>, allowed: &[Finding], reported: &[Finding]) -> bool {
    let subject = &exception.subject.value;
    let is_its = |finding: &Finding| finding.code == exception.rule.into() && finding.is_about(subject);
    !allowed.iter().any(is_its) && !reported.iter().any(|finding| finding.is_about(subject))
}

fn unused_finding(context: &Context<'_>, exception: &Exception<DatabaseCheck>) -> Finding {
    let name = &exception.subject.value;
    let (message, fix) = not_needed(name, exception.rule.into());
    let mut roles = context.settings.app_roles.iter();
    let mut finding = if roles.any(|role| role.value == *name) {
        Finding::of_role(Lint::UnusedAllow, name, message, fix)
    } else {
        Finding::of_table(Lint::UnusedAllow, name, message, fix)
    };
    finding.entry = Some(exception.subject.clone());
    finding
}

#[cfg(test)]
mod tests {
    use table_registry_engine::{DatabaseCheck, Severity};

    use super::{Object, Requirement, apply, requirements};
    use crate::database::checks::run;
    use crate::database::testing::Database;

    fn asked(object: Object, exceptions: &str) -> Vec<Requirement> {
        let mut database = Database::sound();
        database.policy_file.push_str(exceptions);
        database.inspect(|context| {
            let table = context.project.registry.table("audit_logs").unwrap();
            requirements(table, object, context.settings)
        })
    }

    #[test]
    fn an_exception_covers_its_own_check_alone() {
        let exception = "[database.allow.append-only-privilege]\naudit_logs = \"a worker deletes\"\n";
        let all = asked(Object::Table, "");
        assert_eq!(all, Requirement::ALL);
        let mut without = all;
        without.retain(|one| *one != Requirement::RevokedChanges);
        assert_eq!(asked(Object::Table, exception), without);
        assert_eq!(asked(Object::Child, exception), asked(Object::Child, ""));
    }

    #[test]
    fn an_exception_for_children_covers_all_their_requirements() {
        let exception = "[database.allow.unprotected-child]\naudit_logs = \"archived\"\n";
        assert_eq!(asked(Object::Child, exception), []);
        assert_eq!(asked(Object::Table, exception), Requirement::ALL);
    }

    /// The codes and the severities of the findings that remain.
    fn left(exceptions: &str, change: impl FnOnce(&mut Database)) -> Vec<(String, Severity)> {
        let mut database = Database::sound();
        database.policy_file.push_str(exceptions);
        change(&mut database);
        let findings =
            database.inspect(|context| apply(context, run(context), &[DatabaseCheck::ProbeAllowed]));
        let left = findings
            .into_iter()
            .map(|one| (one.code.to_string(), one.severity));
        left.collect()
    }

    #[test]
    fn exceptions_that_are_not_needed_are_reported() {
        let exception = "[database.allow.rls-disabled]\ninvoices = \"shared\"\n";
        let off = |it: &mut Database| it.relation("invoices").row_security = false;
        assert_eq!(left(exception, off), []);
        let unused = ("unused-allow".to_string(), Severity::Warning);
        assert_eq!(left(exception, |_| ()), [unused]);
        // Without a probe, it is unknown whether this exception is needed.
        let of_probe = "[database.allow.probe-allowed]\ninvoices = \"shared\"\n";
        assert_eq!(left(of_probe, |_| ()), []);
    }

    #[test]
    fn an_exception_is_not_reported_beside_another_finding_about_its_table() {
        let exception = "[database.allow.rls-not-forced]\ninvoices = \"shared\"\n";
        let off = |it: &mut Database| it.relation("invoices").row_security = false;
        assert_eq!(
            left(exception, off),
            [("rls-disabled".to_string(), Severity::Error)]
        );
    }
}
