//! Foreign keys that change rows of append-only tables.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{ForeignKey, Oid, Relation};
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;
use crate::database::rows::global_references::action;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.append_only() {
        let family: Vec<Oid> = context.family(relation).map(|one| one.oid).collect();
        let all = context.catalog.foreign_keys.iter();
        // A key of the table itself may repeat one of its parent. Children repeat the keys of the table, so those are
        // reported once.
        let keys = all
            .filter(|key| key.relation == relation.oid || (family.contains(&key.relation) && !key.of_parent));
        findings.extend(keys.filter_map(|key| finding(context, table, relation, key)));
    }
    findings
}

fn finding(
    context: &Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
    key: &ForeignKey,
) -> Option<Finding> {
    let events = [("DELETE", &key.on_delete), ("UPDATE", &key.on_update)];
    let actions: Vec<String> = events
        .iter()
        .filter_map(|(event, letter)| action(event, letter))
        .collect();
    if actions.is_empty() {
        return None;
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
    Some(
        Finding::of_table(DatabaseCheck::CascadeIntoAppendOnly, table.name(), message, fix)
            .object(&key.name)
            .of_relation(context.name_beside(table, own))
            .fact("no privilege on the table is needed for that"),
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, found};

    fn key(it: &mut Database, table: &str, on_delete: &str, on_update: &str) {
        let key = it.foreign_key(table, &["id"], "users", &["id"]);
        key.name = "by_user".to_string();
        key.on_delete = on_delete.to_string();
        key.on_update = on_update.to_string();
    }

    #[test]
    fn actions() {
        for (on_delete, on_update) in [("c", "a"), ("n", "a"), ("d", "r"), ("a", "c"), ("r", "n")] {
            let keys = found(find, |it| key(it, "audit_logs", on_delete, on_update));
            assert_eq!(keys, ["audit_logs by_user"], "{on_delete} {on_update}");
        }
        assert_eq!(found(find, |it| key(it, "audit_logs", "a", "r")), NOTHING);
    }

    #[test]
    fn a_key_of_a_child() {
        assert_eq!(
            found(find, |it| {
                it.child("old_logs", "r", "audit_logs");
                key(it, "old_logs", "c", "a");
            }),
            ["audit_logs by_user"]
        );
    }

    #[test]
    fn a_key_that_a_child_repeats() {
        assert_eq!(
            found(find, |it| {
                it.child("old_logs", "r", "audit_logs");
                key(it, "old_logs", "c", "a");
                it.rows.foreign_keys[0].of_parent = true;
            }),
            NOTHING
        );
    }

    #[test]
    fn a_table_that_is_not_append_only() {
        assert_eq!(found(find, |it| { key(it, "invoices", "c", "c") }), NOTHING);
    }
}
