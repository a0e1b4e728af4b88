//! What the roles of the application are.

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::DatabaseCheck;

use super::{Context, missing_app_roles};
use crate::database::catalog::{Oid, Role};
use crate::database::finding::Finding;
use crate::database::is_change;
use crate::database::migrations::MIGRATOR;
use crate::database::roles::{Actor, exemptions};
use crate::database::statements::identifier;
use crate::text::listed;

pub fn missing_app_role(context: &Context<'_>) -> Vec<Finding> {
    missing_app_roles(context)
        .into_iter()
        .map(|role| {
            Finding::of_role(
                DatabaseCheck::MissingAppRole,
                role,
                format!("role `{role}` does not exist"),
                format!("CREATE ROLE {} LOGIN;", identifier(role)),
            )
            .fact("`pg_roles` has no row of that name")
        })
        .collect()
}

pub fn privileged_app_role(context: &Context<'_>) -> Vec<Finding> {
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
    Finding::of_role(DatabaseCheck::PrivilegedAppRole, name, message, fix).fact("an attribute in `pg_roles`")
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
        .fact(app.memberships(role.oid))
}

pub fn app_role_owns_table(context: &Context<'_>) -> Vec<Finding> {
    let mut owned: BTreeMap<Oid, Vec<Owned>> = BTreeMap::new();
    for (table, parent) in context.present() {
        for relation in context.family(parent) {
            let text = if relation.oid == parent.oid {
                format!("table `{}`", table.name())
            } else {
                format!("table `{}`, a child of `{}`", relation.name, table.name())
            };
            let sql = format!("TABLE {}", relation.qualified());
            owned.entry(relation.owner).or_default().push(Owned { text, sql });
        }
    }
    let schemas: BTreeSet<&str> = context
        .present()
        .map(|(_, relation)| relation.schema.as_str())
        .collect();
    for schema in context
        .catalog
        .schemas
        .values()
        .filter(|schema| schemas.contains(schema.name.as_str()))
    {
        owned.entry(schema.owner).or_default().push(Owned {
            text: format!("schema `{}`", schema.name),
            sql: format!("SCHEMA {}", identifier(&schema.name)),
        });
    }
    let mut findings = Vec::new();
    for app in &context.app_roles {
        for (owner, things) in owned.iter().filter(|(owner, _)| app.reaches(**owner)) {
            // Who can become an owner can become what that owner can become.
            if app.passes(*owner, |step| owned.contains_key(&step)) {
                continue;
            }
            // A superuser owns everything, and is reported as one.
            if context.catalog.role_of(*owner).is_some_and(|role| role.superuser) {
                continue;
            }
            findings.push(owner_finding(context, app, *owner, things));
        }
    }
    findings
}

/// A table or a schema.
struct Owned {
    text: String,
    sql: String,
}

fn owner_finding(context: &Context<'_>, app: &Actor<'_>, owner: Oid, things: &[Owned]) -> Finding {
    let (name, owner_name) = (&app.role.name, context.catalog.role_name(owner));
    let texts: Vec<String> = things.iter().map(|thing| thing.text.clone()).collect();
    let texts = listed(&texts);
    let is_own = owner == app.role.oid;
    let (message, fix) = if is_own {
        (format!("role `{name}` owns {texts}"), give_away(name, things))
    } else {
        let message = format!("role `{name}` can become `{owner_name}`, which owns {texts}");
        (
            message,
            app.revoke_way_to(owner, &context.catalog.server.database),
        )
    };
    let finding = Finding::of_role(DatabaseCheck::AppRoleOwnsTable, name, message, fix)
        .object(owner_name)
        .fact(
            "an owner can switch row-level security off, grant itself what was revoked, and drop the table",
        );
    if is_own {
        finding
    } else {
        finding.fact(app.memberships(owner))
    }
}

/// To the role that runs the migrations, which only the user knows.
fn give_away(owner: &str, things: &[Owned]) -> String {
    const FEW: usize = 5;
    if things.len() > FEW {
        return format!("REASSIGN OWNED BY {} TO …;", identifier(owner));
    }
    let statements = things
        .iter()
        .map(|thing| format!("ALTER {} OWNER TO …;", thing.sql));
    statements.collect::<Vec<_>>().join(" ")
}

/// New tables of a role: in a schema, or in all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DefaultGrants<'c> {
    owner: Oid,
    schema: Option<&'c str>,
    grantee: Oid,
}

pub fn default_privilege(context: &Context<'_>) -> Vec<Finding> {
    if context.append_only().next().is_none() {
        return Vec::new();
    }
    let tables = context.tables.iter();
    let schemas: BTreeSet<&str> = tables.map(|table| table.qualified.schema.as_str()).collect();
    let mut grants: BTreeMap<DefaultGrants<'_>, Vec<&str>> = BTreeMap::new();
    for grant in &context.catalog.default_grants {
        let schema = grant.schema.as_deref();
        if schema.is_none_or(|schema| schemas.contains(schema)) && is_change(&grant.privilege) {
            let key = DefaultGrants {
                owner: grant.owner,
                schema,
                grantee: grant.grantee,
            };
            grants.entry(key).or_default().push(&grant.privilege);
        }
    }
    let mut findings = Vec::new();
    for (grants, privileges) in grants {
        let apps = context.app_roles.iter().filter(|app| app.reaches(grants.grantee));
        let privileges = privileges.join(", ");
        findings.extend(apps.map(|app| default_privilege_finding(context, app, grants, &privileges)));
    }
    findings
}

fn default_privilege_finding(
    context: &Context<'_>,
    app: &Actor<'_>,
    grants: DefaultGrants<'_>,
    privileges: &str,
) -> Finding {
    let owner = context.catalog.role_name(grants.owner);
    let grantee = context.catalog.role_name(grants.grantee);
    // The role that applies migrations to a server of our own is nobody's elsewhere.
    let of_role = if owner == MIGRATOR {
        String::new()
    } else {
        format!(" FOR ROLE {}", identifier(owner))
    };
    let of_schema = grants
        .schema
        .map(|schema| format!(" IN SCHEMA {}", identifier(schema)));
    let fix = format!(
        "ALTER DEFAULT PRIVILEGES{of_role}{} REVOKE {privileges} ON TABLES FROM {};",
        of_schema.unwrap_or_default(),
        context.catalog.grantee(grants.grantee)
    );
    let message = format!(
        "new tables of `{owner}` are open to {privileges} by `{}`",
        app.role.name
    );
    Finding::of_role(DatabaseCheck::DefaultPrivilege, &app.role.name, message, fix)
        .object(grantee)
        .fact(format!("`pg_default_acl` grants {privileges} to `{grantee}`"))
        .fact("the next append-only table is open until somebody revokes it")
}
