//! `[database.allow]`: what somebody decided to leave as it is, and which of these exceptions nobody needs.

use table_registry_engine::{Code, DatabaseCheck, DatabaseSettings, Exception, Lint, RegisteredTable};

use super::context::Context;
use super::finding::Finding;
use super::requirements::{Object, Requirement, of_table};
use crate::lint::not_needed;

/// What the registry asks of an object of a table, without what an exception allows to be missing.
pub fn requirements(
    table: &RegisteredTable,
    object: Object,
    settings: &DatabaseSettings,
) -> Vec<Requirement> {
    let mut asked = of_table(table, object, settings);
    asked.retain(|requirement| !settings.allows(requirement.check(object), &table.name));
    asked
}

/// The findings that no exception allows, and a finding for each exception that allows none.
pub fn apply(context: &Context<'_>, findings: Vec<Finding>, is_probed: bool) -> Vec<Finding> {
    let settings = context.settings;
    let (allowed, mut reported): (Vec<Finding>, Vec<_>) = findings
        .into_iter()
        .partition(|finding| is_allowed(settings, finding));
    let unused = settings.exceptions.iter().filter(|exception| {
        // Without a probe nobody knows what the server would allow.
        let is_checked = is_probed || exception.rule != DatabaseCheck::ProbeAllowed;
        is_checked && is_unused(exception, &allowed, &reported)
    });
    let level = context.project.policy.lints.level(Lint::UnusedAllow);
    let unused: Vec<Finding> = unused
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

/// Where something else is wrong with its subject, an exception may be needed once that is fixed.
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
