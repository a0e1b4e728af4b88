//! Tables whose rows never change.

use std::collections::BTreeMap;

use registry_core::engine::Code;

use super::Context;
use crate::database::catalog::{Catalog, Grant, Oid, PUBLIC, Relation, Trigger};
use crate::database::finding::Finding;
use crate::database::is_change;
use crate::database::roles::AppRole;
use crate::database::statements::{TRIGGER, create_trigger, create_trigger_function, identifier};
use crate::text::quoted;

/// Privileges that one grantor gave to one grantee.
pub struct OpenGrant {
    pub grantor: Oid,
    pub grantee: Oid,
    /// `UPDATE`, or `UPDATE ("a", "b")`.
    pub privileges: Vec<String>,
    /// By which role of the application it is used.
    pub way: String,
}

/// The grants by which a role of the application may change rows of a table.
pub fn open_grants(context: &Context<'_>, relation: &Relation) -> Vec<OpenGrant> {
    let mut groups: BTreeMap<(Oid, Oid), Vec<&Grant>> = BTreeMap::new();
    for grant in context.catalog.grants(relation.oid) {
        // What the owner may do is reported with the role that can become the owner.
        if is_change(&grant.privilege) && grant.grantee != relation.owner {
            groups
                .entry((grant.grantor, grant.grantee))
                .or_default()
                .push(grant);
        }
    }
    let open = groups.into_iter().filter_map(|((grantor, grantee), grants)| {
        let app = context.app_role_reaching(grantee)?;
        Some(OpenGrant {
            grantor,
            grantee,
            privileges: privileges(&grants),
            way: way(context.catalog, app, grantee),
        })
    });
    open.collect()
}

fn privileges(grants: &[&Grant]) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for grant in grants {
        let columns = by_name.entry(&grant.privilege).or_default();
        columns.extend(grant.column.as_deref().map(identifier));
    }
    let texts = by_name
        .into_iter()
        .map(|(name, columns)| match columns.as_slice() {
            [] => name.to_string(),
            columns => format!("{name} ({})", columns.join(", ")),
        });
    texts.collect()
}

fn way(catalog: &Catalog, app: &AppRole<'_>, grantee: Oid) -> String {
    match grantee {
        PUBLIC => "granted to PUBLIC, and so to every role".to_string(),
        own if own == app.role.oid => format!("granted to `{}`", app.role.name),
        group => format!("granted to `{}`: {}", catalog.role_name(group), app.way_to(group)),
    }
}

impl OpenGrant {
    /// A REVOKE takes away only what its own role has granted.
    pub fn revoke(&self, context: &Context<'_>, relation: &Relation) -> String {
        let to = match self.grantee {
            PUBLIC => "PUBLIC".to_string(),
            role => identifier(context.catalog.role_name(role)),
        };
        let revoke = format!(
            "REVOKE {} ON TABLE {} FROM {to};",
            self.privileges.join(", "),
            relation.qualified()
        );
        if self.grantor == relation.owner {
            return revoke;
        }
        let grantor = identifier(context.catalog.role_name(self.grantor));
        format!("SET ROLE {grantor}; {revoke} RESET ROLE;")
    }
}

pub fn append_only_privilege(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.append_only() {
        for grant in open_grants(context, relation) {
            let message = format!(
                "append-only table `{}` is open to {}",
                table.name(),
                grant.privileges.join(", ")
            );
            findings.push(
                Finding::of_table(
                    Code::AppendOnlyPrivilege,
                    table.name(),
                    message,
                    grant.revoke(context, relation),
                )
                .object(context.catalog.role_name(grant.grantee))
                .fact(grant.way)
                .fact(format!(
                    "granted by `{}`",
                    context.catalog.role_name(grant.grantor)
                )),
            );
        }
    }
    findings.extend(write_all_data(context));
    findings
}

