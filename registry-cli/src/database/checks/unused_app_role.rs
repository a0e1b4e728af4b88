//! Roles of the application as which nobody logs in.

use table_registry_engine::DatabaseCheck;

use crate::database::access::logins;
use crate::database::access::roles::Actor;
use crate::database::catalog::Role;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::migrations::apply::MIGRATOR;
use crate::database::requirements::statements::identifier;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let others = other_log_ins(context);
    // A throwaway server has only the roles that migrations create, and those that log in may be made elsewhere.
    if others.is_empty() && context.is_throwaway {
        return Vec::new();
    }
    let apps = context.app_roles.iter();
    let unused = apps.filter(|app| logins::roles(context, app).iter().all(|role| !role.can_log_in));
    unused.map(|app| finding(app, &others)).collect()
}

/// The roles that log in, except superusers, whoever runs the migrations, and the roles that the policy file names.
fn other_log_ins<'x>(context: &'x Context<'_>) -> Vec<&'x str> {
    let settings = context.settings;
    let owner = settings.owner.as_ref().map_or(MIGRATOR, |owner| &owner.value);
    let is_named = |role: &Role| role.name == owner || settings.checked_roles().any(|name| name == role.name);
    let owns = |role: &Role| context.present().any(|(_, relation)| relation.owner == role.oid);
    let others = context
        .catalog
        .roles()
        .filter(|role| role.can_log_in && !role.superuser)
        .filter(|role| !is_named(role) && !owns(role));
    others.map(|role| role.name.as_str()).collect()
}

fn finding(app: &Actor<'_>, others: &[&str]) -> Finding {
    let name = &app.role.name;
    let message =
        format!("nobody connects as role `{name}`: it cannot log in, and no role that can is a member of it");
    let fix = match others {
        [] => format!("put the role that the application connects as into `app_roles`, or grant it `{name}`"),
        others => format!(
            "put the role that the application connects as into `app_roles`, or make it a member: `GRANT {} TO {};`",
            identifier(name),
            identifier(others[0])
        ),
    };
    let finding = Finding::of_role(DatabaseCheck::UnusedAppRole, name, message, fix)
        .fact("what the role that the application connects as can do was not checked");
    if others.is_empty() {
        finding.fact("no role but superusers logs in")
    } else {
        finding.fact(format!("roles that log in: {}", quoted(others)))
    }
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::migrations::apply::MIGRATOR;
    use crate::database::testing::{Database, NOTHING, found};

    fn cannot_log_in(it: &mut Database) {
        it.role("app").can_log_in = false;
    }

    #[test]
    fn a_role_that_cannot_log_in_beside_one_that_can() {
        assert_eq!(
            found(find, |it| {
                cannot_log_in(it);
                it.add_role("web");
            }),
            ["- app"]
        );
    }

    #[test]
    fn only_superusers_log_in() {
        assert_eq!(found(find, cannot_log_in), ["- app"]);
    }

    fn found_on_throwaway(change: impl FnOnce(&mut Database)) -> Vec<Option<String>> {
        let mut database = Database::sound();
        cannot_log_in(&mut database);
        change(&mut database);
        let found = database.inspect_throwaway(find);
        found.into_iter().map(|finding| finding.object).collect()
    }

    #[test]
    fn a_server_of_migrations_has_only_their_roles() {
        assert_eq!(found_on_throwaway(|_| ()), []);
        let found = found_on_throwaway(|it| {
            it.add_role("web");
        });
        assert_eq!(found, [Some("app".to_string())]);
    }

    /// Whether or not it owns a table yet.
    #[test]
    fn whoever_runs_the_migrations() {
        let migrator = |name: &'static str| {
            move |it: &mut Database| {
                it.add_role(name);
            }
        };
        assert_eq!(found_on_throwaway(migrator(MIGRATOR)), []);
        let named = |it: &mut Database| {
            it.policy_file.push_str("owner = \"deployer\"\n");
            it.add_role("deployer");
        };
        assert_eq!(found_on_throwaway(named), []);
        // In a database that others use, somebody has to connect.
        let in_database = found(find, |it| {
            cannot_log_in(it);
            named(it);
        });
        assert_eq!(in_database, ["- app"]);
    }

    #[test]
    fn a_member_that_logs_in() {
        assert_eq!(
            found(find, |it| {
                cannot_log_in(it);
                it.add_role("web");
                it.add_member("app", "web");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_role_that_logs_in() {
        assert_eq!(
            found(find, |it| {
                it.add_role("web");
            }),
            NOTHING
        );
    }
}
