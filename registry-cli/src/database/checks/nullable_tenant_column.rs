//! Tenant columns that may be null.

use table_registry_engine::DatabaseCheck;

use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let nullable = context.with_tenant_columns().filter(|(table, relation, column)| {
        let mut rows = context.catalog.columns(relation.oid).iter();
        table.column_of_shared_rows().is_none() && rows.any(|row| row.name == *column && !row.not_null)
    });
    nullable
        .map(|(table, _, column)| finding(table, column))
        .collect()
}

fn finding(table: &Table<'_>, column: &str) -> Finding {
    let message = format!("tenant column `{column}` of table `{}` may be null", table.name());
    let fix = format!(
        "ALTER TABLE {} ALTER COLUMN {} SET NOT NULL;",
        table.qualified,
        identifier(column)
    );
    Finding::of_table(DatabaseCheck::NullableTenantColumn, table.name(), message, fix)
        .object(column)
        .fact("`pg_attribute.attnotnull` is false")
        .fact("a row without a tenant belongs to nobody; if it is meant to belong to everybody, write `#[table(shared_rows)]`")
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_row_without_a_tenant() {
        assert_eq!(
            found(find, |it| { it.column("invoices", "org_id").not_null = false }),
            ["invoices org_id"]
        );
    }

    #[test]
    fn another_column_may_be_null() {
        assert_eq!(
            found(find, |it| { it.column("invoices", "id").not_null = false }),
            NOTHING
        );
    }

    #[test]
    fn the_lint_decides_which_tables_have_a_tenant() {
        let nullable = found(find, |it| {
            it.column("invoices", "org_id").not_null = false;
            it.policy_file
                .push_str("[lints.allow.missing-tenant-column]\ninvoices = \"shared\"\n");
        });
        assert_eq!(nullable, NOTHING);
    }
}
