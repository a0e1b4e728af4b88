//! Which types of columns the types of fields can hold.

use super::catalog::ColumnRow;
use crate::columns::Column;

/// Rust types, and the PostgreSQL types that sqlx and Diesel read into them. Other types are not compared.
const TYPES: &[(&[&str], &[&str])] = &[
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

/// PostgreSQL types that none of these Rust types can hold.
const OTHER_TYPES: &[&str] = &["json", "jsonb", "interval", "time", "timetz", "money"];

/// Whether a column is certain to have the type of a field.
pub fn fits(field: &Column, row: &ColumnRow) -> bool {
    let rust_type = &field.rust_type;
    let is_base = row.type_kind == "b" && is_standard(&row.type_name);
    !field.is_converted && is_base && is_known(&rust_type.base) && can_hold(&rust_type.base, row)
}

/// Whether a type can be compared.
pub fn is_known(rust: &str) -> bool {
    TYPES.iter().any(|(names, _)| names.contains(&rust))
}

/// Whether a field may hold the values of a column. A user-defined type can hold anything.
pub fn can_hold(rust: &str, row: &ColumnRow) -> bool {
    let is_base = row.type_kind == "b" && !row.type_name.starts_with('_');
    let known = TYPES.iter().find(|(names, _)| names.contains(&rust));
    known.is_none_or(|(_, types)| {
        !is_base || types.contains(&row.type_name.as_str()) || !is_standard(&row.type_name)
    })
}

fn is_standard(name: &str) -> bool {
    OTHER_TYPES.contains(&name) || TYPES.iter().any(|(_, types)| types.contains(&name))
}
