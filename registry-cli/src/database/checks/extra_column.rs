//! Columns without a field.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::ColumnRow;
use crate::database::columns::renames;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let fields = context.fields(table);
        let rows = context.catalog.columns(relation.oid).iter();
        // `missing_column` reports a renamed column.
        let renamed = renames::columns(context, table, relation);
        let is_renamed = |row: &ColumnRow| renamed.iter().any(|(_, renamed)| renamed.name == row.name);
        let unknown = rows.filter(|row| fields.is_complete && !fields.has(&row.name) && !is_renamed(row));
        findings.extend(unknown.map(|row| finding(table, row)));
    }
    findings
}

fn finding(table: &Table<'_>, row: &ColumnRow) -> Finding {
    Finding::of_table(
        DatabaseCheck::ExtraColumn,
        table.name(),
        format!("column `{}` of table `{}` has no field", row.name, table.name()),
        "add a field for it; or, once nothing needs its values any more, drop the column with a migration",
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
    use crate::database::testing::{Database, NOTHING, findings, found};

    #[test]
    fn a_column_without_a_field() {
        assert_eq!(
            found(find, |it| { it.add_column("invoices", "note", "text") }),
            ["invoices note"]
        );
    }

    /// The fix for what would destroy data is prose, never a statement that somebody may run.
    #[test]
    fn the_fix_is_no_statement() {
        let found = findings(find, |it| it.add_column("invoices", "note", "text"));
        assert!(
            !found[0].fix.contains("DROP") && found[0].fix.contains("add a field"),
            "{}",
            found[0].fix
        );
    }

    #[test]
    fn a_renamed_column_is_missing_and_not_extra() {
        let renamed = |it: &mut Database| it.column("invoices", "total").name = "sum".to_string();
        assert_eq!(found(find, renamed), NOTHING);
        // If the missing one is allowed, the extra one must not be lost.
        for setting in [
            "[[database.allow.missing-column]]\ntable = \"invoices\"\ncolumn = \"total\"\nreason = \"x\"\n",
            "[database.levels]\nmissing-column = \"allow\"\n",
        ] {
            let found = found(find, |it| {
                renamed(it);
                it.policy_file.push_str(setting);
            });
            assert_eq!(found, ["invoices sum"], "{setting}");
        }
    }

    #[test]
    fn a_column_of_an_exempt_table() {
        assert_eq!(
            found(find, |it| { it.add_column("backfill_state", "note", "text") }),
            NOTHING
        );
    }
}
