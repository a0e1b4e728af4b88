//! Roles that own a table or its schema, or can become the owner.

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::DatabaseCheck;

use crate::database::access::roles::Actor;
use crate::database::catalog::Oid;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;
use crate::text::listed;

/// A finding of a check for each owner that a role is or can become.
pub fn findings(context: &Context<'_>, actor: &Actor<'_>, check: DatabaseCheck) -> Vec<Finding> {
    let owned = by_owner(context);
    let mut findings = Vec::new();
    for (owner, things) in owned.iter().filter(|(owner, _)| actor.reaches(**owner)) {
        // If the way to this owner leads through another owner, the finding about the other one is enough.
        if actor.passes(*owner, |step| owned.contains_key(&step)) {
            continue;
        }
        // A superuser owns everything, which another check reports.
        if context.catalog.role_of(*owner).is_some_and(|role| role.superuser) {
            continue;
        }
        findings.push(finding(context, actor, check, (*owner, things)));
    }
    findings
}

/// The registered tables and the schemas that hold them, grouped by owner.
fn by_owner(context: &Context<'_>) -> BTreeMap<Oid, Vec<Owned>> {
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
    owned
}

/// A table or a schema.
struct Owned {
    text: String,
    sql: String,
}

fn finding(
    context: &Context<'_>,
    actor: &Actor<'_>,
    check: DatabaseCheck,
    (owner, things): (Oid, &[Owned]),
) -> Finding {
    let (name, owner_name) = (&actor.role.name, context.catalog.role_name(owner));
    let texts: Vec<String> = things.iter().map(|thing| thing.text.clone()).collect();
    let texts = listed(&texts);
    let is_own = owner == actor.role.oid;
    let (message, fix) = if is_own {
        (format!("role `{name}` owns {texts}"), give_away(name, things))
    } else {
        let message = format!("role `{name}` can become `{owner_name}`, which owns {texts}");
        (
            message,
            actor.revoke_way_to(owner, &context.catalog.server.database),
        )
    };
    let finding = Finding::of_role(check, name, message, fix)
        .object(owner_name)
        .fact(
            "an owner can switch row-level security off, grant itself what was revoked, and drop the table",
        );
    if is_own {
        finding
    } else {
        finding.fact(actor.memberships(owner))
    }
}

/// The new owner is the role that runs the migrations, which only the user knows.
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
