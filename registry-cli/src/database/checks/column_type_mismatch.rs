//! Columns whose type does not match the type of their field.

use table_registry_engine::DatabaseCheck;

use crate::columns::Column;
use crate::database::catalog::ColumnRow;
use crate::database::columns::column_types;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::sql_types::SqlType;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let rows = context.catalog.columns(relation.oid);
        for field in &context.fields(table).columns {
            let row = rows.iter().find(|row| row.name == field.name);
            findings.extend(row.and_then(|row| finding(context, table, field, row)));
        }
    }
    findings
}

fn finding(context: &Context<'_>, table: &Table<'_>, field: &Column, row: &ColumnRow) -> Option<Finding> {
    let facts = mismatch(context, table, field, row)?;
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
    Some(facts.into_iter().fold(finding.object(&row.name), Finding::fact))
}

fn mismatch(
    context: &Context<'_>,
    table: &Table<'_>,
    field: &Column,
    row: &ColumnRow,
) -> Option<Vec<String>> {
    let written = &field.rust_type.text;
    if column_types::holds(field, row) == Some(false) {
        let column = &row.type_text;
        let types = format!("the field has the type `{written}`, the column has the type {column}");
        return Some([types].into_iter().chain(meaning(field)).collect());
    }
    let may_be_null = !row.not_null && wants_value(context, table, field);
    may_be_null.then(|| {
        vec![format!(
            "the column may be null, but the field `{written}` is not an `Option`"
        )]
    })
}

/// What the name of the field's type does not show.
fn meaning(field: &Column) -> Option<String> {
    let rust_type = &field.rust_type;
    match rust_type.sql.as_ref()? {
        SqlType::Unmapped => Some(format!(
            "no ORM has a type of PostgreSQL for `{}`",
            rust_type.text
        )),
        sql if rust_type.is_defined_here || field.is_converted => {
            let spelled = sql.spelled()?;
            Some(format!("the field is for a column of the type {spelled}"))
        }
        _ => None,
    }
}

