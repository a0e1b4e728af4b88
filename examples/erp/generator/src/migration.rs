//! The migration that creates the tables.

use crate::schema::parent;
use crate::{Column, Data, GENERATED, Override, Table};

/// `migrations/0001_schema.sql`.
pub(crate) fn schema(data: &Data) -> String {
    let tables: String = data.tables.iter().map(table).collect();
    let indexes: String = data
        .tables
        .iter()
        .filter_map(|table| tenant_index(table, data))
        .collect();
    let parents: String = data
        .tables
        .iter()
        .filter_map(|table| parent_key(table, data))
        .collect();
    let exempt: String = data.exempt.iter().map(|name| exempt_table(name)).collect();
    format!("-- {GENERATED}\n{tables}{exempt}\n{indexes}{parents}")
}

fn table(table: &Table) -> String {
    let mut lines: Vec<String> = table.columns.iter().map(column).collect();
    let key_columns = table.columns.iter().filter(|column| column.is_key);
    let keys: Vec<String> = key_columns.map(|column| quoted(&column.name)).collect();
    if !keys.is_empty() {
        lines.push(format!("    PRIMARY KEY ({})", keys.join(", ")));
    }
    create_table(&table.name, &lines)
}

/// The index for the policy of a table: on its tenant column, or on the reference to its parent.
fn tenant_index(table: &Table, data: &Data) -> Option<String> {
    let name = &table.name;
    let is_system = |entry: &Override| entry.table == *name && entry.kind == "system";
    let leads_key = |column: &str| {
        let first_key = table.columns.iter().find(|column| column.is_key);
        first_key.is_some_and(|key| key.name == column)
    };
    let has = |column: &str| table.columns.iter().any(|known| known.name == column);
    let column = match parent(name) {
        Some((column, _)) => column,
        None => "org_id",
    };
    let is_needed = has(column) && !leads_key(column) && !data.overrides.iter().any(is_system);
    is_needed.then(|| format!("CREATE INDEX ON {} ({});\n", quoted(name), quoted(column)))
}

/// The key by which a child finds its parent, if the data have none: a row with several parents could belong to several
/// tenants.
fn parent_key(child: &Table, data: &Data) -> Option<String> {
    let (_, name) = parent(&child.name)?;
    let found = data.tables.iter().find(|table| table.name == name)?;
    let has_key = found.columns.iter().any(|column| column.is_key);
    (!has_key).then(|| format!("CREATE UNIQUE INDEX ON {} (\"id\");\n", quoted(name)))
}

fn column(column: &Column) -> String {
    let null = if column.nullable { "" } else { " NOT NULL" };
    format!("    {} {}{null}", quoted(&column.name), column.sql_type)
}

/// With one made-up column, because the data has no columns for it.
fn exempt_table(name: &str) -> String {
    create_table(name, &["    id bigint PRIMARY KEY".to_owned()])
}

fn create_table(name: &str, lines: &[String]) -> String {
    format!("\nCREATE TABLE {} (\n{}\n);\n", quoted(name), lines.join(",\n"))
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
