//! Default privileges under which the next table would be open before it is protected.

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::{Access, DatabaseCheck};

use crate::database::access::grants::{revoked, unbound};
use crate::database::access::roles::Actor;
use crate::database::catalog::Oid;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::migrations::apply::MIGRATOR;
use crate::database::migrations::platform;
use crate::database::requirements::statements::identifier;

/// Privileges on the tables that a role will create, in one schema or in all.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct DefaultGrants<'c> {
    owner: Oid,
    schema: Option<&'c str>,
    grantee: Oid,
}

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let unsafe_ones = never_granted(context);
    let has_secured = context.row_secured().next().is_some();
    if !has_secured && unsafe_ones.is_empty() {
        return Vec::new();
    }
    let tables = context.tables.iter();
    let schemas: BTreeSet<&str> = tables.map(|table| table.qualified.schema.as_str()).collect();
    // What a platform's superuser makes is the platform's own.
    let superuser = context.settings.platform.and_then(|platform| {
        let role = context.catalog.role(platform::superuser(Some(platform)))?;
        Some(role.oid)
    });
    let mut grants: BTreeMap<DefaultGrants<'_>, Vec<&str>> = BTreeMap::new();
    for grant in &context.catalog.default_grants {
        let schema = grant.schema.as_deref();
        let is_told = has_secured || unsafe_ones.contains(&grant.privilege.as_str());
        let is_of_platform = superuser == Some(grant.owner);
        if schema.is_none_or(|schema| schemas.contains(schema)) && is_told && !is_of_platform {
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
        let list = privileges.join(", ");
        let is_grave = privileges.iter().any(|one| unsafe_ones.contains(one));
        findings.extend(apps.map(|app| {
            let finding = finding(context, app, grants, &list);
            if is_grave {
                finding.fact(
                    "the next protected table stays open to what no policy binds, until somebody revokes it",
                )
            } else {
                finding.warning()
            }
        }));
    }
    findings
}

/// The privileges that no protected table of the registry may have.
fn never_granted(context: &Context<'_>) -> BTreeSet<&'static str> {
    let mut privileges = BTreeSet::new();
    if context.row_secured().next().is_some() {
        privileges.extend(unbound(Access::ReadWrite));
    }
    if context.append_only().next().is_some() {
        privileges.extend(
            unbound(Access::AppendOnly)
                .iter()
                .chain(revoked(Access::AppendOnly)),
        );
    }
    privileges
}

fn finding(context: &Context<'_>, app: &Actor<'_>, grants: DefaultGrants<'_>, privileges: &str) -> Finding {
    let owner = context.catalog.role_name(grants.owner);
    let grantee = context.catalog.role_name(grants.grantee);
    // The role that applies migrations exists only on a throwaway server, so the fix does not name it.
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
        .fact("the next table is open before it has row-level security")
}

#[cfg(test)]
mod tests {
    use table_registry_engine::Severity;

    use super::find;
    use crate::database::catalog::DefaultGrant;
    use crate::database::testing::{Database, NOTHING, findings, found};

    fn default_grant(it: &mut Database, privilege: &str, grantee: &str) {
        let (owner, grantee) = (it.role_oid("owner"), it.role_oid(grantee));
        it.rows.default_grants.push(DefaultGrant {
            owner,
            schema: None,
            grantee,
            privilege: privilege.to_string(),
        });
    }

    #[test]
    fn privileges_to_change_rows() {
        assert_eq!(
            found(find, |it| {
                default_grant(it, "UPDATE", "app");
                default_grant(it, "DELETE", "PUBLIC");
            }),
            ["- PUBLIC", "- app"]
        );
    }

    /// The order of migrations decides whether somebody reads the table before it has policies.
    #[test]
    fn privileges_to_read_and_insert() {
        let read = findings(find, |it| {
            default_grant(it, "SELECT", "app");
            default_grant(it, "INSERT", "app");
        });
        assert_eq!(
            read[0].message,
            "new tables of `owner` are open to SELECT, INSERT by `app`"
        );
        assert_eq!((read.len(), read[0].severity), (1, Severity::Warning));
    }

    #[test]
    fn privileges_that_no_policy_binds() {
        for privilege in ["TRUNCATE", "TRIGGER", "REFERENCES", "MAINTAIN"] {
            let granted = findings(find, |it| {
                default_grant(it, "SELECT", "app");
                default_grant(it, privilege, "app");
            });
            assert_eq!((granted.len(), granted[0].severity), (1, Severity::Error));
        }
    }

    #[test]
    fn tables_of_one_tenant() {
        assert_eq!(
            found(find, |it| {
                it.policy_file = it
                    .policy_file
                    .replace("column = \"org_id\"\nsetting = \"app.org_id\"", "mode = \"none\"");
                default_grant(it, "SELECT", "app");
            }),
            NOTHING
        );
    }

    #[test]
    fn privileges_of_another_role() {
        assert_eq!(
            found(find, |it| {
                it.add_role("backup");
                default_grant(it, "UPDATE", "backup");
            }),
            NOTHING
        );
    }

    #[test]
    fn privileges_in_a_schema_without_registered_tables() {
        assert_eq!(
            found(find, |it| {
                default_grant(it, "UPDATE", "app");
                it.rows.default_grants[0].schema = Some("other".to_string());
            }),
            NOTHING
        );
    }
}
