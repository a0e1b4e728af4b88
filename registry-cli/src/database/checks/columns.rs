//! The columns of tables against the fields of their structs.

use table_registry_engine::{DatabaseCheck, Lint, LintLevel, did_you_mean};

use super::{Context, Table};
use crate::columns::{Column, ColumnReader, TableColumns};
use crate::database::catalog::ColumnRow;
use crate::database::finding::Finding;
use crate::database::statements::identifier;

pub fn columns(context: &Context<'_>) -> Vec<Finding> {
    let mut reader = ColumnReader::default();
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let rows = context.catalog.columns(relation.oid);
        findings.extend(tenant_column(context, table, rows));
        // The lint reports what cannot be read.
        let TableColumns {
            columns: fields,
            is_complete,
            ..
        } = reader.read(table.registered);
        findings.extend(missing(context, table, &fields, rows));
        if is_complete {
            findings.extend(extra(table, &fields, rows));
        }
        findings.extend(types(context, table, &fields, rows));
    }
    findings
}

/// The rule is that of the lint, and so are its level, its option and its exceptions.
fn needs_tenant(context: &Context<'_>, table: &Table<'_>) -> bool {
    let level = context.project.policy.lints.level(Lint::MissingTenantColumn);
    table.has_rls()
        && !context.tenant_column.is_empty()
        && level != LintLevel::Allow
        && !context.is_tenantless(table)
}

fn tenant_column(context: &Context<'_>, table: &Table<'_>, rows: &[ColumnRow]) -> Option<Finding> {
    if !needs_tenant(context, table) {
        return None;
    }
    let column = &context.tenant_column;
    match rows.iter().find(|row| row.name == *column) {
        None => {
            let message = format!("table `{}` has no tenant column `{column}`", table.name());
            let fix = format!(
                "ALTER TABLE {} ADD COLUMN {} … NOT NULL;",
                table.qualified,
                identifier(column)
            );
            let level = context.project.policy.lints.level(Lint::MissingTenantColumn);
            let finding = Finding::of_table(Lint::MissingTenantColumn, table.name(), message, fix);
            finding.object(column).at_level(level)
        }
        Some(row) if !row.not_null => {
            let message = format!("tenant column `{column}` of table `{}` may be null", table.name());
            let fix = format!(
                "ALTER TABLE {} ALTER COLUMN {} SET NOT NULL;",
                table.qualified,
                identifier(column)
            );
            Some(
                Finding::of_table(DatabaseCheck::NullableTenantColumn, table.name(), message, fix)
                    .object(column)
                    .fact("`pg_attribute.attnotnull` is false")
                    .fact("a row without a tenant belongs to nobody"),
            )
        }
        Some(_) => None,
    }
}

fn missing(context: &Context<'_>, table: &Table<'_>, fields: &[Column], rows: &[ColumnRow]) -> Vec<Finding> {
    let absent = fields
        .iter()
        .filter(|field| rows.iter().all(|row| row.name != field.name));
    // Said already.
    let absent = absent.filter(|field| field.name != context.tenant_column || !needs_tenant(context, table));
    absent
        .map(|field| {
            let free = rows
                .iter()
                .filter(|row| fields.iter().all(|field| field.name != row.name));
            let fix = did_you_mean(&field.name, free.map(|row| row.name.as_str())).unwrap_or_else(|| {
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
        })
        .collect()
}

fn extra(table: &Table<'_>, fields: &[Column], rows: &[ColumnRow]) -> Vec<Finding> {
    let unknown = rows
        .iter()
        .filter(|row| fields.iter().all(|field| field.name != row.name));
    unknown
        .map(|row| {
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
        })
        .collect()
}

fn types(context: &Context<'_>, table: &Table<'_>, fields: &[Column], rows: &[ColumnRow]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for field in fields {
        let Some(row) = rows.iter().find(|row| row.name == field.name) else {
            continue;
        };
        if field.is_converted {
            continue;
        }
        let fact = if !holds(&field.rust_type.base, row) {
            format!(
                "the field is `{}`, the column is {}",
                field.rust_type.text, row.type_text
            )
        } else if !row.not_null && wants_value(context, table, field) {
            format!(
                "the column may be null, and the field `{}` is no Option",
                field.rust_type.text
            )
        } else {
            continue;
        };
        let message = format!(
            "column `{}` of table `{}` does not have the type of its field",
            row.name,
            table.name()
        );
        let fix = format!(
            "give the field the type of the column, or the column that of the field, in {}",
            table.qualified
        );
        let finding = Finding::of_table(DatabaseCheck::ColumnTypeMismatch, table.name(), message, fix);
        findings.push(finding.object(&row.name).fact(fact).warning());
    }
    findings
}

/// Rust types, and the types of PostgreSQL that sqlx and Diesel read into them. Of any other type nothing
/// is said.
const TYPES: [(&[&str], &[&str]); 13] = [
    (&["bool"], &["bool"]),
    (&["i16"], &["int2"]),
    (&["i32"], &["int4"]),
    (&["i64"], &["int8"]),
    (&["f32"], &["float4"]),
    (&["f64"], &["float8"]),
    (
        &["String", "str"],
        &["text", "varchar", "bpchar", "name", "citext"],
    ),
    (&["Uuid"], &["uuid"]),
    (&["Decimal", "BigDecimal"], &["numeric"]),
    (&["NaiveDate"], &["date"]),
    (&["DateTime", "OffsetDateTime"], &["timestamptz"]),
    (
        &["NaiveDateTime", "PrimitiveDateTime"],
        &["timestamp", "timestamptz"],
    ),
    (&["Vec<u8>"], &["bytea"]),
];

/// Types that are read into others than these.
const OTHER_TYPES: [&str; 6] = ["json", "jsonb", "interval", "time", "timetz", "money"];

/// Of a tenant column it is said already.
fn wants_value(context: &Context<'_>, table: &Table<'_>, field: &Column) -> bool {
    let is_said = field.name == context.tenant_column && needs_tenant(context, table);
    !field.rust_type.is_option && is_known(&field.rust_type.base) && !is_said
}

fn is_known(rust: &str) -> bool {
    TYPES.iter().any(|(names, _)| names.contains(&rust))
}

/// Whether nothing speaks against it: a type that somebody made can hold anything.
fn holds(rust: &str, row: &ColumnRow) -> bool {
    let is_base = row.type_kind == "b" && !row.type_name.starts_with('_');
    let known = TYPES.iter().find(|(names, _)| names.contains(&rust));
    known.is_none_or(|(_, types)| {
        !is_base || types.contains(&row.type_name.as_str()) || !is_standard(&row.type_name)
    })
}

fn is_standard(name: &str) -> bool {
    OTHER_TYPES.contains(&name) || TYPES.iter().any(|(_, types)| types.contains(&name))
}
