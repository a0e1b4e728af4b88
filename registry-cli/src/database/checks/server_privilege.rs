//! Privileges on objects of the server by which the application reaches beyond every policy.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::access::grants::way;
use crate::database::access::logins;
use crate::database::access::roles::{Actor, READ_ALL_DATA};
use crate::database::catalog::{ServerGrant, Setting};
use crate::database::code::unprotecting::REPLICATION_ROLE;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::text::quoted;

const LARGE_OBJECT: &str = "LARGE OBJECT";

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let grants = context.catalog.server_grants.iter();
    let granted = grants.filter_map(|grant| {
        let users = users(context, grant);
        let is_new = seen.insert((grant.grantee, &grant.privilege, &grant.kind, &grant.object));
        (!users.is_empty() && is_new).then(|| granted(context, grant, &users))
    });
    let mut findings: Vec<Finding> = granted.collect();
    findings.extend(
        context
            .app_roles
            .iter()
            .filter_map(|app| reads_statistics(context, app)),
    );
    let settings = context.catalog.settings.iter();
    findings.extend(settings.filter_map(|setting| started(context, setting)));
    findings
}

/// Settings of the server that switch protection off, each with the value that does, and what it does.
const UNPROTECTING: &[(&str, &[&str], &str)] = &[
    (
        REPLICATION_ROLE,
        &["replica"],
        "triggers do not fire, and foreign keys are not checked",
    ),
    (
        "lo_compat_privileges",
        &["on", "true", "yes", "1"],
        "privileges on large objects are not checked",
    ),
];

/// A setting that sessions start with, though the application may not choose it itself.
fn started(context: &Context<'_>, setting: &Setting) -> Option<Finding> {
    let mut known = UNPROTECTING.iter();
    let (name, values, effect) = known.find(|(name, ..)| *name == setting.name)?;
    let value = setting.value.to_lowercase();
    let apps = context.app_roles.iter();
    let started = apps.filter(|app| logins::start_with(context, app, setting));
    let apps: Vec<&str> = started.map(|app| app.role.name.as_str()).collect();
    let first = apps.first().filter(|_| values.contains(&value.as_str()))?;
    let message = format!("sessions of {} start with `{value}` in `{name}`", quoted(&apps));
    let fix = logins::reset(context, setting);
    Some(
        Finding::of_role(DatabaseCheck::ServerPrivilege, first, message, fix)
            .about(&apps)
            .object(format!("{name} = {value}"))
            .fact(*effect)
            .fact(logins::source(context, setting)),
    )
}

/// The roles of the application that a grant is of use to.
fn users<'x, 'c>(context: &'x Context<'c>, grant: &ServerGrant) -> Vec<&'x Actor<'c>> {
    let apps = context.app_roles.iter();
    apps.filter(|app| app.reaches(grant.grantee) && app.reaches(grant.mapped))
        .collect()
}

fn granted(context: &Context<'_>, grant: &ServerGrant, users: &[&Actor<'_>]) -> Finding {
    let (privilege, kind) = (&grant.privilege, &grant.kind);
    if kind == LARGE_OBJECT {
        let fix = "keep what belongs to tenants in a table with row-level security".to_string();
        return finding(users, &format!("{privilege} on"), &grant.name, fix)
            .fact("whoever knows or guesses its number can read it, whichever tenant it belongs to");
    }
    let fix = format!(
        "REVOKE {privilege} ON {kind} {} FROM {};",
        grant.object,
        context.catalog.grantee(grant.grantee)
    );
    let noun = kind.to_lowercase();
    finding(users, &format!("{privilege} on {noun}"), &grant.name, fix)
        .fact(way(context.catalog, users[0], grant.grantee))
        .fact(opened(grant))
}

/// `pg_stats` shows no values of tables with row-level security, but the catalog below it does.
fn reads_statistics(context: &Context<'_>, app: &Actor<'_>) -> Option<Finding> {
    let reader = app.others().find(|role| role.name == READ_ALL_DATA)?;
    context.row_secured().next()?;
    let fix = app.revoke_way_to(reader.oid, &context.catalog.server.database);
    Some(
        finding(&[app], "SELECT on table", "pg_statistic", fix)
            .fact(app.memberships(reader.oid))
            .fact("it holds frequent values of each column, whichever tenant they belong to"),
    )
}

