//! Roles of the application that are exempt from all rules, or that can become such a role.

use table_registry_engine::DatabaseCheck;

use crate::database::access::roles::{Actor, exemptions};
use crate::database::catalog::Role;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let version = context.catalog.server.version;
    let mut findings = Vec::new();
    for app in &context.app_roles {
        let own = exemptions(app.role, version).into_iter();
        findings.extend(own.map(|what| privileged(app, what)));
        for role in app.others() {
            let others = exemptions(role, version).into_iter();
            findings.extend(others.map(|what| can_become_privileged(context, app, role, what)));
        }
    }
    findings
}

fn privileged(app: &Actor<'_>, what: &str) -> Finding {
    let name = &app.role.name;
    let message = format!("role `{name}` is exempt from all rules: {what}");
    let fix = format!("ALTER ROLE {} NO{what};", identifier(name));
    Finding::of_role(DatabaseCheck::PrivilegedAppRole, name, message, fix)
        .allowed_as(what)
        .fact("`pg_roles` has this attribute of the role")
}

fn can_become_privileged(context: &Context<'_>, app: &Actor<'_>, role: &Role, what: &str) -> Finding {
    let name = &app.role.name;
    let message = format!(
        "role `{name}` can become `{}`, which is exempt from all rules: {what}",
        role.name
    );
    let fix = app.revoke_way_to(role.oid, &context.catalog.server.database);
    Finding::of_role(DatabaseCheck::PrivilegedAppRole, name, message, fix)
        .object(&role.name)
        .allowed_as(if role.is_predefined() { &role.name } else { what })
        .fact(app.memberships(role.oid))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn attributes() {
        assert_eq!(found(find, |it| it.role("app").superuser = true), ["- app"]);
        assert_eq!(found(find, |it| it.role("app").bypass_rls = true), ["- app"]);
        assert_eq!(found(find, |it| it.role("app").replication = true), ["- app"]);
        assert_eq!(found(find, |it| it.role("owner").bypass_rls = true), NOTHING);
    }

    /// Since PostgreSQL 16, a role with CREATEROLE administers only roles that it has created.
    #[test]
    fn a_role_that_creates_roles() {
        let makes_roles = |version| {
            found(find, |it| {
                it.role("app").create_role = true;
                it.rows.server.version = version;
            })
        };
        assert_eq!(makes_roles(150_000), ["- app"]);
        assert_eq!(makes_roles(160_000), NOTHING);
    }

    #[test]
    fn a_role_that_the_application_can_become() {
        assert_eq!(
            found(find, |it| { it.add_group("root").superuser = true }),
            ["- root"]
        );
    }

    #[test]
    fn a_predefined_role() {
        assert_eq!(
            found(find, |it| {
                it.add_group("pg_write_all_data");
            }),
            ["- pg_write_all_data"]
        );
    }

    #[test]
    fn a_role_that_can_become_the_application() {
        assert_eq!(
            found(find, |it| {
                it.add_role("root").superuser = true;
                it.add_member("app", "root");
            }),
            NOTHING
        );
    }
}
