//! Registered tables that the database does not have, or has under another name.

use std::collections::BTreeSet;

use table_registry_engine::{DatabaseCheck, did_you_mean};

use crate::database::catalog::Relation;
use crate::database::columns::renames;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let renamed = renames::tables(context);
    let missing = context.tables.iter().filter(|table| table.relation.is_none());
    missing
        .map(|table| {
            if let Some((_, other)) = renamed.iter().find(|(one, _)| one.name() == table.name()) {
                return renamed_table(context, table, other);
            }
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

/// Another name, or another schema, with the same columns.
fn renamed_table(context: &Context<'_>, table: &Table<'_>, other: &Relation) -> Finding {
    let (old, new) = (&table.qualified, other.qualified());
    let mut back = Vec::new();
    let mut arguments = Vec::new();
    if new.schema != old.schema {
        back.push(format!(
            "ALTER TABLE {new} SET SCHEMA {};",
            identifier(&old.schema)
        ));
        arguments.push(format!("schema = {:?}", new.schema));
    }
    if new.name != old.name {
        back.push(format!(
            "ALTER TABLE {}.{} RENAME TO {};",
            identifier(&old.schema),
            identifier(&new.name),
            identifier(&old.name)
        ));
        arguments.push(format!("name = {:?}", new.name));
    }
    let (how, verb) = if new.name == old.name {
        ("moved", "move")
    } else {
        ("renamed", "rename")
    };
    let message = format!(
        "table `{}` looks {how} to `{}`",
        table.name(),
        context.name_of(other)
    );
    let fix = format!(
        "register the new name: `#[table({})]`; or {verb} the table back: {}",
        arguments.join(", "),
        back.join(" ")
    );
    Finding::of_table(DatabaseCheck::MissingTable, table.name(), message, fix)
        .fact(format!("the database has no table {old}"))
        .fact(format!(
            "{new} has the columns of its struct, and is neither registered nor exempt: nothing else is checked there"
        ))
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
    use crate::database::checks::unregistered_table;
    use crate::database::testing::{Database, NOTHING, findings, found};

    fn rename(it: &mut Database) {
        it.relation("invoices").name = "bills".to_string();
    }

    #[test]
    fn a_renamed_table_is_one_finding() {
        let found_in = findings(find, rename);
        assert_eq!(found_in.len(), 1);
        assert_eq!(found_in[0].message, "table `invoices` looks renamed to `bills`");
        assert_eq!(
            found_in[0].fix,
            "register the new name: `#[table(name = \"bills\")]`; or rename the table back: ALTER TABLE \
             \"public\".\"bills\" RENAME TO \"invoices\";"
        );
        assert_eq!(found(unregistered_table::find, rename), NOTHING);
    }

    #[test]
    fn a_table_in_another_schema() {
        let moved = |it: &mut Database| it.relation("invoices").schema = "archive".to_string();
        let found_in = findings(find, moved);
        assert_eq!(
            found_in[0].message,
            "table `invoices` looks moved to `archive.invoices`"
        );
        assert_eq!(
            found_in[0].fix,
            "register the new name: `#[table(schema = \"archive\")]`; or move the table back: ALTER TABLE \
             \"archive\".\"invoices\" SET SCHEMA \"public\";"
        );
        assert_eq!(found(unregistered_table::find, moved), NOTHING);
        let both = |it: &mut Database| {
            moved(it);
            rename(it);
        };
        assert!(findings(find, both)[0].fix.ends_with(
            "ALTER TABLE \"archive\".\"bills\" SET SCHEMA \"public\"; \
                 ALTER TABLE \"public\".\"bills\" RENAME TO \"invoices\";"
        ));
    }

    /// With one column more, or two tables with the same columns, a rename is not certain: there are two findings.
    #[test]
    fn a_table_with_other_columns_is_another_table() {
        let other = |it: &mut Database| {
            rename(it);
            it.add_column("bills", "note", "text");
        };
        assert_eq!(
            findings(find, other)[0].message,
            "table `invoices` is not in the database"
        );
        assert_eq!(found(unregistered_table::find, other), ["- bills"]);
        let twins = |it: &mut Database| {
            rename(it);
            it.table("copies", &[("id", "int8"), ("org_id", "text"), ("total", "int4")]);
        };
        assert_eq!(found(unregistered_table::find, twins), ["- bills", "- copies"]);
    }

    /// An exception for the missing table says nothing about the other one.
    #[test]
    fn an_exception_for_the_missing_table() {
        let allowed = |it: &mut Database| {
            rename(it);
            it.policy_file
                .push_str("[[database.allow.missing-table]]\ntable = \"invoices\"\nreason = \"x\"\n");
        };
        assert_eq!(found(unregistered_table::find, allowed), ["- bills"]);
    }

    #[test]
    fn a_missing_table() {
        assert_eq!(found(find, |it| { it.remove("invoices") }), ["invoices -"]);
    }

    #[test]
    fn a_view_in_place_of_the_table_or_a_similar_name() {
        let found = findings(find, |it| it.relation("invoices").kind = "v".to_string());
        let fact = "\"public\".\"invoices\" is a view, which has no row-level security of its own";
        assert_eq!(found[0].facts, [fact]);
        let found = findings(find, |it| {
            it.relation("invoices").name = "invoice".to_string();
            it.add_column("invoice", "note", "text");
        });
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
