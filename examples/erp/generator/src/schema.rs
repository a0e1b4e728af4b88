//! The structs and their modules.

use std::collections::{BTreeMap, BTreeSet};

use heck::{ToSnakeCase, ToUpperCamelCase};

use crate::{Column, GENERATED, Import, RustType, SCHEMA, Table};

const TABLE_ATTRIBUTE: Import = Import::new("table_registry", "table");

/// The schema files by path.
pub(crate) fn files(tables: &[Table]) -> BTreeMap<String, String> {
    let modules = by_module(tables);
    let mut files: BTreeMap<_, _> = modules
        .iter()
        .map(|(module, tables)| (path(module), schema_file(tables)))
        .collect();
    files.insert(path("mod"), mod_file(modules.keys().copied()));
    files
}

fn by_module(tables: &[Table]) -> BTreeMap<&str, Vec<&Table>> {
    let mut modules: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for table in tables {
        modules.entry(table.module.as_str()).or_default().push(table);
    }
    modules
}

fn path(module: &str) -> String {
    format!("{SCHEMA}/{module}.rs")
}

fn mod_file<'a>(modules: impl Iterator<Item = &'a str>) -> String {
    let mod_lines: String = modules.map(mod_line).collect();
    format!("// {GENERATED}\n\n//! The tables of the ERP.\n\n{mod_lines}")
}

fn mod_line(module: &str) -> String {
    format!("pub mod {};\n", identifier(module))
}

fn schema_file(tables: &[&Table]) -> String {
    let structs: Vec<_> = tables.iter().copied().map(table_struct).collect();
    format!("// {GENERATED}\n\n{}\n{}", use_lines(tables), structs.join("\n"))
}

fn use_lines(tables: &[&Table]) -> String {
    let columns = tables.iter().flat_map(|table| &table.columns);
    let imports = columns.flat_map(|column| column.rust_type.imports);
    let mut items_by_crate: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for import in imports.chain([&TABLE_ATTRIBUTE]) {
        items_by_crate
            .entry(import.krate)
            .or_default()
            .insert(import.item);
    }
    items_by_crate
        .into_iter()
        .map(|(krate, items)| use_line(krate, items))
        .collect()
}

fn use_line(krate: &str, items: BTreeSet<&str>) -> String {
    let sorted: Vec<_> = items.into_iter().collect();
    match sorted.as_slice() {
        [item] => format!("use {krate}::{item};\n"),
        items => format!("use {krate}::{{{}}};\n", items.join(", ")),
    }
}

fn table_struct(table: &Table) -> String {
    let name = &table.name;
    let ident = name.to_upper_camel_case();
    let attribute = table_attribute(name, &ident);
    let fields: String = table.columns.iter().map(field).collect();
    format!("/// A row of `{name}`.\n{attribute}\npub struct {ident} {{\n{fields}}}\n")
}

/// Names the table only if the registry would derive another name from the struct.
fn table_attribute(name: &str, ident: &str) -> String {
    let is_derived = ident.to_snake_case() == name;
    let own_name = (!is_derived).then(|| format!("name = \"{name}\""));
    let parent = parent(name).map(|(column, parent)| format!("tenant = through({column} -> {parent})"));
    let arguments: Vec<String> = own_name.into_iter().chain(parent).collect();
    if arguments.is_empty() {
        "#[table]".to_owned()
    } else {
        format!("#[table({})]", arguments.join(", "))
    }
}

/// The column that refers to the parent of a table's rows, and the parent, if the table has no tenant column of its own.
pub(crate) fn parent(table: &str) -> Option<(&'static str, &'static str)> {
    match table {
        "migration_reports" => Some(("job_id", "migration_jobs")),
        _ => None,
    }
}

fn field(column: &Column) -> String {
    format!("    pub {}: {},\n", identifier(&column.name), field_type(column))
}

fn field_type(column: &Column) -> String {
    let RustType { name, .. } = column.rust_type;
    if column.nullable {
        format!("Option<{name}>")
    } else {
        name.to_owned()
    }
}

fn identifier(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("r#{name}")
    } else {
        name.to_owned()
    }
}

/// The keywords that need `r#` as identifiers:
/// <https://doc.rust-lang.org/reference/keywords.html>.
const KEYWORDS: &[&str] = &[
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else",
    "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro",
    "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait",
    "true", "try", "type", "typeof", "unsafe", "unsized", "use", "virtual", "where", "while", "yield",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str, columns: &[(&str, &str, bool)]) -> Table {
        let column = |&(name, sql_type, nullable): &(&str, &str, _)| Column {
            name: name.to_owned(),
            rust_type: RustType::of_sql(sql_type).unwrap(),
            nullable,
            sql_type: sql_type.to_owned(),
            is_key: false,
        };
        Table {
            name: name.to_owned(),
            module: "things".to_owned(),
            columns: columns.iter().map(column).collect(),
        }
    }

    #[test]
    fn a_file_of_two_tables() {
        let things = table("things", &[("id", "uuid", false), ("type", "text", true)]);
        let times = table("thing_times", &[("at", "timestamp with time zone", false)]);
        let files = files(&[things, times]);
        assert_eq!(
            files["src/schema/things.rs"],
            "// @generated by erp-generator from examples/erp/data; do not edit.

use chrono::{DateTime, Utc};
use table_registry::table;
use uuid::Uuid;

/// A row of `things`.
#[table]
pub struct Things {
    pub id: Uuid,
    pub r#type: Option<String>,
}

/// A row of `thing_times`.
#[table]
pub struct ThingTimes {
    pub at: DateTime<Utc>,
}
"
        );
        assert!(files["src/schema/mod.rs"].ends_with("\n\npub mod things;\n"));
    }

    #[test]
    fn a_name_that_the_struct_does_not_give_is_written() {
        assert!(
            table_struct(&table("fx__rates", &[]))
                .contains("#[table(name = \"fx__rates\")]\npub struct FxRates {")
        );
    }

    #[test]
    fn a_row_without_a_tenant_column_belongs_to_that_of_its_parent() {
        assert!(
            table_struct(&table("migration_reports", &[]))
                .contains("#[table(tenant = through(job_id -> migration_jobs))]\n")
        );
    }
}
