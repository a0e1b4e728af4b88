//! Tables that are neither registered nor exempt.

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::DatabaseCheck;

use crate::database::access::bookkeeping::is_bookkeeping;
use crate::database::access::reach::{Reach, Shadows};
use crate::database::catalog::{Oid, Relation};
use crate::database::columns::renames;
use crate::database::context::{Context, exempt_relations};
use crate::database::findings::finding::Finding;
use crate::database::migrations::platform;
use crate::database::requirements::statements::Qualified;
use crate::scaffold::is_snake_case_identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let known = Known::of(context);
    let reach = Reach::new(context);
    let likeness = Likeness::new(context);
    let is_looked_at = |relation: &Relation| {
        let is_reached = || reach.includes(relation) && !known.is_elsewhere(relation, &reach);
        let is_table = relation.is_table() || relation.is_foreign_table();
        !relation.of_extension
            && !relation.is_template
            && !is_bookkeeping(&relation.name)
            && ((is_table && (known.is_of_registry(relation) || is_reached()))
                || (likeness.shadows.has_view(context, relation) && is_reached()))
    };
    // A child is reported with its parent.
    let is_reported = |oid: Oid| context.catalog.relation_of(oid).is_some_and(is_looked_at);
    let is_known = |oid: Oid| known.is_decided(context, oid);
    let unknown = context.catalog.relations.iter().filter(|relation| {
        let ancestors = || context.catalog.ancestors(relation.oid).into_iter();
        is_looked_at(relation)
            && !is_known(relation.oid)
            && !ancestors().any(|parent| is_known(parent) || is_reported(parent))
    });
    let findings = unknown.map(|relation| {
        let likenesses = likeness.of(context, relation);
        let is_view = !relation.is_table() && !relation.is_foreign_table();
        let is_registered = known.is_of_registry(relation) && !is_view;
        let fix = if known.is_of_platform(relation) && !known.is_of_registry(relation) {
            hide(context, &reach, relation)
        } else if is_registered || likenesses.is_empty() {
            register(context, relation, likenesses.is_empty())
        } else {
            reach.close(relation)
        };
        let facts = reach.ways(relation).into_iter().chain(likenesses);
        facts.fold(unregistered(context, relation, fix), Finding::fact)
    });
    findings.collect()
}

/// What somebody has decided about, or another check reports.
struct Known<'c> {
    schemas: BTreeSet<&'c str>,
    of_platform: &'static [&'static str],
    exempt: BTreeSet<Oid>,
    /// `unprotected_parent` judges the parents of registered tables.
    parents: BTreeSet<Oid>,
    /// `missing_table` reports a renamed table.
    renamed: BTreeSet<Oid>,
    /// `missing_table` reports relations that have the name of a registered table but cannot be one.
    named: BTreeSet<&'c Qualified>,
    /// The names of the registered tables that are not where they should be, which `missing_table` reports.
    missing: BTreeSet<&'c str>,
}

impl<'c> Known<'c> {
    fn of(context: &'c Context<'_>) -> Self {
        let tables = || context.tables.iter();
        let missing = tables().filter(|table| table.relation.is_none());
        let parents = context
            .present()
            .flat_map(|(_, relation)| context.catalog.ancestors(relation.oid));
        Self {
            schemas: tables()
                .map(|table| table.qualified.schema.as_str())
                .chain([context.settings.schema.as_str()])
                .collect(),
            of_platform: context.settings.platform.map_or(&[][..], platform::schemas),
            exempt: exempt_relations(context),
            parents: parents.collect(),
            renamed: renames::tables(context)
                .iter()
                .map(|(_, relation)| relation.oid)
                .collect(),
            named: tables().map(|table| &table.qualified).collect(),
            missing: missing.map(|table| table.qualified.name.as_str()).collect(),
        }
    }

    fn is_of_registry(&self, relation: &Relation) -> bool {
        self.schemas.contains(relation.schema.as_str())
    }

    /// Whether a relation in another schema is the platform's, or reported by another check.
    fn is_elsewhere(&self, relation: &Relation, reach: &Reach<'_, '_>) -> bool {
        (self.is_of_platform(relation) && !reach.is_shown_outside(self.of_platform, relation))
            || self.parents.contains(&relation.oid)
            || self.missing.contains(relation.name.as_str())
    }

    fn is_of_platform(&self, relation: &Relation) -> bool {
        self.of_platform.contains(&relation.schema.as_str())
    }

    fn is_decided(&self, context: &Context<'_>, oid: Oid) -> bool {
        let relation = context.catalog.relation_of(oid);
        self.exempt.contains(&oid)
            || self.renamed.contains(&oid)
            || relation.is_some_and(|relation| self.named.contains(&relation.qualified()))
    }
}

fn unregistered(context: &Context<'_>, relation: &Relation, fix: String) -> Finding {
    let name = context.name_of(relation);
    let kind = match relation.kind.as_str() {
        "v" => "view",
        "m" => "materialized view",
        _ => "table",
    };
    let message = format!("{kind} `{name}` is neither registered nor exempt");
    let mut finding = Finding::of_table(DatabaseCheck::UnregisteredTable, &name, message, fix);
    finding.object = Some(name);
    finding.table = None;
    finding.fact(format!("`pg_class` has a {kind} in schema `{}`", relation.schema))
}

