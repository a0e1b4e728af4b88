//! Fields without a column.

use table_registry_engine::{DatabaseCheck, did_you_mean};

use crate::columns::{Column, TableColumns};
use crate::database::catalog::ColumnRow;
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;
use crate::database::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let rows = context.catalog.columns(relation.oid);
        let fields = context.fields(table);
        let without_column = fields
            .columns
            .iter()
            .filter(|field| rows.iter().all(|row| row.name != field.name));
        // `missing_tenant_column` reports the tenant column.
        let absent = without_column.filter(|field| !context.is_tenant_column(table, &field.name));
        findings.extend(absent.map(|field| finding(table, field, fields, rows)));
    }
    findings
}

fn finding(table: &Table<'_>, field: &Column, fields: &TableColumns, rows: &[ColumnRow]) -> Finding {
    let without_field = rows.iter().filter(|row| !fields.has(&row.name));
    let near = did_you_mean(&field.name, without_field.map(|row| row.name.as_str()));
    let fix = near.unwrap_or_else(|| {
        format!(
            "ALTER TABLE {} ADD COLUMN {} …;",
            table.qualified,
            identifier(&field.name)
        )
    });
    Finding::of_table(
        DatabaseCheck::MissingColumn,
        table.name(),
        format!("table `{}` has no column `{}`", table.name(), field.name),
        fix,
    )
    .object(&field.name)
    .fact("the struct has a field for it")
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_field_without_a_column() {
        assert_eq!(
            found(find, |it| { it.remove_column("invoices", "total") }),
            ["invoices total"]
        );
    }

    #[test]
    fn a_column_with_a_similar_name() {
        let found = findings(find, |it| {
            it.column("invoices", "total").name = "totl".to_string();
        });
        assert_eq!(found[0].fix, "did you mean `totl`?");
    }

    #[test]
    fn the_lint_reports_the_tenant_column() {
        assert_eq!(
            found(find, |it| { it.remove_column("invoices", "org_id") }),
            NOTHING
        );
    }

    #[test]
    fn a_missing_table() {
        assert_eq!(
            found(find, |it| {
                it.remove("invoices");
                it.rows.columns.clear();
                it.remove("users");
                it.remove("audit_logs");
                it.table("users", &[("id", "int8"), ("name", "text")]);
            }),
            NOTHING
        );
    }
}
