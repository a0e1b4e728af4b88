//! The index that each table needs, so that the rows of one tenant are found without looking through all rows.

use table_registry_engine::{DatabaseCheck, DatabaseSettings, RegisteredTable};

use crate::database::catalog::{Catalog, Index, Relation};
use crate::database::context::tenant_columns;
use crate::database::requirements::statements::{
    Build, Qualified, create_index, create_index_if_missing, identifier, qualified,
};

/// The index that a table needs and does not have.
pub struct Lacking<'t> {
    pub columns: Vec<&'t str>,
    /// The statement that makes it, outside a transaction.
    pub statement: String,
    pub is_partitioned: bool,
}

/// The statements for all tables that need an index, without a look at a database.
pub fn create_all<'t>(
    tables: impl Iterator<Item = &'t RegisteredTable>,
    settings: &DatabaseSettings,
) -> Vec<String> {
    let wanting = tables.filter(|table| is_wanted(table, settings) && tenant_columns(table) != PRIMARY_KEY);
    let statements = wanting.map(|table| {
        let name = qualified(settings, &table.name, table.schema.as_deref());
        create_index_if_missing(&name, &tenant_columns(table))
    });
    statements.collect()
}

/// The usual primary key, which has an index of its own: it is the tenant column of the table of tenants.
const PRIMARY_KEY: [&str; 1] = ["id"];

/// Whether a table needs an index and no exception says otherwise.
pub fn is_wanted(table: &RegisteredTable, settings: &DatabaseSettings) -> bool {
    !tenant_columns(table).is_empty() && !settings.allows(DatabaseCheck::MissingTenantIndex, &table.name)
}

/// The index that a table lacks. If it lacks one of the columns, other checks report that.
pub fn lacking<'t>(
    catalog: &Catalog,
    table: &'t RegisteredTable,
    relation: &Relation,
) -> Option<Lacking<'t>> {
    let columns = tenant_columns(table);
    let rows = catalog.columns(relation.oid);
    let has = |column: &&str| rows.iter().any(|row| row.name == *column);
    if columns.is_empty() || !columns.iter().all(has) || is_indexed(catalog, relation, &columns) {
        return None;
    }
    let is_partitioned = relation.kind == "p";
    let unfinished = catalog.indexes(relation.oid).iter().find(|index| {
        !is_partitioned && !index.is_valid && !index.is_partial && starts_with(index, &columns)
    });
    let statement = match unfinished {
        Some(index) => rebuild(&relation.schema, index),
        None => create(&relation.qualified(), &columns, is_partitioned),
    };
    Some(Lacking {
        columns,
        statement,
        is_partitioned,
    })
}

fn create(table: &Qualified, columns: &[&str], is_partitioned: bool) -> String {
    let build = if is_partitioned {
        Build::AtOnce
    } else {
        Build::Concurrently
    };
    create_index(table, columns, build)
}

/// An index that CREATE INDEX CONCURRENTLY could not finish.
fn rebuild(schema: &str, index: &Index) -> String {
    format!(
        "REINDEX INDEX CONCURRENTLY {}.{};",
        identifier(schema),
        identifier(&index.name)
    )
}

/// Whether an index finds the rows with given values of some columns. A partitioned table needs one of its own, or one of
/// each partition.
fn is_indexed(catalog: &Catalog, relation: &Relation, columns: &[&str]) -> bool {
    let has_own = |relation: &Relation| {
        let mut indexes = catalog.indexes(relation.oid).iter();
        indexes.any(|index| index.is_valid && !index.is_partial && starts_with(index, columns))
    };
    let mut partitions = catalog
        .descendants(relation.oid)
        .filter(|partition| partition.kind == "r")
        .peekable();
    has_own(relation) || (relation.kind == "p" && partitions.peek().is_some() && partitions.all(has_own))
}

/// Whether the first columns of an index are these, in any order. BRIN and GIN do not depend on the order of columns,
/// and do not find the rows of one tenant quickly.
fn starts_with(index: &Index, columns: &[&str]) -> bool {
    let first = index.columns.iter().take(columns.len());
    let first: Vec<&str> = first.flatten().map(String::as_str).collect();
    let finds_equal_values = matches!(index.method.as_str(), "btree" | "hash" | "gist" | "spgist");
    finds_equal_values && columns.iter().all(|column| first.contains(column))
}
