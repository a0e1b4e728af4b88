//! Tables and columns that look renamed: one that is missing, and one that nobody expects, with the same content.
//!
//! Only what is certain counts: a pair of which neither side fits anything else. An exception for the missing side does
//! not cover the other side, so it ends the pair.

use table_registry_engine::{DatabaseCheck, Level};

use crate::columns::Column;
use crate::database::catalog::{ColumnRow, Relation};
use crate::database::columns::column_types::holds;
use crate::database::context::{Context, Table, exempt_relations};

/// The registered tables that the database lacks, each with the table that has its columns.
pub fn tables<'x, 'c>(context: &'x Context<'c>) -> Vec<(&'x Table<'c>, &'c Relation)> {
    let missing: Vec<&Table<'_>> = context
        .tables
        .iter()
        .filter(|table| is_missing(context, table))
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let free = free_relations(context);
    let like = |table: &Table<'_>| -> Vec<&'c Relation> {
        let fitting = free
            .iter()
            .copied()
            .filter(|relation| has_columns(context, table, relation));
        let all: Vec<&Relation> = fitting.collect();
        let namesake = all.iter().copied().find(|one| one.name == table.qualified.name);
        namesake.map_or(all, |one| vec![one])
    };
    only_pairs(&missing, like, |one, other| one.oid == other.oid)
}

/// Whether the database has nothing of the table's name. A view in its place is another fault.
fn is_missing(context: &Context<'_>, table: &Table<'_>) -> bool {
    let name = &table.qualified;
    table.relation.is_none()
        && context.catalog.relation(&name.schema, &name.name).is_none()
        && !context.settings.allows(DatabaseCheck::MissingTable, table.name())
}

/// The tables that are neither registered nor exempt, nor a part of another table or of an extension.
fn free_relations<'c>(context: &Context<'c>) -> Vec<&'c Relation> {
    let exempt = exempt_relations(context);
    let relations = context.catalog.relations.iter().filter(|relation| {
        relation.is_table()
            && !relation.of_extension
            && !exempt.contains(&relation.oid)
            && context.table_of(relation.oid).is_none()
            && context.catalog.ancestors(relation.oid).is_empty()
    });
    relations.collect()
}

/// Whether a relation has the columns of a table, and no others. A single column, which is usually `id`, says nothing.
fn has_columns(context: &Context<'_>, table: &Table<'_>, relation: &Relation) -> bool {
    let fields = context.fields(table);
    let rows = context.catalog.columns(relation.oid);
    fields.is_complete
        && rows.len() > 1
        && rows.len() == fields.columns.len()
        && rows.iter().all(|row| fields.has(&row.name))
}

/// The fields of a table without a column, each with the column without a field that has its type.
pub fn columns<'x>(
    context: &'x Context<'_>,
    table: &Table<'_>,
    relation: &Relation,
) -> Vec<(&'x Column, &'x ColumnRow)> {
    let fields = context.fields(table);
    let rows = context.catalog.columns(relation.oid);
    if !fields.is_complete {
        return Vec::new();
    }
    let has_column = |field: &Column| rows.iter().any(|row| row.name == field.name);
    let missing: Vec<&Column> = fields
        .columns
        .iter()
        .filter(|field| !has_column(field) && is_reported(context, table, field))
        .collect();
    let extra: Vec<&ColumnRow> = rows.iter().filter(|row| !fields.has(&row.name)).collect();
    let like = |field: &Column| -> Vec<&'x ColumnRow> {
        let fitting = extra
            .iter()
            .copied()
            .filter(|row| holds(field, row) == Some(true));
        fitting.collect()
    };
    only_pairs(&missing, like, |one, other| one.name == other.name)
}

/// Whether a check reports that the column of a field is missing.
fn is_reported(context: &Context<'_>, table: &Table<'_>, field: &Column) -> bool {
    let check = DatabaseCheck::MissingColumn;
    let mut exceptions = context.settings.exceptions_to(check, table.name());
    let is_allowed = exceptions.any(|one| {
        one.object
            .as_ref()
            .is_some_and(|object| object.value == field.name)
    });
    context.is_tenant_column(table, &field.name)
        || (context.settings.level(check) != Level::Allow && !is_allowed)
}

/// The pairs of which neither side fits anything else.
fn only_pairs<'l, 'r, L, R>(
    left: &[&'l L],
    like: impl Fn(&'l L) -> Vec<&'r R>,
    is_same: impl Fn(&R, &R) -> bool,
) -> Vec<(&'l L, &'r R)> {
    let fitting: Vec<(&L, Vec<&R>)> = left.iter().map(|one| (*one, like(one))).collect();
    let suitors = |right: &R| {
        let all = fitting.iter().flat_map(|(_, rights)| rights);
        all.filter(|one| is_same(one, right)).count()
    };
    let pairs = fitting
        .iter()
        .filter_map(|(one, rights)| match rights.as_slice() {
            [right] if suitors(right) == 1 => Some((*one, *right)),
            _ => None,
        });
    pairs.collect()
}
