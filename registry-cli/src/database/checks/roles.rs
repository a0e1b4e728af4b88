//! What the roles of the application are.

use std::collections::{BTreeMap, BTreeSet};

use registry_core::engine::Code;

use super::Context;
use crate::database::catalog::{Oid, PUBLIC};
use crate::database::finding::Finding;
use crate::database::is_change;
use crate::database::roles::exemption;
use crate::database::statements::identifier;
use crate::text::listed;

pub fn missing_app_role(context: &Context<'_>) -> Vec<Finding> {
    let roles = context.config.app_roles.iter().map(|entry| entry.name.as_str());
    let missing = roles.filter(|role| context.catalog.role(role).is_none());
    missing
        .map(|role| {
            Finding::of_role(
                Code::MissingAppRole,
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
        let own = exemption(app.role, version).map(|why| (app.role, why));
        let others = app
            .others()
            .filter_map(|role| Some((role, exemption(role, version)?)));
        for (role, why) in own.into_iter().chain(others) {
            let name = &app.role.name;
            let (message, fix) = if role.oid == app.role.oid {
                let message = format!("role `{name}` is exempt from all rules: {why}");
                (message, format!("ALTER ROLE {} NO{why};", identifier(name)))
            } else {
                let message = format!(
                    "role `{name}` can become `{}`, which is exempt from all rules: {why}",
                    role.name
                );
                (message, app.revoke_way_to(role.oid))
            };
            let finding = Finding::of_role(Code::PrivilegedAppRole, name, message, fix);
            findings.push(if role.oid == app.role.oid {
                finding.fact("an attribute in `pg_roles`")
            } else {
                finding
                    .object(role.name.clone())
                    .fact(format!("memberships: {}", app.way_to(role.oid)))
            });
        }
    }
    findings
}

pub fn app_role_owns_table(context: &Context<'_>) -> Vec<Finding> {
    let mut owned: BTreeMap<Oid, Vec<String>> = BTreeMap::new();
    for (table, relation) in context.present() {
        owned
            .entry(relation.owner)
            .or_default()
            .push(format!("table `{}`", table.name()));
    }
    let schemas: BTreeSet<&str> = context
        .present()
        .map(|(_, relation)| relation.schema.as_str())
        .collect();
    for schema in context
        .catalog
        .schemas
        .iter()
        .filter(|schema| schemas.contains(schema.name.as_str()))
    {
        owned
            .entry(schema.owner)
            .or_default()
            .push(format!("schema `{}`", schema.name));
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

fn owner_finding(
    context: &Context<'_>,
    app: &crate::database::roles::AppRole<'_>,
    owner: Oid,
    things: &[String],
) -> Finding {
    let (name, owner_name) = (&app.role.name, context.catalog.role_name(owner));
    let things = listed(things);
    let own = owner == app.role.oid;
    let (message, fix) = if own {
        let message = format!("role `{name}` owns {things}");
        (
            message,
            format!(
                "REASSIGN OWNED BY {} TO \"…\"; -- the role that runs the migrations",
                identifier(name)
            ),
        )
    } else {
        let message = format!("role `{name}` can become `{owner_name}`, which owns {things}");
        (message, app.revoke_way_to(owner))
    };
    let finding = Finding::of_role(Code::AppRoleOwnsTable, name, message, fix)
        .object(owner_name)
        .fact(
            "an owner can switch row-level security off, grant itself what was revoked, and drop the table",
        );
    if own {
        finding
    } else {
        finding.fact(format!("memberships: {}", app.way_to(owner)))
    }
}

pub fn default_privilege(context: &Context<'_>) -> Vec<Finding> {
    if context.append_only().next().is_none() {
        return Vec::new();
    }
    let schemas: BTreeSet<&str> = context
        .tables
        .iter()
        .map(|table| table.qualified.schema.as_str())
        .collect();
    let mut grants: BTreeMap<(Oid, Option<&str>, Oid), Vec<&str>> = BTreeMap::new();
    for grant in &context.catalog.default_grants {
        let schema = grant.schema.as_deref();
        if schema.is_none_or(|schema| schemas.contains(schema)) && is_change(&grant.privilege) {
            grants
                .entry((grant.owner, schema, grant.grantee))
                .or_default()
                .push(&grant.privilege);
        }
    }
    let mut findings = Vec::new();
    for ((owner, schema, grantee), privileges) in grants {
        let Some(app) = context.app_role_reaching(grantee) else {
            continue;
        };
        let privileges = privileges.join(", ");
        let (owner, grantee_name) = (
            context.catalog.role_name(owner),
            context.catalog.role_name(grantee),
        );
        let of_schema = schema
            .map(|schema| format!(" IN SCHEMA {}", identifier(schema)))
            .unwrap_or_default();
        let to = if grantee == PUBLIC {
            "PUBLIC".to_string()
        } else {
            identifier(grantee_name)
        };
        let message = format!(
            "new tables of `{owner}` are open to {privileges} by `{}`",
            app.role.name
        );
        let fix = format!(
            "ALTER DEFAULT PRIVILEGES FOR ROLE {}{of_schema} REVOKE {privileges} ON TABLES FROM {to};",
            identifier(owner)
        );
        findings.push(
            Finding::of_role(Code::DefaultPrivilege, &app.role.name, message, fix)
                .object(grantee_name)
                .fact(format!(
                    "`pg_default_acl` grants {privileges} to `{grantee_name}`"
                ))
                .fact("the next append-only table is open until somebody revokes it"),
        );
    }
    findings
}
