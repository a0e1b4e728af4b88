//! `[database.allow]`: what somebody decided to leave as it is, and what of that nobody needs.

use registry_core::engine::{Code, Entry};

use super::checks::Context;
use super::finding::Finding;
use crate::lint::not_needed;

/// The findings that no exception allows, and the exceptions that allow none.
pub fn apply(context: &Context<'_>, findings: Vec<Finding>, is_probed: bool) -> Vec<Finding> {
    let config = context.config;
    // What was not tried is not known.
    let is_checked = |entry: &&Entry<Code>| is_probed || entry.value != Code::ProbeAllowed;
    let (allowed, mut reported): (Vec<Finding>, Vec<_>) = findings.into_iter().partition(|finding| {
        let mut subjects = finding.subjects.iter();
        subjects.all(|subject| config.allows(finding.code, subject))
    });
    // Where something else is wrong, what is needed shows when that is mended.
    let is_unused = |entry: &&Entry<Code>| {
        let allows = |finding: &Finding| finding.code == entry.value && finding.is_about(&entry.name);
        !allowed.iter().any(allows) && !reported.iter().any(|finding| finding.is_about(&entry.name))
    };
    let unused: Vec<&Entry<Code>> = config
        .exceptions
        .iter()
        .filter(is_checked)
        .filter(is_unused)
        .collect();
    let level = context.project.policy.lints.level(Code::UnusedAllow);
    reported.extend(
        unused
            .into_iter()
            .filter_map(|entry| unused_finding(context, entry).at_level(level)),
    );
    reported
}

fn unused_finding(context: &Context<'_>, exception: &Entry<Code>) -> Finding {
    let name = &exception.name;
    let (message, fix) = not_needed(name, exception.value);
    let mut roles = context.config.app_roles.iter();
    let mut finding = if roles.any(|role| role.name == *name) {
        Finding::of_role(Code::UnusedAllow, name, message, fix)
    } else {
        Finding::of_table(Code::UnusedAllow, name, message, fix)
    };
    finding.entry = Some(exception.clone());
    finding
}
