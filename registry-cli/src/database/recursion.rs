//! Finds the policies that read tables whose policies are being applied. The server refuses the statement:
//! <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.
//!
//! The search ignores what the policies decide. The policies of a table count as being applied only if one of them has a
//! sub-select, even a sub-select that reads no table.

use super::catalog::{PolicyRow, Relation};
use super::context::Context;
use super::mention::Words;
use super::roles::Actor;

/// The chain of tables read, from the table of a policy to a table whose policies the server is already applying.
pub fn way_back<'c>(
    context: &'c Context<'c>,
    app: &Actor<'_>,
    relation: &'c Relation,
    policy: &PolicyRow,
) -> Option<Vec<&'c Relation>> {
    tables_read(context, policy).find_map(|read| {
        let mut way = vec![relation];
        leads_back(context, app, read, &mut way).then_some(way)
    })
}

fn leads_back<'c>(
    context: &'c Context<'c>,
    app: &Actor<'_>,
    relation: &'c Relation,
    way: &mut Vec<&'c Relation>,
) -> bool {
    if !has_policies_with_sub_select(context, app, relation) {
        return false;
    }
    let is_back = way.iter().any(|one| one.oid == relation.oid);
    way.push(relation);
    let mut next = read_policies(context, app, relation).flat_map(|policy| tables_read(context, policy));
    if is_back || next.any(|read| leads_back(context, app, read, way)) {
        return true;
    }
    way.pop();
    false
}

/// Whether one of the policies that apply when a role reads a table has a sub-select.
pub fn has_policies_with_sub_select(context: &Context<'_>, app: &Actor<'_>, relation: &Relation) -> bool {
    let has_sub_select = |text: &str| context.expressions.has_sub_select(text);
    read_policies(context, app, relation).any(|policy| policy.using.as_deref().is_some_and(has_sub_select))
}

/// The policies that apply when a role reads a table.
fn read_policies<'c>(
    context: &'c Context<'_>,
    app: &Actor<'_>,
    relation: &Relation,
) -> impl Iterator<Item = &'c PolicyRow> {
    let policies = context.catalog.policies(relation.oid).iter();
    policies.filter(|policy| relation.row_security && policy.is_for("r") && app.is_given(policy))
}

/// The tables that a policy reads in sub-selects. The server prints table names schema-qualified.
fn tables_read<'c>(context: &'c Context<'_>, policy: &PolicyRow) -> impl Iterator<Item = &'c Relation> {
    let texts = policy.using.iter().chain(&policy.check);
    let found: Vec<&Relation> = texts
        .filter(|text| context.expressions.has_sub_select(text))
        .flat_map(|text| {
            let words = Words::outside_quotes(text);
            let names = words.qualified_names();
            let relations = names.filter_map(|(schema, name)| context.catalog.relation(schema, name));
            let read = relations.filter(|relation| words.reads(&relation.schema, &relation.name));
            read.collect::<Vec<_>>()
        })
        .collect();
    found.into_iter()
}
