//! Finds the policies that read tables whose policies are being applied. The server refuses the statement:
//! <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.
//!
//! The search ignores what the policies decide. The policies of a table count as being applied only if one of them has a
//! sub-select, even a sub-select that reads no table.

use crate::database::access::roles::Actor;
use crate::database::catalog::{PolicyRow, Relation};
use crate::database::code::mention::Words;
use crate::database::context::Context;

/// The chain of relations read, from the table of a policy to a table whose policies the server is already applying.
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
    reader: &Actor<'_>,
    relation: &'c Relation,
    way: &mut Vec<&'c Relation>,
) -> bool {
    let is_back = way.iter().any(|one| one.oid == relation.oid);
    if !relation.is_view() && !has_policies_with_sub_select(context, reader, relation) {
        return false;
    }
    way.push(relation);
    let goes_on = is_back
        || if relation.is_view() {
            let owner = context
                .owner(relation.owner)
                .filter(|_| !relation.security_invoker);
            let reader = owner.as_ref().unwrap_or(reader);
            let mut used = context.catalog.used_by(relation.oid);
            used.any(|used| leads_back(context, reader, used, way))
        } else {
            let mut read =
                read_policies(context, reader, relation).flat_map(|policy| tables_read(context, policy));
            read.any(|read| leads_back(context, reader, read, way))
        };
    if !goes_on {
        way.pop();
    }
    goes_on
}

/// Whether one of the policies that apply when a role reads a table has a sub-select.
pub fn has_policies_with_sub_select(context: &Context<'_>, reader: &Actor<'_>, relation: &Relation) -> bool {
    let has_sub_select = |text: &str| context.expressions.has_sub_select(text);
    let mut policies = read_policies(context, reader, relation);
    policies.any(|policy| policy.using.as_deref().is_some_and(has_sub_select))
}

/// The policies that apply when a role reads a table without SET ROLE. Without a permissive one, the server refuses all
/// rows and looks at no other.
fn read_policies<'c>(
    context: &'c Context<'_>,
    reader: &Actor<'_>,
    relation: &Relation,
) -> impl Iterator<Item = &'c PolicyRow> {
    let policies = context.catalog.policies(relation.oid).iter();
    let applied: Vec<&PolicyRow> = policies
        .filter(|policy| reader.is_bound(relation) && policy.is_for("r") && reader.is_given_at_once(policy))
        .collect();
    let is_open = applied.iter().any(|policy| policy.permissive);
    applied.into_iter().filter(move |_| is_open)
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
