//! Which tables there are.

use std::collections::BTreeSet;

use table_registry_engine::{DatabaseCheck, did_you_mean};

use super::{Context, qualified};
use crate::database::catalog::{Oid, Relation};
use crate::database::finding::Finding;

/// Where tools note which migrations they have run.
const BOOKKEEPING: [&str; 22] = [
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

pub fn missing_table(context: &Context<'_>) -> Vec<Finding> {
    let missing = context.tables.iter().filter(|table| table.relation.is_none());
    missing
        .map(|table| {
            let finding = Finding::of_table(
                DatabaseCheck::MissingTable,
                table.name(),
                format!("table `{}` is not in the database", table.name()),
                near(context, &table.qualified.schema, &table.qualified.name)
                    .unwrap_or_else(|| "create it with a migration, or remove its struct".to_string()),
            );
            match context
                .catalog
                .relation(&table.qualified.schema, &table.qualified.name)
            {
                Some(other) => finding.fact(format!("{} is {}", table.qualified, kind(other))),
                None => finding.fact(format!("`pg_class` has no table {}", table.qualified)),
            }
        })
        .collect()
}

fn near(context: &Context<'_>, schema: &str, name: &str) -> Option<String> {
    let registered: BTreeSet<_> = context.tables.iter().map(|table| &table.qualified).collect();
    let free = context.catalog.relations.iter().filter(|relation| {
        relation.is_table() && relation.schema == schema && !registered.contains(&relation.qualified())
    });
    did_you_mean(name, free.map(|relation| relation.name.as_str()))
}

fn kind(relation: &Relation) -> &'static str {
    match relation.kind.as_str() {
        "v" => "a view, which has no row-level security of its own",
        "m" => "a materialized view, which has no row-level security",
        _ => "a foreign table, which has no row-level security",
    }
}

pub fn missing_exempt_table(context: &Context<'_>) -> Vec<Finding> {
    let exempt = context.project.registry.exempt().iter();
    let missing = exempt.filter(|exempt| exempt_relation(context, &exempt.name).is_none());
    missing
        .map(|exempt| {
            Finding::of_table(
                DatabaseCheck::MissingExemptTable,
                &exempt.name,
                format!("exempt table `{}` is not in the database", exempt.name),
                format!(
                    "run `{}`",
                    context
                        .project
                        .package
                        .command(&format!("exempt {} --remove", exempt.name))
                ),
            )
            .fact("an exemption of a table that is gone would hide the next one of that name")
        })
        .collect()
}

fn exempt_relation<'c>(context: &Context<'c>, name: &str) -> Option<&'c Relation> {
    let schema = name.split_once('.').map(|(schema, _)| schema);
    let name = qualified(context.config, name, schema);
    context.catalog.relation(&name.schema, &name.name)
}

pub fn unregistered_table(context: &Context<'_>) -> Vec<Finding> {
    let schemas: BTreeSet<&str> = context
        .tables
        .iter()
        .map(|table| table.qualified.schema.as_str())
        .chain([context.config.schema.as_str()])
        .collect();
    let exempt = context.project.registry.exempt().iter();
    let exempt: BTreeSet<_> = exempt
        .filter_map(|exempt| Some(exempt_relation(context, &exempt.name)?.oid))
        .collect();
    let is_looked_at = |relation: &Relation| {
        (relation.is_table() || relation.is_foreign_table())
            && schemas.contains(relation.schema.as_str())
            && !relation.of_extension
            && !BOOKKEEPING.contains(&relation.name.as_str())
    };
    let is_known = |oid: Oid| exempt.contains(&oid) || context.table_of(oid).is_some();
    // A child is part of its parent, and reported with it.
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
    let name = if relation.schema == context.config.schema {
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