/// A role that may write everything has no row in any list of privileges.
fn write_all_data(context: &Context<'_>) -> Vec<Finding> {
    let mut tables = context.append_only().map(|(table, _)| table.name()).peekable();
    if tables.peek().is_none() {
        return Vec::new();
    }
    let tables = quoted(tables);
    let mut findings = Vec::new();
    for app in &context.app_roles {
        let Some(role) = app.writes_all_data() else {
            continue;
        };
        let message = format!(
            "role `{}` may update and delete rows of every table by `{}`",
            app.role.name, role.name
        );
        let fix = app.revoke_way_to(role.oid);
        findings.push(
            Finding::of_role(Code::AppendOnlyPrivilege, &app.role.name, message, fix)
                .object(&role.name)
                .fact(format!("memberships: {}", app.way_to(role.oid)))
                .fact(format!("append-only are {tables}")),
        );
    }
    findings
}

pub fn missing_trigger(context: &Context<'_>) -> Vec<Finding> {
    if !context.config.append_only_trigger {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (table, relation) in context.append_only() {
        let triggers = context.catalog.triggers(relation.oid);
        if triggers.iter().any(refuses_changes) {
            continue;
        }
        let disabled = triggers.iter().find(|trigger| trigger.name == TRIGGER);
        let fix = match disabled {
            Some(_) => format!(
                "ALTER TABLE {} ENABLE TRIGGER {};",
                table.qualified,
                identifier(TRIGGER)
            ),
            None => format!(
                "{}\n{}",
                create_trigger_function(&context.config.schema),
                create_trigger(&table.qualified, &context.config.schema)
            ),
        };
        let message = format!(
            "no trigger refuses changes of append-only table `{}`",
            table.name()
        );
        findings.push(
            Finding::of_table(Code::MissingTrigger, table.name(), message, fix).fact(match disabled {
                Some(_) => format!("trigger `{TRIGGER}` is disabled"),
                None => format!(
                    "`pg_trigger` has no trigger that calls `{TRIGGER}` for UPDATE, DELETE and TRUNCATE"
                ),
            }),
        );
    }
    findings
}

/// Bits of `pg_trigger.tgtype`: 1 a trigger of rows, 2 before, 8 DELETE, 16 UPDATE, 32 TRUNCATE.
pub fn refuses_changes(trigger: &Trigger) -> bool {
    let enabled = trigger.enabled == "O" || trigger.enabled == "A";
    enabled
        && trigger.function == TRIGGER
        && trigger.events & 0b11_1011 == 0b11_1010
        && !trigger.has_condition
}

pub fn cascade_into_append_only(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.append_only() {
        let family: Vec<Oid> = context.family(relation).map(|one| one.oid).collect();
        let keys = context.catalog.foreign_keys.iter();
        for key in keys.filter(|key| family.contains(&key.relation)) {
            let actions = [("DELETE", &key.on_delete), ("UPDATE", &key.on_update)];
            let actions: Vec<String> = actions
                .iter()
                .filter_map(|(event, letter)| action(event, letter))
                .collect();
            if actions.is_empty() {
                continue;
            }
            let own = context.catalog.relation_of(key.relation).unwrap_or(relation);
            let on = own.qualified();
            let name = identifier(&key.name);
            let message = format!(
                "foreign key `{}` changes rows of append-only table `{}`: {}",
                key.name,
                table.name(),
                actions.join(", ")
            );
            let mut definition = key.definition.clone();
            for action in &actions {
                definition = definition.replace(&format!(" {action}"), "");
            }
            let fix = format!("ALTER TABLE {on} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {definition};");
            findings.push(
                Finding::of_table(Code::CascadeIntoAppendOnly, table.name(), message, fix)
                    .object(&key.name)
                    .fact("it does so without asking for a privilege on the table"),
            );
        }
    }
    findings
}

fn action(event: &str, letter: &str) -> Option<String> {
    let action = match letter {
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        _ => return None,
    };
    Some(format!("ON {event} {action}"))
}
