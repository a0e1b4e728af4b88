//! Tables that are neither registered nor exempt.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{Oid, Relation};
use crate::database::context::{Context, exempt_relation};
use crate::database::finding::Finding;
use crate::database::renames;

/// The tables in which migration tools record the migrations that they have run.
const BOOKKEEPING: &[&str] = &[
    "SequelizeMeta",
    "__diesel_schema_migrations",
    "__drizzle_migrations",
    "__EFMigrationsHistory",
    "_prisma_migrations",
    "_sqlx_migrations",
    "alembic_version",
    "ar_internal_metadata",
    "atlas_schema_revisions",
    "databasechangelog",
    "databasechangeloglock",
    "django_migrations",
    "flyway_schema_history",
    "goose_db_version",
    "knex_migrations",
    "knex_migrations_lock",
    "mikro_orm_migrations",
    "pgmigrations",
    "refinery_schema_history",
    "schema_migrations",
    "seaql_migrations",
    "typeorm_metadata",
];

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let schemas: BTreeSet<&str> = context
        .tables
        .iter()
        .map(|table| table.qualified.schema.as_str())
        .chain([context.settings.schema.as_str()])
        .collect();
    let exemptions = context.project.registry.exempt().iter();
    let exempt: BTreeSet<_> = exemptions
        .filter_map(|exempt| Some(exempt_relation(context, &exempt.name)?.oid))
        .collect();
    let is_looked_at = |relation: &Relation| {
        (relation.is_table() || relation.is_foreign_table())
            && schemas.contains(relation.schema.as_str())
            && !relation.of_extension
            && !BOOKKEEPING.contains(&relation.name.as_str())
    };
    // `missing_table` reports a renamed table.
    let renamed: BTreeSet<Oid> = renames::tables(context)
        .iter()
        .map(|(_, relation)| relation.oid)
        .collect();
    let is_known =
        |oid: Oid| exempt.contains(&oid) || renamed.contains(&oid) || context.table_of(oid).is_some();
    // A child is reported with its parent.
    let is_reported = |oid: Oid| context.catalog.relation_of(oid).is_some_and(is_looked_at);
    let unknown = context.catalog.relations.iter().filter(|relation| {
        let ancestors = || context.catalog.ancestors(relation.oid).into_iter();
        is_looked_at(relation)
            && !is_known(relation.oid)
            && !ancestors().any(|parent| is_known(parent) || is_reported(parent))
    });
    unknown.map(|relation| unregistered(context, relation)).collect()
}

fn unregistered(context: &Context<'_>, relation: &Relation) -> Finding {
    let name = if relation.schema == context.settings.schema {
        relation.name.clone()
    } else {
        format!("{}.{}", relation.schema, relation.name)
    };
    let package = &context.project.package;
    let exempt = package.command(&format!("exempt {name} --reason …"));
    let mut finding = Finding::of_table(
        DatabaseCheck::UnregisteredTable,
        &name,
        format!("table `{name}` is neither registered nor exempt"),
        format!("annotate its struct with `#[table]`, or run `{exempt}`"),
    );
    finding.object = Some(name);
    finding.table = None;
    finding.fact(format!("`pg_class` has a table in schema `{}`", relation.schema))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

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
