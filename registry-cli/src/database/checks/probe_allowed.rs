//! What the server let a role of the application do when it was tried.

use table_registry_engine::{Code, DatabaseCheck};

use crate::database::context::Context;
use crate::database::finding::Finding;
use crate::database::probe::{Allowed, Effect};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    context.allowed.iter().map(finding).collect()
}

fn finding(allowed: &Allowed) -> Finding {
    let fix = "find out why: the catalogs do not say so; then take the privilege away";
    Finding::of_table(DatabaseCheck::ProbeAllowed, &allowed.table, message(allowed), fix)
        .object(&allowed.role)
}

fn message(allowed: &Allowed) -> String {
    let Allowed {
        table, role, action, ..
    } = allowed;
    format!("the server let role `{role}` do {action} on table `{table}`")
}

/// Turns what the probe found into a fact of the finding that gives the reason, where there is one.
pub fn explained(context: &Context<'_>, findings: Vec<Finding>) -> Vec<Finding> {
    let is_probed = |finding: &Finding| finding.code == Code::from(DatabaseCheck::ProbeAllowed);
    let (probed, mut others): (Vec<Finding>, Vec<Finding>) = findings.into_iter().partition(is_probed);
    let mut unexplained = Vec::new();
    for (allowed, finding) in context.allowed.iter().zip(probed) {
        match others.iter_mut().find(|other| is_reason(other, allowed)) {
            Some(reason) => reason.facts.push(format!("probe: {}", finding.message)),
            None => unexplained.push(finding),
        }
    }
    others.extend(unexplained);
    others
}

fn is_reason(finding: &Finding, allowed: &Allowed) -> bool {
    let mut reasons = reasons(allowed.effect).iter();
    reasons.any(|check| finding.code == Code::from(*check))
        && (finding.is_about(&allowed.table) || finding.is_about(&allowed.role))
}

/// The checks that tell from the catalogs why a change, or a read, is possible.
fn reasons(effect: Effect) -> &'static [DatabaseCheck] {
    match effect {
        Effect::Change => &[
            DatabaseCheck::AppendOnlyPrivilege,
            DatabaseCheck::UnprotectedChild,
            DatabaseCheck::PrivilegedAppRole,
            DatabaseCheck::AppRoleOwnsTable,
        ],
        Effect::Read => &[
            DatabaseCheck::RlsDisabled,
            DatabaseCheck::RlsNotForced,
            DatabaseCheck::OpenPolicy,
            DatabaseCheck::UnprotectedChild,
            DatabaseCheck::PrivilegedAppRole,
            DatabaseCheck::AppRoleOwnsTable,
        ],
    }
}
