//! Registered tables that the database does not have.

use std::collections::BTreeSet;

use table_registry_engine::{DatabaseCheck, did_you_mean};

use crate::database::catalog::Relation;
use crate::database::context::Context;
use crate::database::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
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
                None => {
                    let finding = finding.fact(format!("`pg_class` has no table {}", table.qualified));
                    let same = context.catalog.relations.iter().filter(|other| {
                        other.is_table()
                            && other.name == table.qualified.name
                            && other.schema != table.qualified.schema
                    });
                    same.fold(finding, |finding, other| {
                        finding.fact(format!("schema `{}` has a table of that name", other.schema))
                    })
                }
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
    fn a_partitioned_table_is_a_table() {
        assert_eq!(
            found(find, |it| { it.relation("invoices").kind = "p".to_string() }),
            NOTHING
        );
    }
}
