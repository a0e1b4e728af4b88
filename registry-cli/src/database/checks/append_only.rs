//! Tables whose rows never change.

use std::collections::BTreeMap;

use table_registry_engine::DatabaseCheck;

use super::Context;
use crate::database::catalog::{Catalog, Grant, Oid, PUBLIC, Relation, Trigger};
use crate::database::finding::Finding;
use crate::database::is_change;
use crate::database::mention::Words;
use crate::database::roles::Actor;
use crate::database::statements::{
    Qualified, TRIGGER, create_trigger, create_trigger_function, drop_trigger, identifier,
};

/// Privileges that one grantor gave to one grantee.
pub struct OpenGrant {
    pub grantor: Oid,
    pub grantee: Oid,
    /// `UPDATE`, or `UPDATE ("a", "b")`.
    pub privileges: Vec<String>,
    /// Whether the grantee may have granted them further.
    is_grantable: bool,
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
            is_grantable: grants.iter().any(|grant| grant.is_grantable),
            way: way(context.catalog, app, grantee),
        })
    });
    open.collect()
}

fn privileges(grants: &[&Grant]) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
    for grant in grants {
        by_name
            .entry(&grant.privilege)
            .or_default()
            .push(grant.column.as_deref());
    }
    let texts = by_name.into_iter().map(|(name, columns)| {
        // Where one grant is about the whole table, REVOKE has to name the table.
        let columns: Option<Vec<String>> = columns.into_iter().map(|column| column.map(identifier)).collect();
        match columns {
            Some(columns) => format!("{name} ({})", columns.join(", ")),
            None => name.to_string(),
        }
    });
    texts.collect()
}

fn way(catalog: &Catalog, app: &Actor<'_>, grantee: Oid) -> String {
    match grantee {
        PUBLIC => "granted to PUBLIC, and so to every role".to_string(),
        own if own == app.role.oid => format!("granted to `{}`", app.role.name),
        group => format!("granted to `{}`: {}", catalog.role_name(group), app.way_to(group)),
    }
}

impl OpenGrant {
    /// A REVOKE takes away only what its own role has granted.
    pub fn revoke(&self, context: &Context<'_>, relation: &Relation) -> String {
        let cascade = if self.is_grantable { " CASCADE" } else { "" };
        let revoke = format!(
            "REVOKE {} ON TABLE {} FROM {}{cascade};",
            self.privileges.join(", "),
            relation.qualified(),
            context.catalog.grantee(self.grantee)
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
                    DatabaseCheck::AppendOnlyPrivilege,
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
    findings
}

pub fn missing_trigger(context: &Context<'_>) -> Vec<Finding> {
    if !context.config.append_only_trigger {
        return Vec::new();
    }
    let tables = context.append_only();
    tables
        .filter_map(|(table, relation)| {
            let (fact, fix) = trigger_fault(context, relation)?;
            let message = format!(
                "no trigger refuses changes of append-only table `{}`",
                table.name()
            );
            Some(Finding::of_table(DatabaseCheck::MissingTrigger, table.name(), message, fix).fact(fact))
        })
        .collect()
}

/// What is wrong with the trigger of a table, and what mends it.
fn trigger_fault(context: &Context<'_>, relation: &Relation) -> Option<(String, String)> {
    if has_trigger(context, relation) {
        return None;
    }
    let name = relation.qualified();
    let Some(trigger) = context
        .catalog
        .triggers(relation.oid)
        .iter()
        .find(|trigger| trigger.name == TRIGGER)
    else {
        let fact =
            format!("`pg_trigger` has no trigger that calls `{TRIGGER}` for UPDATE, DELETE and TRUNCATE");
        return Some((fact, create_trigger_anew(context, &name)));
    };
    if refuses_when_enabled(context, trigger) {
        let fix = format!("ALTER TABLE {name} ENABLE TRIGGER {};", identifier(TRIGGER));
        return Some((format!("trigger `{TRIGGER}` is disabled"), fix));
    }
    let fact = format!("trigger `{TRIGGER}` does not refuse each UPDATE, DELETE and TRUNCATE");
    Some((fact, create_trigger_anew(context, &name)))
}

/// Makes the trigger and its function, whatever is there.
pub fn create_trigger_anew(context: &Context<'_>, table: &Qualified) -> String {
    let schema = &context.config.schema;
    [
        create_trigger_function(schema),
        drop_trigger(table),
        create_trigger(table, schema),
    ]
    .join("\n")
}

/// Whether a trigger refuses each change of a table.
pub fn has_trigger(context: &Context<'_>, relation: &Relation) -> bool {
    let mut triggers = context.catalog.triggers(relation.oid).iter();
    triggers.any(|trigger| {
        let is_enabled = trigger.enabled == "O" || trigger.enabled == "A";
        is_enabled && refuses_when_enabled(context, trigger)
    })
}

/// Bits of `pg_trigger.tgtype`: 1 a trigger of rows, 2 before, 8 DELETE, 16 UPDATE, 32 TRUNCATE.
fn refuses_when_enabled(context: &Context<'_>, trigger: &Trigger) -> bool {
    let body = Words::outside_quotes(&trigger.function_body);
    trigger.function == TRIGGER
        && trigger.function_schema == context.config.schema
        && is_out_of_reach(context, trigger)
        && body.contain("raise")
        && !body.contain("return")
        && trigger.events & 0b11_1011 == 0b11_1010
        && !trigger.has_condition
}

/// Who owns the function can replace it. Who owns the table, too, is reported as that.
fn is_out_of_reach(context: &Context<'_>, trigger: &Trigger) -> bool {
    let table = context.catalog.relation_of(trigger.relation);
    let owner = trigger.function_owner;
    table.is_some_and(|table| table.owner == owner) || context.app_role_reaching(owner).is_none()
}

pub fn cascade_into_append_only(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.append_only() {
        let family: Vec<Oid> = context.family(relation).map(|one| one.oid).collect();
        let keys = context.catalog.foreign_keys.iter();
        // A key of the table itself may be that of its parent; those of its children are its own.
        let keys = keys
            .filter(|key| key.relation == relation.oid || (family.contains(&key.relation) && !key.of_parent));
        for key in keys {
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
            let fix = if key.of_parent {
                format!("change the foreign key of the table that {on} is a partition of")
            } else {
                format!(
                    "ALTER TABLE {on} DROP CONSTRAINT {name}, ADD CONSTRAINT {name} {};",
                    key.harmless
                )
            };
            findings.push(
                Finding::of_table(DatabaseCheck::CascadeIntoAppendOnly, table.name(), message, fix)
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
