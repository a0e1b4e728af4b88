//! Foreign keys by which a change of a row that belongs to no tenant changes rows of tenants.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::access::roles::Actor;
use crate::database::catalog::{ForeignKey, Oid, Relation, reached};
use crate::database::code::openings::revoke;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;

/// The findings for keys from tables with row-level security to rows that the application may delete, or whose key it may
/// change, though no policy binds that.
pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let keys = context.catalog.foreign_keys.iter().filter(|key| !key.of_parent);
    keys.filter_map(|key| finding(context, key)).collect()
}

fn finding(context: &Context<'_>, key: &ForeignKey) -> Option<Finding> {
    let child = context.table_holding(key.relation)?;
    let relation = context.catalog.relation_of(key.relation)?;
    // `cascade_into_append_only` reports all of those.
    if !child.has_rls() || child.registered.access.is_append_only() {
        return None;
    }
    let ways: Vec<Way<'_>> = [deletes(context, key), updates(context, key)]
        .into_iter()
        .flatten()
        .collect();
    let first = ways.first()?;
    let message = format!(
        "foreign key `{}` changes rows of every tenant in table `{}` when a row of `{}` changes",
        key.name,
        child.name(),
        context.name_of(first.start)
    );
    let fixes: Vec<String> = ways
        .iter()
        .map(|way| revoke(context, way.start, &[way.privilege]))
        .collect();
    let finding = Finding::of_table(
        DatabaseCheck::CrossTenantReference,
        child.name(),
        message,
        fixes.join("\n"),
    )
    .object(&key.name)
    .of_column(key.columns.first().map_or("", String::as_str))
    .of_relation(context.name_beside(child, relation));
    let facts = ways.iter().map(|way| {
        format!(
            "{}: the application holds {} on `{}`, and no policy binds it there",
            way.action,
            way.privilege,
            context.name_of(way.start)
        )
    });
    Some(facts.fold(finding, Finding::fact).grave())
}

/// How the application makes the key change rows.
struct Way<'c> {
    /// The table whose row the application changes.
    start: &'c Relation,
    privilege: &'static str,
    action: String,
}

fn deletes<'c>(context: &'c Context<'_>, key: &ForeignKey) -> Option<Way<'c>> {
    let action = action("DELETE", &key.on_delete)?;
    // Deleting a row deletes the rows that refer to it with CASCADE.
    let above = reached(key.referenced, |at| {
        let keys = context.catalog.foreign_keys.iter();
        let cascading = keys.filter(move |key| key.relation == at && key.on_delete == "c");
        cascading.map(|key| key.referenced)
    });
    let all: BTreeSet<Oid> = above.into_iter().filter(|oid| *oid != key.referenced).collect();
    let mut starts = std::iter::once(key.referenced).chain(all);
    let start = starts.find_map(|oid| {
        let relation = global(context, oid)?;
        is_free(context, relation, |app| app.may(relation, &["DELETE"])).then_some(relation)
    })?;
    Some(Way {
        start,
        privilege: "DELETE",
        action,
    })
}

fn updates<'c>(context: &'c Context<'_>, key: &ForeignKey) -> Option<Way<'c>> {
    let action = action("UPDATE", &key.on_update)?;
    let start = global(context, key.referenced)?;
    let may = |app: &Actor<'_>| {
        let mut keys = key.keys.iter();
        app.enters(&start.schema) && keys.any(|column| app.holds_on(start, column, "UPDATE"))
    };
    is_free(context, start, may).then_some(Way {
        start,
        privilege: "UPDATE",
        action,
    })
}

/// A relation whose rows no policy of the registry divides by tenants.
fn global<'c>(context: &'c Context<'_>, oid: Oid) -> Option<&'c Relation> {
    let is_divided = context.table_holding(oid).is_some_and(Table::has_rls);
    context.catalog.relation_of(oid).filter(|_| !is_divided)
}