/// Whether the column must not be null. `nullable_tenant_column` reports a tenant column that may be null.
fn wants_value(context: &Context<'_>, table: &Table<'_>, field: &Column) -> bool {
    let rust_type = &field.rust_type;
    !rust_type.is_option
        && rust_type.sql.is_some()
        && !field.is_converted
        && !field.is_only_written
        && !context.is_tenant_column(table, &field.name)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    /// A table `things` with one column besides its key, and its struct.
    fn thing(field: &str, column: &str, more: &str) -> impl Fn(&mut Database) {
        let schema = format!(
            "{more} #[table(kind = system)] #[derive(Any)] pub struct Things {{ pub id: i64, {field} }}"
        );
        let column = column.to_string();
        move |it| {
            it.schema.clone_from(&schema);
            it.table("things", &[("id", "int8"), ("a", &column)]);
        }
    }

    #[track_caller]
    fn matches(cases: &[(&str, &str)]) {
        for (ty, column) in cases {
            assert_eq!(
                found(find, thing(&format!("pub a: {ty}"), column, "")),
                NOTHING,
                "{ty} {column}"
            );
        }
    }

    #[track_caller]
    fn mismatches(cases: &[(&str, &str)]) {
        for (ty, column) in cases {
            let found = found(find, thing(&format!("pub a: {ty}"), column, ""));
            assert_eq!(found, ["things a"], "{ty} {column}");
        }
    }

    #[test]
    fn types_that_orms_refuse() {
        mismatches(&[
            ("i32", "int8"),
            ("i64", "int4"),
            ("i64", "inet"),
            ("i64", "_int8"),
            ("f64", "numeric"),
            ("String", "uuid"),
            ("String", "jsonb"),
            ("String", "_text"),
            ("chrono::NaiveDateTime", "timestamptz"),
            ("chrono::DateTime<chrono::Utc>", "timestamp"),
            ("DateTimeWithTimeZone", "timestamp"),
            ("sea_orm::prelude::DateTime", "timestamptz"),
            ("time::PrimitiveDateTime", "timestamptz"),
            ("Vec<String>", "text"),
            ("Vec<String>", "_int4"),
            ("Vec<u8>", "_text"),
            ("serde_json::Value", "text"),
            ("ipnetwork::IpNetwork", "text"),
            ("u64", "int8"),
            ("u32", "int4"),
            ("usize", "int8"),
            ("Option<u64>", "numeric"),
        ]);
    }

    #[test]
    fn types_that_orms_read() {
        matches(&[
            ("chrono::NaiveDateTime", "timestamp"),
            ("sea_orm::prelude::DateTime", "timestamp"),
            ("Vec<String>", "_varchar"),
            ("Vec<u8>", "bytea"),
            ("[u8; 32]", "bytea"),
            ("serde_json::Value", "json"),
            ("Json<Settings>", "jsonb"),
            ("String", "citext"),
            ("Box<str>", "text"),
            ("IpNetwork", "cidr"),
            ("BitVec", "varbit"),
            ("Foreign", "int8"),
            ("u32", "oid"),
        ]);
    }

    #[test]
    fn diesel_reads_naive_times_from_either_type() {
        let with_diesel = |it: &mut Database| {
            thing("pub a: NaiveDateTime", "timestamptz", "")(it);
            it.schema = it.schema.replace("Any", "Queryable");
        };
        assert_eq!(found(find, with_diesel), NOTHING);
    }

    #[test]
    fn newtypes_and_enums() {
        let (none, mismatch): (&[&str], &[&str]) = (&[], &["things a"]);
        for (more, column, expected) in [
            ("pub struct Kind(pub i64);", "int8", none),
            ("pub struct Kind(pub i64);", "text", mismatch),
            ("type Kind = Option<i64>;", "uuid", mismatch),
            (
                "#[derive(sqlx::Type)] #[sqlx(type_name = \"kind\")] enum Kind {}",
                "kind",
                none,
            ),
            (
                "#[derive(sqlx::Type)] #[sqlx(type_name = \"kind\")] enum Kind {}",
                "text",
                mismatch,
            ),
            ("enum Kind {}", "text", none),
        ] {
            assert_eq!(
                found(find, thing("pub a: Kind", column, more)),
                expected,
                "{more} {column}"
            );
        }
        let facts = |more: &str| findings(find, thing("pub a: Kind", "text", more)).remove(0).facts;
        assert_eq!(
            facts("pub struct Kind(pub i64);"),
            [
                "the field has the type `Kind`, the column has the type text",
                "the field is for a column of the type bigint",
            ]
        );
        assert_eq!(
            facts("type Kind = u64;")[1],
            "no ORM has a type of PostgreSQL for `Kind`"
        );
    }

    #[test]
    fn a_struct_that_is_only_written() {
        let written = |derive: &'static str, column: &'static str| {
            move |it: &mut Database| {
                thing("pub a: i32", column, "")(it);
                let derive = format!("#[derive({derive})] #[diesel(table_name = things)]");
                it.schema = it.schema.replace("#[derive(Any)]", &derive);
                it.column("things", "a").not_null = false;
            }
        };
        for derive in ["Insertable", "AsChangeset"] {
            assert_eq!(found(find, written(derive, "int4")), NOTHING, "{derive}");
            assert_eq!(found(find, written(derive, "int8")), NOTHING, "{derive}");
            assert_eq!(found(find, written(derive, "uuid")), ["things a"], "{derive}");
        }
        assert_eq!(
            found(find, written("Insertable, Queryable", "int4")),
            ["things a"]
        );
        assert_eq!(found(find, written("Queryable", "int8")), ["things a"]);
    }

    #[test]
    fn a_newtype_that_cannot_hold_null() {
        let nullable = |more: &'static str| {
            move |it: &mut Database| {
                thing("pub a: Kind", "int8", more)(it);
                it.column("things", "a").not_null = false;
            }
        };
        assert_eq!(found(find, nullable("pub struct Kind(i64);")), ["things a"]);
        assert_eq!(found(find, nullable("type Kind = Option<i64>;")), NOTHING);
        assert_eq!(found(find, nullable("")), NOTHING);
    }

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
    fn a_domain_is_read_as_its_base_type() {
        let domain = |base: &'static str| {
            move |it: &mut Database| {
                let column = it.column("invoices", "total");
                column.type_name = "cents".to_string();
                column.type_kind = "d".to_string();
                column.base_type = Some(base.to_string());
            }
        };
        assert_eq!(found(find, domain("int4")), NOTHING);
        assert_eq!(found(find, domain("int8")), ["invoices total"]);
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
