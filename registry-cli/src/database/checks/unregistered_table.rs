//! Tables that are neither registered nor exempt.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::bookkeeping::is_bookkeeping;
use crate::database::catalog::{Oid, Relation};
use crate::database::context::{Context, exempt_relations};
use crate::database::finding::Finding;
use crate::database::logins;
use crate::database::platform;
use crate::database::reach::Reach;
use crate::database::renames;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let reach = Reach::new(context);
    let schemas: BTreeSet<&str> = context
        .tables
        .iter()
        .map(|table| table.qualified.schema.as_str())
        .chain([context.settings.schema.as_str()])
        .collect();
    let exempt = exempt_relations(context);
    let is_of_registry = |relation: &Relation| schemas.contains(relation.schema.as_str());
    // `unprotected_parent` judges the parents of registered tables.
    let parents: BTreeSet<Oid> = context
        .present()
        .flat_map(|(_, relation)| context.catalog.ancestors(relation.oid))
        .collect();
    let of_platform = context.settings.platform.map_or(&[][..], platform::schemas);
    let is_looked_at = |relation: &Relation| {
        (relation.is_table() || relation.is_foreign_table())
            && !relation.of_extension
            && !relation.is_template
            && !is_bookkeeping(&relation.name)
            && (is_of_registry(relation)
                || (reach.includes(relation)
                    && !of_platform.contains(&relation.schema.as_str())
                    && !parents.contains(&relation.oid)
                    && !is_moved(context, relation)))
    };
    // `missing_table` reports relations that have the name of a registered table but cannot be one.
    let named: BTreeSet<_> = context.tables.iter().map(|table| &table.qualified).collect();
    let is_named = |oid: Oid| {
        let relation = context.catalog.relation_of(oid);
        relation.is_some_and(|relation| named.contains(&relation.qualified()))
    };
    // `missing_table` reports a renamed table.
    let renamed: BTreeSet<Oid> = renames::tables(context)
        .iter()
        .map(|(_, relation)| relation.oid)
        .collect();
    let is_known = |oid: Oid| exempt.contains(&oid) || renamed.contains(&oid) || is_named(oid);
    // A child is reported with its parent.
    let is_reported = |oid: Oid| context.catalog.relation_of(oid).is_some_and(is_looked_at);
    let unknown = context.catalog.relations.iter().filter(|relation| {
        let ancestors = || context.catalog.ancestors(relation.oid).into_iter();
        is_looked_at(relation)
            && !is_known(relation.oid)
            && !ancestors().any(|parent| is_known(parent) || is_reported(parent))
    });
    let findings = unknown.map(|relation| {
        let likenesses = likenesses(context, relation);
        let fix = if is_of_registry(relation) || likenesses.is_empty() {
            register(context, relation)
        } else {
            reach.close(relation)
        };
        let facts = reach.ways(relation).into_iter().chain(likenesses);
        facts.fold(unregistered(context, relation, fix), Finding::fact)
    });
    findings.collect()
}

/// Whether it may be a registered table that is not where it should be, which `missing_table` reports.
fn is_moved(context: &Context<'_>, relation: &Relation) -> bool {
    let mut missing = context.tables.iter().filter(|table| table.relation.is_none());
    missing.any(|table| table.qualified.name == relation.name)
}

fn unregistered(context: &Context<'_>, relation: &Relation, fix: String) -> Finding {
    let name = context.name_of(relation);
    let message = format!("table `{name}` is neither registered nor exempt");
    let mut finding = Finding::of_table(DatabaseCheck::UnregisteredTable, &name, message, fix);
    finding.object = Some(name);
    finding.table = None;
    finding.fact(format!("`pg_class` has a table in schema `{}`", relation.schema))
}

fn register(context: &Context<'_>, relation: &Relation) -> String {
    let package = &context.project.package;
    let exempt = package.command(&format!("exempt {} --reason …", context.name_of(relation)));
    format!("annotate its struct with `#[table]`, or run `{exempt}`")
}

