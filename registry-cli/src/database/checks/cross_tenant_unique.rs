//! Unique keys by which a tenant learns which values other tenants have.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::{ColumnRow, Index, Relation};
use crate::database::code::mention::Words;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::{create_unique_index, identifier};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.row_secured() {
        let Some(tenant) = table.tenant_column() else {
            continue;
        };
        let rows = context.catalog.columns(relation.oid);
        let indexes = context.catalog.indexes(relation.oid).iter();
        let unique = indexes.filter(|index| index.is_unique && !index.of_parent);
        let telling = unique.filter(|index| !holds(index, tenant) && !is_meaningless(index, rows));
        findings.extend(telling.map(|index| finding(table, relation, tenant, index)));
    }
    findings
}

/// Whether the tenant is part of the key.
fn holds(index: &Index, tenant: &str) -> bool {
    let mut columns = index.columns.iter().flatten();
    columns.any(|column| column == tenant) || Words::outside_quotes(&index.expressions).contains(tenant)
}

/// Whether a key holds a value that nobody chooses or guesses: one from a sequence, or a UUID. The numbers of a primary
/// key count as such, too, wherever they are made: they say nothing but that the row exists.
fn is_meaningless(index: &Index, rows: &[ColumnRow]) -> bool {
    let mut columns = index.columns.iter().flatten();
    columns.any(|column| {
        let row = rows.iter().find(|row| row.name == *column);
        row.is_some_and(|row| {
            let is_number = matches!(row.type_name.as_str(), "int2" | "int4" | "int8");
            row.is_numbered || row.type_name == "uuid" || (index.is_primary && is_number)
        })
    })
}

fn finding(table: &Table<'_>, relation: &Relation, tenant: &str, index: &Index) -> Finding {
    let message = format!(
        "unique key `{}` of table `{}` reveals to a tenant which values other tenants have",
        index.name,
        table.name()
    );
    Finding::of_table(
        DatabaseCheck::CrossTenantUnique,
        table.name(),
        message,
        fix(relation, tenant, index),
    )
    .object(&index.name)
    .fact("the server checks unique keys without row-level security: a value that another tenant has is refused")
}

fn fix(relation: &Relation, tenant: &str, index: &Index) -> String {
    let table = relation.qualified();
    let columns: Option<Vec<&str>> = index.columns.iter().map(Option::as_deref).collect();
    let columns = columns.filter(|_| !index.is_primary && !index.is_partial && relation.kind == "r");
    let Some(columns) = columns else {
        return format!("put {} into the key of {table}", identifier(tenant));
    };
    let with_tenant = [&[tenant], columns.as_slice()].concat();
    let name = identifier(&index.name);
    let drop = if index.is_constraint {
        format!("ALTER TABLE {table} DROP CONSTRAINT {name};")
    } else {
        format!("DROP INDEX CONCURRENTLY {}.{name};", identifier(&relation.schema))
    };
    format!("{}\n{drop}", create_unique_index(&table, &with_tenant))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::Index;
    use crate::database::testing::{Database, NOTHING, findings, found};

    fn unique<'d>(it: &'d mut Database, columns: &[&str]) -> &'d mut Index {
        let index = it.index("invoices", columns);
        index.is_unique = true;
        index
    }

    #[test]
    fn a_key_without_the_tenant() {
        let found = findings(find, |it| unique(it, &["total"]).is_constraint = true);
        assert_eq!(found.len(), 1);
        assert_eq!(
            found[0].fix,
            "CREATE UNIQUE INDEX CONCURRENTLY \"invoices__org_id__total_key\" ON \"public\".\"invoices\" (\"org_id\", \"total\");\n\
             ALTER TABLE \"public\".\"invoices\" DROP CONSTRAINT \"invoices_total_idx\";"
        );
    }

    #[test]
    fn what_counts() {
        let index = |change: fn(&mut Database)| found(find, change);
        assert_eq!(index(|it| unique(it, &["total"]).is_partial = true).len(), 1);
        assert_eq!(
            index(|it| {
                let index = unique(it, &["total"]);
                index.columns = vec![None];
                index.expressions = "lower((total)::text)".to_string();
            })
            .len(),
            1
        );
        assert_eq!(
            index(|it| {
                unique(it, &["total", "org_id"]);
            }),
            NOTHING
        );
        assert_eq!(
            index(|it| {
                let index = unique(it, &["total"]);
                index.columns = vec![None];
                index.expressions = "((org_id || (total)::text))".to_string();
            }),
            NOTHING
        );
        assert_eq!(
            index(|it| it.index("invoices", &["total"]).is_valid = true),
            NOTHING
        );
    }

    #[test]
    fn values_without_a_meaning() {
        for change in [
            |it: &mut Database| it.column("invoices", "total").type_name = "uuid".to_string(),
            |it: &mut Database| it.column("invoices", "total").is_numbered = true,
            |it: &mut Database| {
                it.rows
                    .indexes
                    .iter_mut()
                    .for_each(|index| index.is_primary = true);
            },
        ] {
            let found = found(find, |it| {
                unique(it, &["total"]);
                change(it);
            });
            assert_eq!(found, NOTHING);
        }
    }
}
