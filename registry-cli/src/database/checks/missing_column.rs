//! Fields without a column, and those whose column has another name.

use table_registry_engine::{DatabaseCheck, did_you_mean};

use crate::columns::{Column, TableColumns};
use crate::database::catalog::ColumnRow;
use crate::database::columns::renames;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::{add_column, identifier};

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
        let renamed = renames::columns(context, table, relation);
        let column = |field: &Column| renamed.iter().find(|(other, _)| other.name == field.name);
        findings.extend(absent.map(|field| match column(field) {
            Some((_, row)) => renamed_column(table, field, row),
            None => finding(table, field, fields, rows),
        }));
    }
    findings
}

fn finding(table: &Table<'_>, field: &Column, fields: &TableColumns, rows: &[ColumnRow]) -> Finding {
    let without_field = rows.iter().filter(|row| !fields.has(&row.name));
    let near = did_you_mean(&field.name, without_field.map(|row| row.name.as_str()));
    let fix = near.unwrap_or_else(|| match field.sql_type() {
        Some(sql_type) => add_column(
            &table.qualified,
            &field.name,
            &sql_type,
            !field.rust_type.is_option,
        ),
        _ => format!(
            "add the column with a migration, in the type that `{}` is stored as",
            field.rust_type.text
        ),
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

fn renamed_column(table: &Table<'_>, field: &Column, row: &ColumnRow) -> Finding {
    let message = format!(
        "column `{}` of table `{}` looks renamed to `{}`",
        field.name,
        table.name(),
        row.name
    );
    let fix = format!(
        "use the new name in the struct: `{}`, or `#[sqlx(rename = {:?})]` on the field; or take the old one back: \
         ALTER TABLE {} RENAME COLUMN {} TO {};",
        row.name,
        row.name,
        table.qualified,
        identifier(&row.name),
        identifier(&field.name)
    );
    Finding::of_table(DatabaseCheck::MissingColumn, table.name(), message, fix)
        .object(&field.name)
        .fact(format!(
            "the struct has a field `{}` without a column, and the table a column `{}`, {}, without a field",
            field.name, row.name, row.type_text
        ))
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
            let column = it.column("invoices", "total");
            column.name = "totl".to_string();
            column.type_name = "text".to_string();
        });
        assert_eq!(found[0].fix, "did you mean `totl`?");
    }

    #[test]
    fn a_column_of_the_same_type_and_another_name() {
        let found = findings(find, |it| {
            it.column("invoices", "total").name = "sum".to_string();
        });
        assert_eq!(
            found[0].message,
            "column `total` of table `invoices` looks renamed to `sum`"
        );
        assert!(
            found[0]
                .fix
                .ends_with("ALTER TABLE \"public\".\"invoices\" RENAME COLUMN \"sum\" TO \"total\";"),
            "{}",
            found[0].fix
        );
    }

    /// With two candidate columns, or two fields, a rename is not certain.
    #[test]
    fn several_columns_of_one_type() {
        let found_in = findings(find, |it| {
            it.column("invoices", "total").name = "sum".to_string();
            it.add_column("invoices", "rest", "int4");
        });
        assert_eq!(found_in[0].message, "table `invoices` has no column `total`");
        let found_in = findings(find, |it| {
            it.schema =
                "#[table] pub struct Pairs { pub org_id: String, pub a: i32, pub b: i32 }".to_string();
            it.table("pairs", &[("org_id", "text"), ("c", "int4")]);
        });
        let messages: Vec<&str> = found_in.iter().map(|one| one.message.as_str()).collect();
        assert_eq!(
            messages,
            [
                "table `pairs` has no column `a`",
                "table `pairs` has no column `b`"
            ]
        );
    }

    #[test]
    fn the_type_is_that_of_the_field() {
        let fix = |field: &str| {
            let found = findings(find, |it| {
                it.schema = format!("#[table] pub struct Notes {{ pub org_id: String, {field} }}");
                it.table("notes", &[("org_id", "text")]);
            });
            found
                .iter()
                .map(|one| one.fix.clone())
                .collect::<Vec<_>>()
                .join("; ")
        };
        let add = "ALTER TABLE \"public\".\"notes\" ADD COLUMN \"a\"";
        for (rust, sql) in [
            ("i64", "bigint"),
            ("bool", "boolean"),
            ("f64", "double precision"),
            ("String", "text"),
            ("uuid::Uuid", "uuid"),
            ("rust_decimal::Decimal", "numeric"),
            ("chrono::NaiveDate", "date"),
            ("chrono::DateTime<chrono::Utc>", "timestamptz"),
            ("chrono::NaiveDateTime", "timestamp"),
            ("Vec<u8>", "bytea"),
        ] {
            assert_eq!(fix(&format!("a: Option<{rust}>")), format!("{add} {sql};"));
        }
        assert_eq!(
            fix("a: i32"),
            format!(
                "{add} integer;\n-- Before the next statement, give the rows that are there a value; under FORCE, switch it off for that.\n\
                 ALTER TABLE \"public\".\"notes\" ALTER COLUMN \"a\" SET NOT NULL;"
            )
        );
        let converted = fix("#[sqlx(try_from = \"i64\")] a: Option<String>");
        assert_eq!(converted, format!("{add} bigint;"));
        for unknown in ["a: Status", "a: DateTime"] {
            let fix = fix(unknown);
            assert!(fix.starts_with("add the column with a migration"), "{fix}");
        }
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