fn finding(users: &[&Actor<'_>], privilege: &str, name: &str, fix: String) -> Finding {
    let names: Vec<&str> = users.iter().map(|app| app.role.name.as_str()).collect();
    let noun = if names.len() == 1 { "role" } else { "roles" };
    let verb = if names.len() == 1 { "holds" } else { "hold" };
    let message = format!(
        "{noun} {} {verb} {privilege} `{name}`, which no policy binds",
        quoted(&names)
    );
    let (short, _) = privilege.split_once(" on").unwrap_or((privilege, ""));
    Finding::of_role(DatabaseCheck::ServerPrivilege, names[0], message, fix)
        .about(&names)
        .object(format!("{short} on {name}"))
}

/// What a privilege lets a role do.
fn opened(grant: &ServerGrant) -> &'static str {
    match (grant.kind.as_str(), grant.privilege.as_str()) {
        ("FUNCTION", _) => {
            "it reaches files of the server, which hold all rows, or connects as the user that the server runs as"
        }
        ("PARAMETER", "ALTER SYSTEM") => {
            "whoever changes the configuration of the server can load code into it"
        }
        ("PARAMETER", _) => "it switches triggers or privileges off, or loads code",
        ("FOREIGN SERVER", _) => {
            "a user mapping says as whom it connects there, and the policies of this database do not apply there"
        }
        ("LANGUAGE", _) => {
            "its functions run as the user of the server, and every role may create temporary functions"
        }
        (_, "SELECT") => "it holds values of rows, or passwords",
        _ => "whoever changes the system catalogs changes every privilege and policy",
    }
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::ServerGrant;
    use crate::database::testing::{Database, NOTHING, findings, found};

    fn grant<'d>(it: &'d mut Database, privilege: &str, kind: &str, grantee: &str) -> &'d mut ServerGrant {
        let grantee = it.role_oid(grantee);
        it.rows.server_grants.push(ServerGrant {
            grantee,
            mapped: 0,
            privilege: privilege.to_string(),
            kind: kind.to_string(),
            object: "pg_catalog.x".to_string(),
            name: "x".to_string(),
        });
        it.rows.server_grants.last_mut().unwrap()
    }

    #[test]
    fn a_function() {
        let of_role = findings(find, |it| {
            grant(it, "EXECUTE", "FUNCTION", "app");
        });
        assert_eq!(of_role[0].object.as_deref(), Some("EXECUTE on x"));
        assert_eq!(
            of_role[0].message,
            "role `app` holds EXECUTE on function `x`, which no policy binds"
        );
        assert_eq!(
            of_role[0].fix,
            "REVOKE EXECUTE ON FUNCTION pg_catalog.x FROM \"app\";"
        );
    }

    #[test]
    fn a_parameter_for_everybody_and_a_table_for_a_group() {
        assert_eq!(
            found(find, |it| {
                grant(it, "SET", "PARAMETER", "PUBLIC");
                it.add_group("readers");
                grant(it, "SELECT", "TABLE", "readers");
            }),
            ["- SET on x", "- SELECT on x"]
        );
    }

    #[test]
    fn a_foreign_server_with_a_mapping_for_another_role() {
        let mapped = |to: &'static str| {
            found(find, |it| {
                let role = it.role_oid(to);
                grant(it, "USAGE", "FOREIGN SERVER", "app").mapped = role;
            })
        };
        assert_eq!(mapped("PUBLIC"), ["- USAGE on x"]);
        assert_eq!(mapped("app"), ["- USAGE on x"]);
        assert_eq!(mapped("owner"), NOTHING);
    }

    /// REVOKE would need the number of each.
    #[test]
    fn large_objects() {
        let of_role = findings(find, |it| {
            let grant = grant(it, "SELECT", "LARGE OBJECT", "app");
            grant.name = "large objects".to_string();
        });
        assert_eq!(of_role[0].object.as_deref(), Some("SELECT on large objects"));
        assert!(!of_role[0].fix.contains("REVOKE"), "{}", of_role[0].fix);
    }

    #[test]
    fn a_language_that_was_made_trusted() {
        let of_everybody = findings(find, |it| {
            let grant = grant(it, "USAGE", "LANGUAGE", "PUBLIC");
            (grant.object, grant.name) = ("plpython3u".to_string(), "plpython3u".to_string());
        });
        assert_eq!(of_everybody[0].object.as_deref(), Some("USAGE on plpython3u"));
        assert_eq!(
            of_everybody[0].fix,
            "REVOKE USAGE ON LANGUAGE plpython3u FROM PUBLIC;"
        );
    }

    #[test]
    fn settings_that_switch_protection_off() {
        let of = |role: &'static str, name: &'static str, value: &'static str| {
            found(find, move |it| {
                it.setting(role, name, value);
            })
        };
        let replica = ["- session_replication_role = replica"];
        assert_eq!(of("app", "session_replication_role", "replica"), replica);
        assert_eq!(of("PUBLIC", "session_replication_role", "Replica"), replica);
        assert_eq!(
            of("app", "lo_compat_privileges", "on"),
            ["- lo_compat_privileges = on"]
        );
        assert_eq!(of("owner", "session_replication_role", "replica"), NOTHING);
        assert_eq!(of("app", "session_replication_role", "origin"), NOTHING);
        assert_eq!(of("app", "lo_compat_privileges", "off"), NOTHING);
        // With `row_security = off`, the server refuses a query that a policy would filter.
        assert_eq!(of("app", "row_security", "off"), NOTHING);
        let of_database = findings(find, |it| {
            it.setting("PUBLIC", "session_replication_role", "replica")
                .in_database = true;
        });
        assert_eq!(
            of_database[0].fix,
            "ALTER DATABASE \"shop\" RESET \"session_replication_role\";"
        );
    }

    #[test]
    fn a_privilege_of_another_role() {
        assert_eq!(
            found(find, |it| {
                grant(it, "EXECUTE", "FUNCTION", "owner");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_reader_of_all_data() {
        assert_eq!(
            found(find, |it| {
                it.add_group("pg_read_all_data");
            }),
            ["- SELECT on pg_statistic"]
        );
    }
}