/// Whether a role of the application may do something to a relation, and no policy binds it there.
fn is_free(context: &Context<'_>, relation: &Relation, may: impl Fn(&Actor<'_>) -> bool) -> bool {
    let mut apps = context.app_roles.iter();
    apps.any(|app| may(app) && !app.is_bound(relation))
}

/// What a key does to rows that refer to a row that changes, given by the letter of the catalog.
pub fn action(event: &str, letter: &str) -> Option<String> {
    let action = match letter {
        "c" => "CASCADE",
        "n" => "SET NULL",
        "d" => "SET DEFAULT",
        _ => return None,
    };
    Some(format!("ON {event} {action}"))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    fn key(it: &mut Database, on_delete: &str, on_update: &str) {
        let key = it.foreign_key("invoices", &["total"], "users", &["id"]);
        key.on_delete = on_delete.to_string();
        key.on_update = on_update.to_string();
    }

    #[test]
    fn actions() {
        for (on_delete, on_update) in [("c", "a"), ("n", "a"), ("d", "r"), ("a", "c"), ("r", "n")] {
            assert_eq!(
                found(find, |it| key(it, on_delete, on_update)),
                ["invoices invoices_total_fkey"],
                "{on_delete} {on_update}"
            );
        }
        assert_eq!(found(find, |it| key(it, "a", "r")), NOTHING);
        let both = findings(find, |it| key(it, "c", "c"));
        assert_eq!(
            both[0].fix,
            "REVOKE DELETE ON TABLE \"public\".\"users\" FROM \"app\";\nREVOKE UPDATE ON TABLE \"public\".\"users\" FROM \"app\";"
        );
        assert!(both[0].is_grave());
    }

    #[test]
    fn privileges_on_the_global_table() {
        let without = |privilege: &'static str, on_delete: &'static str, on_update: &'static str| {
            found(find, move |it| {
                key(it, on_delete, on_update);
                let users = it.oid("users");
                it.rows
                    .grants
                    .retain(|one| one.relation != users || one.privilege != privilege);
            })
        };
        assert_eq!(without("DELETE", "c", "a"), NOTHING);
        assert_eq!(without("UPDATE", "a", "c"), NOTHING);
        // UPDATE of another column leaves the key alone.
        assert_eq!(
            found(find, |it| {
                key(it, "a", "c");
                let users = it.oid("users");
                for grant in it.rows.grants.iter_mut().filter(|one| one.relation == users) {
                    grant.column = Some("name".to_string());
                }
            }),
            NOTHING
        );
    }

    #[test]
    fn a_global_row_that_is_deleted_with_another() {
        let cascades = |on_delete: &'static str| {
            found(find, move |it| {
                it.table("plans", &[("id", "int8"), ("author", "int8")]);
                it.foreign_key("plans", &["author"], "users", &["id"]).on_delete = on_delete.to_string();
                it.foreign_key("invoices", &["total"], "plans", &["id"]).on_delete = "c".to_string();
            })
        };
        assert_eq!(cascades("c"), ["invoices invoices_total_fkey"]);
        assert_eq!(cascades("r"), NOTHING);
    }

    #[test]
    fn tables_whose_rows_policies_divide() {
        // The table of tenants, and a table of users with policies of its own.
        assert_eq!(
            found(find, |it| {
                it.schema = "#[table(tenant = \"id\")] pub struct Tenants { pub id: String }".to_string();
                it.table("tenants", &[("id", "text")]);
                it.secure("tenants");
                it.grant("DELETE", "tenants", "app");
                it.foreign_key("invoices", &["org_id"], "tenants", &["id"])
                    .on_delete = "c".to_string();
            }),
            NOTHING
        );
        assert_eq!(
            found(find, |it| {
                key(it, "c", "c");
                it.secure("users");
            }),
            NOTHING
        );
    }

    #[test]
    fn children_that_are_global_or_append_only() {
        assert_eq!(
            found(find, |it| {
                it.foreign_key("audit_logs", &["id"], "users", &["id"]).on_delete = "c".to_string();
                it.foreign_key("users", &["id"], "users", &["id"]).on_delete = "c".to_string();
            }),
            NOTHING
        );
    }
}