/// The platform protects its tables, but not from a view that shows them.
fn hide(context: &Context<'_>, reach: &Reach<'_, '_>, relation: &Relation) -> String {
    let exempt = context
        .project
        .package
        .command(&format!("exempt {} --reason …", context.name_of(relation)));
    format!(
        "{}\nif the application is meant to see what the view shows, run `{exempt}`",
        reach.close(relation)
    )
}

/// A table that may hold rows of tenants should not be exempt.
fn register(context: &Context<'_>, relation: &Relation, may_be_exempt: bool) -> String {
    let package = &context.project.package;
    let name = context.name_of(relation);
    let mut ways = vec!["annotate its struct with `#[table]`".to_string()];
    if is_snake_case_identifier(&name) {
        ways.push(format!(
            "run `{}` to write one",
            package.command(&format!("new {name}"))
        ));
    }
    if may_be_exempt {
        let exempt = package.command(&format!("exempt {name} --reason …"));
        ways.push(format!("run `{exempt}` if no struct is to describe it"));
    }
    ways.join(", or ")
}

/// What says that rows of a registered table may be in a relation.
struct Likeness<'c> {
    tenants: BTreeSet<&'c str>,
    /// The first table with row-level security that has these columns.
    tables: BTreeMap<BTreeSet<&'c str>, &'c str>,
    shadows: Shadows<'c>,
}

impl<'c> Likeness<'c> {
    fn new(context: &'c Context<'c>) -> Self {
        let mut tables = BTreeMap::new();
        for (table, relation) in context.row_secured() {
            let columns = columns(context, relation.oid);
            tables.entry(columns).or_insert_with(|| table.name());
        }
        Self {
            tenants: context.all_tenant_columns(),
            tables,
            shadows: Shadows::new(context),
        }
    }

    fn of(&self, context: &Context<'_>, relation: &Relation) -> Vec<String> {
        let mut likenesses = Vec::new();
        let own = columns(context, relation.oid);
        let tenant = self.tenants.iter().find(|tenant| own.contains(*tenant));
        likenesses.extend(tenant.map(|tenant| format!("it has the tenant column `{tenant}`")));
        let copied = self.tables.get(&own).filter(|_| own.len() > 1);
        likenesses.extend(
            copied.map(|table| format!("it has the columns of table `{table}`, and none of its policies")),
        );
        for (table, hidden) in self.shadows.named_like(relation) {
            likenesses.push(format!("it has the name of table `{}`", table.name()));
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
}

fn columns<'c>(context: &'c Context<'_>, relation: Oid) -> BTreeSet<&'c str> {
    let columns = context.catalog.columns(relation).iter();
    columns.map(|column| column.name.as_str()).collect()
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

    /// A view in a schema, with the name of the table that it reads.
    fn shadow(it: &mut Database, schema: &str, kind: &str) {
        it.add_schema(schema, &[]);
        it.view("shadow", kind, "invoices");
        it.grant("SELECT", "shadow", "app");
        let view = it.relation("shadow");
        view.schema = schema.to_string();
        view.name = "invoices".to_string();
    }

    #[test]
    fn a_view_that_the_search_path_finds_first() {
        for (kind, word) in [("v", "view"), ("m", "materialized view")] {
            let shadows = findings(find, |it| shadow(it, "app", kind));
            assert_eq!(
                shadows[0].message,
                format!("{word} `app.invoices` is neither registered nor exempt")
            );
            let fact = "the `search_path` of role `app` finds it before table `invoices`";
            assert!(
                shadows[0].facts.iter().any(|one| one == fact),
                "{:?}",
                shadows[0].facts
            );
            let fix = "REVOKE SELECT ON TABLE \"app\".\"invoices\" FROM \"app\";";
            assert_eq!(shadows[0].fix, fix);
        }
        let by_setting = found(find, |it| {
            shadow(it, "api", "v");
            it.setting("app", "search_path", "api, public");
        });
        assert_eq!(by_setting, ["- api.invoices"]);
        let exempt = found(find, |it| {
            shadow(it, "app", "v");
            let entry = "[exempt]\n\"app.invoices\" = \"the view of the API\"";
            it.policy_file = it.policy_file.replace("[exempt]", entry);
        });
        assert_eq!(exempt, NOTHING);
    }

    #[test]
    fn views_that_hide_no_table() {
        let changed = |schema: &'static str, change: fn(&mut Database)| {
            found(find, move |it| {
                shadow(it, schema, "v");
                change(it);
            })
        };
        let view = |it: &mut Database| it.rows.relations.iter().position(|one| one.kind == "v").unwrap();
        // The table is found first, or nobody may use the view.
        assert_eq!(changed("archive", |_| ()), NOTHING);
        assert_eq!(
            changed("app", |it| {
                it.rows.grants.pop();
            }),
            NOTHING
        );
        let asks = |it: &mut Database| {
            let at = view(it);
            it.rows.relations[at].security_invoker = true;
        };
        assert_eq!(
            found(find, |it| {
                shadow(it, "app", "v");
                asks(it);
            }),
            NOTHING
        );
        // It reads another table with the rights of its caller.
        let other = found(find, |it| {
            shadow(it, "app", "v");
            asks(it);
            let users = it.oid("users");
            it.rows.uses[0].used = users;
        });
        assert_eq!(other, ["- app.invoices"]);
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
