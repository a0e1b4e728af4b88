//! Children whose rows may have several parents, and so several tenants.

use table_registry_engine::{DatabaseCheck, Parent, Tenancy};

use crate::database::catalog::Relation;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::create_unique_index;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let children = context
        .present()
        .filter_map(|(table, _)| match &table.registered.tenancy {
            Tenancy::Through(parent) => Some((table, parent)),
            _ => None,
        });
    let with_parents = children.filter_map(|(table, parent)| {
        let found = context.table_named(&parent.table)?;
        Some((table, parent, found.relation?))
    });
    let ambiguous = with_parents.filter(|(_, parent, relation)| !is_key(context, relation, parent));
    ambiguous
        .map(|(table, parent, relation)| finding(table, parent, relation))
        .collect()
}

/// Whether at most one row of the parent has given values of the columns. If the parent lacks one of them, another check
/// reports that.
fn is_key(context: &Context<'_>, relation: &Relation, parent: &Parent) -> bool {
    let rows = context.catalog.columns(relation.oid);
    let is_missing = |key: &String| rows.iter().all(|row| row.name != *key);
    let mut indexes = context.catalog.indexes(relation.oid).iter();
    parent.keys.iter().any(is_missing)
        || indexes.any(|index| {
            let is_named =
                |column: &Option<String>| column.as_ref().is_some_and(|name| parent.keys.contains(name));
            index.is_unique && index.is_valid && !index.is_partial && index.columns.iter().all(is_named)
        })
}

fn finding(table: &Table<'_>, parent: &Parent, relation: &Relation) -> Finding {
    let message = format!(
        "several rows of `{}` may be the parent of a row of table `{}`",
        parent.table,
        table.name()
    );
    let keys: Vec<&str> = parent.keys.iter().map(String::as_str).collect();
    let fix = if relation.kind == "p" {
        format!("make {} the key of {}", quoted(&keys), relation.qualified())
    } else {
        create_unique_index(&relation.qualified(), &keys)
    };
    Finding::of_table(DatabaseCheck::AmbiguousParent, table.name(), message, fix)
        .object(&parent.table)
        .fact(format!(
            "no primary key or unique index of the parent is on {} alone",
            quoted(&keys)
        ))
        .fact("a row belongs to every tenant that has one of its parents")
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, found};

    fn child(it: &mut Database, keys: &str) {
        let entry = format!("[tables.lines]\ntenant = \"through((id, org_id) -> invoices({keys}))\"\n");
        it.policy_file.push_str(&entry);
        it.table("lines", &[("id", "int8"), ("org_id", "text")]);
    }

    #[test]
    fn a_key_of_the_parent() {
        assert_eq!(
            found(find, |it| {
                child(it, "id, org_id");
                it.index("invoices", &["id"]).is_unique = true;
            }),
            NOTHING
        );
    }

    #[test]
    fn columns_that_several_rows_may_share() {
        assert_eq!(
            found(find, |it| {
                child(it, "total, org_id");
                it.index("invoices", &["total", "org_id"]);
                it.index("invoices", &["id", "total"]).is_unique = true;
            }),
            ["lines invoices"]
        );
    }

    #[test]
    fn an_index_of_some_rows() {
        assert_eq!(
            found(find, |it| {
                child(it, "total, org_id");
                let index = it.index("invoices", &["total", "org_id"]);
                (index.is_unique, index.is_partial) = (true, true);
            }),
            ["lines invoices"]
        );
    }

    #[test]
    fn a_column_that_the_parent_lacks() {
        assert_eq!(found(find, |it| child(it, "number, org_id")), NOTHING);
    }
}