/// What says that rows of a registered table may be in it.
fn likenesses(context: &Context<'_>, relation: &Relation) -> Vec<String> {
    let mut likenesses = Vec::new();
    let of_columns = |oid: Oid| -> BTreeSet<&str> {
        let columns = context.catalog.columns(oid).iter();
        columns.map(|column| column.name.as_str()).collect()
    };
    let own = of_columns(relation.oid);
    let tenant = context
        .all_tenant_columns()
        .into_iter()
        .find(|tenant| own.contains(tenant));
    likenesses.extend(tenant.map(|tenant| format!("it has the tenant column `{tenant}`")));
    let mut secured = context.row_secured();
    let copied = secured.find(|(_, table)| own.len() > 1 && of_columns(table.oid) == own);
    likenesses.extend(copied.map(|(table, _)| {
        format!(
            "it has the columns of table `{}`, and none of its policies",
            table.name()
        )
    }));
    for (table, original) in context.present().filter(|(_, table)| table.name == relation.name) {
        likenesses.push(format!("it has the name of table `{}`", table.name()));
        let hides = |app| {
            let path = logins::search_path(context, app);
            let place = |schema: &String| path.iter().position(|one| one == schema);
            let (own, original) = (place(&relation.schema), place(&original.schema));
            own.is_some() && own < original.or(Some(usize::MAX))
        };
        let hidden = context.app_roles.iter().find(|app| hides(app));
        likenesses.extend(hidden.map(|app| {
            format!(
                "the `search_path` of role `{}` finds it before table `{}`",
                app.role.name,
                table.name()
            )
        }));
    }
    likenesses
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::Relation;
    use crate::database::testing::{Database, NOTHING, findings, found};

    #[test]
    fn a_table_without_a_struct_or_an_exemption() {
        assert_eq!(found(find, |it| { it.table("notes", &[]) }), ["- notes"]);
    }

    #[test]
    fn a_foreign_table() {
        assert_eq!(
            found(find, |it| {
                it.table("notes", &[]);
                it.relation("notes").kind = "f".to_string();
            }),
            ["- notes"]
        );
    }

    #[test]
    fn a_registered_foreign_table() {
        assert_eq!(
            found(find, |it| it.relation("invoices").kind = "f".to_string()),
            NOTHING
        );
    }

    #[test]
    fn a_template_of_partitions() {
        assert_eq!(
            found(find, |it| {
                it.table("template_invoices", &[]);
                it.relation("template_invoices").is_template = true;
            }),
            NOTHING
        );
    }

    #[test]
    fn a_view() {
        assert_eq!(
            found(find, |it| {
                it.table("notes", &[]);
                it.relation("notes").kind = "v".to_string();
            }),
            NOTHING
        );
    }

    #[test]
    fn a_table_of_a_migration_tool() {
        assert_eq!(found(find, |it| { it.table("_sqlx_migrations", &[]) }), NOTHING);
    }

    #[test]
    fn a_table_of_an_extension() {
        assert_eq!(
            found(find, |it| {
                it.table("notes", &[]);
                it.relation("notes").of_extension = true;
            }),
            NOTHING
        );
    }

    #[test]
    fn a_table_in_a_schema_without_registered_tables() {
        assert_eq!(
            found(find, |it| {
                it.table("notes", &[]);
                it.relation("notes").schema = "other".to_string();
            }),
            NOTHING
        );
    }

    fn in_schema(it: &mut Database, schema: &str, name: &str, columns: &[(&str, &str)]) {
        it.add_schema(schema, &[]);
        it.table(name, columns);
        last_relation(it).schema = schema.to_string();
    }

    fn last_relation(it: &mut Database) -> &mut Relation {
        it.rows.relations.last_mut().unwrap()
    }

    #[test]
    fn a_table_elsewhere_that_the_application_can_use() {
        for privilege in ["SELECT", "INSERT", "TRUNCATE"] {
            assert_eq!(
                found(find, |it| {
                    in_schema(it, "billing", "plans", &[("id", "int8")]);
                    it.grant(privilege, "plans", "app");
                }),
                ["- billing.plans"],
                "{privilege}"
            );
        }
    }

    #[test]
    fn a_table_elsewhere_whose_schema_the_application_cannot_use() {
        assert_eq!(
            found(find, |it| {
                in_schema(it, "billing", "plans", &[("id", "int8")]);
                it.grant("SELECT", "plans", "app");
                it.rows.schemas[1].users.clear();
            }),
            NOTHING
        );
    }

    #[test]
    fn a_table_elsewhere_that_a_view_shows() {
        for kind in ["v", "m"] {
            let shown = findings(find, |it| {
                in_schema(it, "archive", "plans", &[("id", "int8"), ("org_id", "text")]);
                it.view("all_plans", kind, "plans");
                it.grant("SELECT", "all_plans", "app");
            });
            assert_eq!(shown[0].object.as_deref(), Some("archive.plans"));
            let fix = "REVOKE SELECT ON TABLE \"public\".\"all_plans\" FROM \"app\";";
            assert_eq!(shown[0].fix, fix);
        }
        let by_nobody = |it: &mut Database| {
            in_schema(it, "archive", "plans", &[("id", "int8"), ("org_id", "text")]);
            it.view("all_plans", "v", "plans");
        };
        assert_eq!(found(find, by_nobody), NOTHING);
    }

    #[test]
    fn a_table_that_was_moved() {
        let moved = |it: &mut Database| {
            in_schema(it, "archive", "payments", &[("id", "int8")]);
            it.grant("SELECT", "payments", "app");
        };
        assert_eq!(found(find, moved), ["- archive.payments"]);
        let registered = |it: &mut Database| {
            moved(it);
            it.schema
                .push_str("#[table]\npub struct Payments { pub id: i64, pub org_id: String }\n");
        };
        assert_eq!(found(find, registered), NOTHING);
    }

    #[test]
    fn a_copy() {
        let copy = findings(find, |it| {
            let columns = [("id", "int8"), ("org_id", "text"), ("total", "int4")];
            in_schema(it, "archive", "old", &columns);
            it.grant("SELECT", "old", "app");
        });
        let facts = copy[0].facts.join("\n");
        assert!(facts.contains("the columns of table `invoices`"), "{facts}");
        let fix = "REVOKE SELECT ON TABLE \"archive\".\"old\" FROM \"app\";";
        assert_eq!(copy[0].fix, fix);
    }

    #[test]
    fn a_table_that_the_search_path_finds_first() {
        let hiding = |schema: &str| {
            let hiding = findings(find, |it| {
                in_schema(it, schema, "invoices", &[("id", "int8")]);
                let relation = last_relation(it).oid;
                let grant = it.grant("SELECT", "users", "app");
                grant.relation = relation;
            });
            hiding[0].facts.join("\n")
        };
        let fact = "the `search_path` of role `app` finds it before table `invoices`";
        assert!(hiding("app").contains(fact));
        assert!(!hiding("archive").contains(fact));
    }

    #[test]
    fn a_child_is_part_of_its_parent() {
        assert_eq!(
            found(find, |it| { it.child("old_invoices", "r", "invoices") }),
            NOTHING
        );
    }

    #[test]
    fn a_family_is_reported_once() {
        assert_eq!(
            found(find, |it| {
                it.table("notes", &[]);
                it.child("old_notes", "r", "notes");
            }),
            ["- notes"]
        );
    }
}
