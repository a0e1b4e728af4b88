//! Columns whose type does not match the type of their field.

use table_registry_engine::DatabaseCheck;

use crate::columns::Column;
use crate::database::catalog::ColumnRow;
use crate::database::column_types::{can_hold, is_known};
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let rows = context.catalog.columns(relation.oid);
        for field in &context.fields(table).columns {
            if field.is_converted {
                continue;
            }
            let row = rows.iter().find(|row| row.name == field.name);
            findings.extend(row.and_then(|row| finding(context, table, field, row)));
        }
    }
    findings
}

fn finding(context: &Context<'_>, table: &Table<'_>, field: &Column, row: &ColumnRow) -> Option<Finding> {
    let fact = mismatch(context, table, field, row)?;
    let message = format!(
        "column `{}` of table `{}` does not have the type of its field",
        row.name,
        table.name()
    );
    let fix = format!(
        "change the type of the field, or the type of the column in {}",
        table.qualified
    );
    let finding = Finding::of_table(DatabaseCheck::ColumnTypeMismatch, table.name(), message, fix);
    Some(finding.object(&row.name).fact(fact))
}

fn mismatch(context: &Context<'_>, table: &Table<'_>, field: &Column, row: &ColumnRow) -> Option<String> {
    let rust_type = &field.rust_type;
    if !can_hold(&rust_type.base, row) {
        let column = &row.type_text;
        return Some(format!(
            "the field has the type `{}`, the column has the type {column}",
            rust_type.text
        ));
    }
    let may_be_null = !row.not_null && wants_value(context, table, field);
    may_be_null.then(|| {
        format!(
            "the column may be null, but the field `{}` is not an `Option`",
            rust_type.text
        )
    })
}

/// Whether the column must not be null. `nullable_tenant_column` reports a tenant column that may be null.
fn wants_value(context: &Context<'_>, table: &Table<'_>, field: &Column) -> bool {
    let is_reported = context.is_tenant_column(table, &field.name);
    !field.rust_type.is_option && is_known(&field.rust_type.base) && !is_reported
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_column_of_another_type() {
        assert_eq!(
            found(find, |it| {
                it.column("invoices", "total").type_name = "int8".to_string();
            }),
            ["invoices total"]
        );
    }

    #[test]
    fn a_column_that_may_be_null() {
        assert_eq!(
            found(find, |it| { it.column("users", "name").not_null = false }),
            ["users name"]
        );
    }

    #[test]
    fn another_type_that_the_field_can_hold() {
        assert_eq!(
            found(find, |it| {
                it.column("users", "name").type_name = "varchar".to_string();
            }),
            NOTHING
        );
    }

    #[test]
    fn a_user_defined_type() {
        assert_eq!(
            found(find, |it| {
                it.column("users", "name").type_name = "mood".to_string();
            }),
            NOTHING
        );
    }

    #[test]
    fn a_domain() {
        assert_eq!(
            found(find, |it| {
                it.column("invoices", "total").type_name = "int8".to_string();
                it.column("invoices", "total").type_kind = "d".to_string();
            }),
            NOTHING
        );
    }

    #[test]
    fn a_field_that_can_hold_null() {
        assert_eq!(
            found(find, |it| { it.column("invoices", "total").not_null = false }),
            NOTHING
        );
    }

    #[test]
    fn nullable_tenant_column_reports_the_tenant_column() {
        assert_eq!(
            found(find, |it| { it.column("invoices", "org_id").not_null = false }),
            NOTHING
        );
    }
}
