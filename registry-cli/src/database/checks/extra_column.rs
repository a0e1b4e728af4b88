//! Columns without a field.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::ColumnRow;
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;
use crate::database::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let fields = context.fields(table);
        let rows = context.catalog.columns(relation.oid).iter();
        let unknown = rows.filter(|row| fields.is_complete && !fields.has(&row.name));
        findings.extend(unknown.map(|row| finding(table, row)));
    }
    findings
}

fn finding(table: &Table<'_>, row: &ColumnRow) -> Finding {
    Finding::of_table(
        DatabaseCheck::ExtraColumn,
        table.name(),
        format!("column `{}` of table `{}` has no field", row.name, table.name()),
        format!(
            "add a field for it, or ALTER TABLE {} DROP COLUMN {};",
            table.qualified,
            identifier(&row.name)
        ),
    )
    .object(&row.name)
    .fact(format!(
        "`{}` is {}{}",
        row.name,
        row.type_text,
        if row.not_null { " NOT NULL" } else { "" }
    ))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_column_without_a_field() {
        assert_eq!(
            found(find, |it| { it.add_column("invoices", "note", "text") }),
            ["invoices note"]
        );
    }

    #[test]
    fn a_column_of_an_exempt_table() {
        assert_eq!(
            found(find, |it| { it.add_column("backfill_state", "note", "text") }),
            NOTHING
        );
    }
}
