//! Registered tables that the database does not have.

use std::collections::BTreeSet;

use table_registry_engine::{DatabaseCheck, did_you_mean};

use crate::database::catalog::Relation;
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let missing = context.tables.iter().filter(|table| table.relation.is_none());
    missing
        .map(|table| {
            let name = &table.qualified;
            match context.catalog.relation(&name.schema, &name.name) {
                Some(other) => no_table(table, other),
                None => missing_table(context, table),
            }
        })
        .collect()
}

fn missing_table(context: &Context<'_>, table: &Table<'_>) -> Finding {
    let name = &table.qualified;
    let fix = near(context, &name.schema, &name.name)
        .unwrap_or_else(|| "create it with a migration, or remove its struct".to_string());
    let message = format!("table `{}` is not in the database", table.name());
    let finding = Finding::of_table(DatabaseCheck::MissingTable, table.name(), message, fix)
        .fact(format!("`pg_class` has no table {name}"));
    let relations = context.catalog.relations.iter();
    let same =
        relations.filter(|other| other.is_table() && other.name == name.name && other.schema != name.schema);
    same.fold(finding, |finding, other| {
        finding.fact(format!("schema `{}` has a table of that name", other.schema))
    })
}

/// Something else has the name of the table, and cannot be protected as the table has to be.
fn no_table(table: &Table<'_>, other: &Relation) -> Finding {
    let (kind, fix) = match other.kind.as_str() {
        "v" => (
            "a view, which has no row-level security of its own",
            "register the tables below the view instead",
        ),
        "m" => (
            "a materialized view, which has no row-level security",
            "register the tables below the view instead, and let the application read no copy of them",
        ),
        _ => (
            "a foreign table, which has no row-level security",
            "protect the table on its own server, and connect there as a role that its policies bind; here, revoke every \
             privilege from the application, or let it use a view that compares the tenant; then list the table in \
             `[exempt]` instead of registering it",
        ),
    };
    let message = format!(
        "`{}` is no table that row-level security can protect",
        table.name()
    );
    Finding::of_table(DatabaseCheck::MissingTable, table.name(), message, fix)
        .fact(format!("{} is {kind}", table.qualified))
}

fn near(context: &Context<'_>, schema: &str, name: &str) -> Option<String> {
    let registered: BTreeSet<_> = context.tables.iter().map(|table| &table.qualified).collect();
    let free = context.catalog.relations.iter().filter(|relation| {
        relation.is_table() && relation.schema == schema && !registered.contains(&relation.qualified())
    });
    did_you_mean(name, free.map(|relation| relation.name.as_str()))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_missing_table() {
        assert_eq!(found(find, |it| { it.remove("invoices") }), ["invoices -"]);
    }

    #[test]
    fn a_view_in_place_of_the_table_or_a_similar_name() {
        let found = findings(find, |it| it.relation("invoices").kind = "v".to_string());
        let fact = "\"public\".\"invoices\" is a view, which has no row-level security of its own";
        assert_eq!(found[0].facts, [fact]);
        let found = findings(find, |it| it.relation("invoices").name = "invoice".to_string());
        assert_eq!(found[0].fix, "did you mean `invoice`?");
    }

    #[test]
    fn a_foreign_table() {
        let registered =
            |table: &'static str| findings(find, move |it| it.relation(table).kind = "f".to_string());
        let found = registered("invoices");
        assert_eq!(
            found[0].message,
            "`invoices` is no table that row-level security can protect"
        );
        assert!(!found[0].fix.contains("migration"), "{}", found[0].fix);
        // A table that belongs to no tenant needs no row-level security.
        assert!(registered("users").is_empty());
    }

    #[test]
    fn a_partitioned_table_is_a_table() {
        assert_eq!(
            found(find, |it| { it.relation("invoices").kind = "p".to_string() }),
            NOTHING
        );
    }
}
