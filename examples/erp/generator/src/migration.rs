//! The migration that creates the tables.

use crate::{Column, Data, GENERATED, Table};

/// `migrations/0001_schema.sql`.
pub(crate) fn schema(data: &Data) -> String {
    let tables: String = data.tables.iter().map(table).collect();
    let exempt: String = data.exempt.iter().map(|name| exempt_table(name)).collect();
    format!("-- {GENERATED}\n{tables}{exempt}")
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

fn column(column: &Column) -> String {
    let null = if column.nullable { "" } else { " NOT NULL" };
    format!("    {} {}{null}", quoted(&column.name), column.sql_type)
}

/// The data contain only the name of an exempt table, so it gets one column.
fn exempt_table(name: &str) -> String {
    create_table(name, &["    id bigint PRIMARY KEY".to_owned()])
}

fn create_table(name: &str, lines: &[String]) -> String {
    format!("\nCREATE TABLE {} (\n{}\n);\n", quoted(name), lines.join(",\n"))
}

fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}
