//! Roles of the application that may use none of the registered tables.

use table_registry_engine::DatabaseCheck;

use crate::database::access::execution::may_call;
use crate::database::access::logins;
use crate::database::access::roles::Actor;
use crate::database::catalog::{PUBLIC, Relation};
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::relatives::ANY;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let apps = context.app_roles.iter();
    apps.filter_map(|app| Some(finding(app, reason(context, app)?)))
        .collect()
}

fn finding(app: &Actor<'_>, reason: &str) -> Finding {
    let name = &app.role.name;
    let message = format!("role `{name}` {reason}");
    let fix = format!(
        "before running `verify`, grant `{name}` the privileges it needs, or remove it from `app_roles`"
    );
    Finding::of_role(DatabaseCheck::IdleAppRole, name, message, fix)
        .fact("nothing that this role could do was checked")
}

/// Why there is nothing to check for a role.
fn reason(context: &Context<'_>, app: &Actor<'_>) -> Option<&'static str> {
    let uses = |app: &Actor<'_>, relation: &Relation| app.may(relation, ANY);
    if context.present().all(|(_, relation)| !uses(app, relation)) && !may_call_definer(context, app) {
        return Some("cannot use any registered table");
    }
    if !connects(context, app) {
        return Some("cannot connect to the database");
    }
    // One role may use only tables without tenants, if another one uses the others.
    let mut secured = context.row_secured().peekable();
    secured.peek()?;
    let is_used = |relation: &Relation| context.app_roles.iter().any(|app| uses(app, relation));
    let is_idle = secured.all(|(_, relation)| !is_used(relation));
    is_idle.then_some("cannot use any table with row-level security")
}

/// Whether somebody lets the role, and not everybody, call a function that runs as its owner.
fn may_call_definer(context: &Context<'_>, app: &Actor<'_>) -> bool {
    let mut definers = context.catalog.definers().filter(|function| !function.is_trigger);
    definers.any(|function| {
        let is_meant = function
            .executors
            .iter()
            .any(|role| *role != PUBLIC && app.reaches(*role));
        is_meant && may_call(context, app, function)
    })
}

/// Whether the role, or one that logs in and can become it, may connect to the database.
fn connects(context: &Context<'_>, app: &Actor<'_>) -> bool {
    let server = &context.catalog.server;
    let roles = logins::roles(context, app).into_iter();
    let mut actors = roles.map(|role| Actor::new(context.catalog, role));
    actors.any(|actor| {
        let is_granted = server.connectors.iter().any(|role| actor.reaches(*role));
        is_granted || actor.role.superuser || actor.reaches(server.owner)
    })
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    #[test]
    fn a_role_without_privileges() {
        let without = findings(find, |it| it.rows.grants.clear());
        assert_eq!(without[0].message, "role `app` cannot use any registered table");
    }

    #[test]
    fn a_role_that_may_not_use_the_schema() {
        assert_eq!(found(find, |it| it.rows.schemas[0].users.clear()), ["- app"]);
    }

    #[test]
    fn a_privilege_on_one_table_is_enough() {
        assert_eq!(
            found(find, |it| {
                it.rows.grants.clear();
                it.grant("SELECT", "invoices", "app");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_role_for_logins() {
        for (executor, expected) in [("login", &[][..]), ("PUBLIC", &["- login"])] {
            let found = found(find, |it| {
                it.policy_file = it.policy_file.replace("[\"app\"]", "[\"app\", \"login\"]");
                it.add_role("login");
                let role = it.role_oid(executor);
                it.function("password_hash_of", "SELECT 1").executors = vec![role];
            });
            assert_eq!(found, expected, "{executor}");
        }
    }

    #[test]
    fn only_tables_without_tenants() {
        let only_users = |it: &mut Database| {
            it.rows.grants.clear();
            it.grant("SELECT", "users", "app");
        };
        let of_app = findings(find, only_users);
        let message = "role `app` cannot use any table with row-level security";
        assert_eq!(of_app[0].message, message);
        let beside_another_role = found(find, |it| {
            only_users(it);
            it.policy_file = it.policy_file.replace("[\"app\"]", "[\"app\", \"api\"]");
            it.add_role("api");
            it.grant("SELECT", "invoices", "api");
        });
        assert_eq!(beside_another_role, NOTHING);
    }

    #[test]
    fn privileges_of_a_group_that_gives_none() {
        assert_eq!(
            found(find, |it| {
                it.add_group("group");
                let group = it.role_oid("group");
                for grant in &mut it.rows.grants {
                    grant.grantee = group;
                }
                let membership = it.rows.memberships.last_mut().unwrap();
                (membership.inherit, membership.set) = (false, false);
            }),
            ["- app"]
        );
    }

    #[test]
    fn a_role_that_cannot_connect() {
        let of_app = findings(find, |it| it.rows.server.connectors.clear());
        assert_eq!(of_app[0].message, "role `app` cannot connect to the database");
        assert_eq!(
            found(find, |it| {
                it.add_role("web");
                it.add_member("app", "web");
                it.rows.server.connectors = vec![it.role_oid("web")];
            }),
            NOTHING
        );
    }
}
