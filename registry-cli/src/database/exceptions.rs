//! `[database.allow]`: what somebody decided to leave as it is, and what of that nobody needs.

use table_registry_engine::{Code, DatabaseCheck, Exception, Lint};

use super::checks::Context;
use super::finding::Finding;
use crate::lint::not_needed;

/// The findings that no exception allows, and the exceptions that allow none.
pub fn apply(context: &Context<'_>, findings: Vec<Finding>, is_probed: bool) -> Vec<Finding> {
    let config = context.config;
    // What was not tried is not known.
    let is_checked =
        |entry: &&Exception<DatabaseCheck>| is_probed || entry.rule != DatabaseCheck::ProbeAllowed;
    let (allowed, mut reported): (Vec<Finding>, Vec<_>) = findings.into_iter().partition(|finding| {
        let mut subjects = finding.subjects.iter();
        subjects.all(
            |subject| matches!(finding.code, Code::DatabaseCheck(check) if config.allows(check, subject)),
        )
    });
    // Where something else is wrong, what is needed shows when that is mended.
    let is_unused = |entry: &&Exception<DatabaseCheck>| {
        let allows =
            |finding: &Finding| finding.code == entry.rule.into() && finding.is_about(&entry.subject.value);
        !allowed.iter().any(allows)
            && !reported
                .iter()
                .any(|finding| finding.is_about(&entry.subject.value))
    };
    let unused: Vec<&Exception<DatabaseCheck>> = config
        .exceptions
        .iter()
        .filter(is_checked)
        .filter(is_unused)
        .collect();
    let level = context.project.policy.lints.level(Lint::UnusedAllow);
    reported.extend(
        unused
            .into_iter()
            .filter_map(|entry| unused_finding(context, entry).at_level(level)),
    );
    reported
}

fn unused_finding(context: &Context<'_>, exception: &Exception<DatabaseCheck>) -> Finding {
    let name = &exception.subject.value;
    let (message, fix) = not_needed(name, exception.rule.into());
    let mut roles = context.config.app_roles.iter();
    let mut finding = if roles.any(|role| role.value == *name) {
        Finding::of_role(Lint::UnusedAllow, name, message, fix)
    } else {
        Finding::of_table(Lint::UnusedAllow, name, message, fix)
    };
    finding.entry = Some(exception.subject.clone());
    finding
}
