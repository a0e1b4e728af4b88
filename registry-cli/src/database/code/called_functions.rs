//! The functions that policies call, directly or through each other.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::catalog::{Function, Relation};
use crate::database::code::mention::Words;
use crate::database::computed::CalledRoutine;
use crate::database::context::Context;

/// A function that policies call.
pub struct Called<'c> {
    pub function: &'c Function,
    /// The registered tables whose policies call it.
    pub tables: &'c BTreeSet<String>,
    /// The functions whose bodies call it.
    pub callers: Vec<&'c Function>,
}

/// The functions that policies of tables with row-level security call.
pub fn called_by_policies<'x, 'c>(
    context: &'x Context<'c>,
) -> impl Iterator<Item = Called<'x>> + use<'x, 'c> {
    let called = context
        .computed
        .called_by_policies
        .get_or_init(|| search(context));
    let routines = &context.catalog.routines;
    called.iter().map(|one| Called {
        function: &routines[one.at],
        tables: &one.tables,
        callers: one.callers.iter().map(|at| &routines[*at]).collect(),
    })
}

fn search(context: &Context<'_>) -> Vec<CalledRoutine> {
    let routines = &context.catalog.routines;
    let bodies: Vec<Words> = routines
        .iter()
        .map(|function| Words::of_function(&function.body))
        .collect();
    let mut found: BTreeMap<usize, CalledRoutine> = BTreeMap::new();
    let mut open = Vec::new();
    let called = |at, tables| CalledRoutine {
        at,
        tables,
        callers: Vec::new(),
    };
    for (at, function) in routines.iter().enumerate() {
        let tables: BTreeSet<String> = tables_of_policies(context, function).collect();
        if !tables.is_empty() {
            found.insert(at, called(at, tables));
            open.push(at);
        }
    }
    while let Some(at) = open.pop() {
        let tables = found[&at].tables.clone();
        for (inner, function) in routines.iter().enumerate() {
            if inner == at || !bodies[at].calls(&function.schema, &function.name) {
                continue;
            }
            let entry = found
                .entry(inner)
                .or_insert_with(|| called(inner, BTreeSet::new()));
            let is_known = entry.callers.contains(&at);
            let before = entry.tables.len();
            entry.tables.extend(tables.iter().cloned());
            if !is_known {
                entry.callers.push(at);
            }
            if !is_known || entry.tables.len() > before {
                open.push(inner);
            }
        }
    }
    found.into_values().collect()
}

/// The registered tables whose own policies call a function.
fn tables_of_policies(context: &Context<'_>, function: &Function) -> impl Iterator<Item = String> {
    let relations = function.policies_of.iter();
    let relations = relations.filter_map(|oid| context.catalog.relation_of(*oid));
    let secured = relations.filter(|relation: &&Relation| relation.row_security);
    let tables = secured.filter_map(|relation| context.table_holding(relation.oid));
    tables
        .filter(|table| table.has_rls())
        .map(|table| table.name().to_string())
}

#[cfg(test)]
mod tests {
    use super::{Called, called_by_policies};
    use crate::database::testing::Database;

    #[test]
    fn functions_that_functions_call() {
        let mut it = Database::sound();
        let invoices = it.oid("invoices");
        it.function("is_mine", "SELECT own_org() = o OR public.is_admin()")
            .policies_of = vec![invoices];
        it.function("own_org", "SELECT current_setting('app.org_id', true)");
        it.function("is_admin", "SELECT is_mine('a') AND 'unused()' = 'b'");
        it.function("unused", "SELECT is_admin()");
        it.inspect(|context| {
            let called: Vec<Called<'_>> = called_by_policies(context).collect();
            let names: Vec<&str> = called.iter().map(|one| one.function.name.as_str()).collect();
            assert_eq!(names, ["is_mine", "own_org", "is_admin"]);
            assert!(called.iter().all(|one| one.tables.contains("invoices")));
            let callers = |at: usize| called[at].callers.iter().map(|one| one.name.as_str());
            assert_eq!(callers(1).collect::<Vec<_>>(), ["is_mine"]);
        });
    }

    #[test]
    fn policies_without_effect_call_nothing() {
        let mut it = Database::sound();
        let invoices = it.oid("invoices");
        it.function("is_mine", "SELECT true").policies_of = vec![invoices];
        it.relation("invoices").row_security = false;
        it.inspect(|context| assert!(called_by_policies(context).next().is_none()));
    }
}
