//! The findings about privileges that the registry revokes.

use crate::database::access::grants::{OpenGrant, open_grants};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::{Finding, Remedy};
use crate::database::requirements::{Object, Requirement};

/// A finding for each grant through which the application holds what a requirement revokes, with this message.
pub fn findings(
    context: &Context<'_>,
    requirement: Requirement,
    message: impl Fn(&Table<'_>, &OpenGrant) -> String,
) -> Vec<(Finding, OpenGrant)> {
    let mut findings = Vec::new();
    for (table, relation) in requirement.unmet(context) {
        let revoked = requirement.privileges(table.registered.access);
        for grant in open_grants(context, relation, revoked) {
            let fix = grant.revoke(context, relation);
            let check = requirement.check(Object::Table);
            let finding = Finding::of_table(check, table.name(), message(table, &grant), fix)
                .object(context.catalog.role_name(grant.grantee))
                .fact(grant.way.clone())
                .fact(format!(
                    "granted by `{}`",
                    context.catalog.role_name(grant.grantor)
                ))
                .fixed_by(Remedy::Requirements);
            findings.push((finding, grant));
        }
    }
    findings
}
