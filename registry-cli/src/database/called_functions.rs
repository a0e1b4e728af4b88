//! The functions that policies call, directly or through each other.

use std::collections::{BTreeMap, BTreeSet};

use super::catalog::{Function, Relation};
use super::context::{Context, Table};
use super::mention::Words;

/// A function that policies call.
pub struct Called<'c> {
    pub function: &'c Function,
    /// The registered tables whose policies call it.
    pub tables: BTreeSet<&'c str>,
    /// The functions whose bodies call it.
    pub callers: Vec<&'c Function>,
}

/// The functions that policies of tables with row-level security call.
pub fn called_by_policies<'c>(context: &'c Context<'c>) -> Vec<Called<'c>> {
    let routines = &context.catalog.routines;
    let bodies: Vec<Words> = routines
        .iter()
        .map(|function| Words::of_function(&function.body))
        .collect();
    let mut found: BTreeMap<usize, Called<'c>> = BTreeMap::new();
    let mut open = Vec::new();
    for (at, function) in routines.iter().enumerate() {
        let tables: BTreeSet<&str> = tables_of_policies(context, function).collect();
        if !tables.is_empty() {
            found.insert(at, Called::new(function, tables));
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
                .or_insert_with(|| Called::new(function, BTreeSet::new()));
            let caller = &routines[at];
            let is_known = entry.callers.iter().any(|known| std::ptr::eq(*known, caller));
            let before = entry.tables.len();
            entry.tables.extend(&tables);
            if !is_known {
                entry.callers.push(caller);
            }
            if !is_known || entry.tables.len() > before {
                open.push(inner);
            }
        }
    }
    found.into_values().collect()
}

impl<'c> Called<'c> {
    fn new(function: &'c Function, tables: BTreeSet<&'c str>) -> Self {
        Self {
            function,
            tables,
            callers: Vec::new(),
        }
    }
}

/// The registered tables whose own policies call a function.
fn tables_of_policies<'c>(context: &'c Context<'c>, function: &'c Function) -> impl Iterator<Item = &'c str> {
    let relations = function.policies_of.iter();
    let relations = relations.filter_map(|oid| context.catalog.relation_of(*oid));
    let secured = relations.filter(|relation: &&Relation| relation.row_security);
    let tables = secured.filter_map(|relation| context.table_holding(relation.oid));
    tables.filter(|table| table.has_rls()).map(Table::name)
}

#[cfg(test)]
mod tests {
    use super::called_by_policies;
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
            let called = called_by_policies(context);
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
        it.inspect(|context| assert!(called_by_policies(context).is_empty()));
    }
}
