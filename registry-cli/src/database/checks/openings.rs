//! Ways around the protection of a table: its children, and what runs as somebody else.

use std::collections::BTreeSet;

use registry_core::engine::Code;

use super::append_only::open_grants;
use super::{Context, Table};
use crate::database::catalog::{Function, Oid, Relation};
use crate::database::finding::Finding;
use crate::database::is_change;
use crate::database::mention::Words;
use crate::database::statements::{enable_rls, force_rls, identifier};
use crate::text::quoted;

pub fn unprotected_child(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let children = context.family(relation).skip(1);
        findings.extend(children.filter_map(|child| unprotected(context, table, child)));
    }
    findings
}

fn unprotected(context: &Context<'_>, table: &Table<'_>, child: &Relation) -> Option<Finding> {
    let name = child.qualified();
    let (mut facts, mut fixes) = (Vec::new(), Vec::new());
    if table.has_rls() && !child.row_security {
        facts.push("row-level security is off where the child is addressed directly".to_string());
        fixes.push(enable_rls(&name));
    }
    if table.has_rls() && context.config.force_rls && !child.force_row_security {
        facts.push("row-level security does not hold for its owner".to_string());
        fixes.push(force_rls(&name));
    }
    if table.registered.append_only {
        for grant in open_grants(context, child) {
            facts.push(format!("{} {}", grant.privileges.join(", "), grant.way));
            fixes.push(grant.revoke(context, child));
        }
    }
    if fixes.is_empty() {
        return None;
    }
    let what = if child.is_partition {
        "partition"
    } else {
        "inheritance child"
    };
    let message = format!(
        "{what} `{}` lacks the protection of table `{}`",
        child.name,
        table.name()
    );
    let mut finding =
        Finding::of_table(Code::UnprotectedChild, table.name(), message, fixes.join(" ")).object(&child.name);
    finding.facts = facts;
    Some(finding)
}

/// What runs as its owner, and not as the role that uses it.
pub fn views_functions_and_rules(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for relation in &context.catalog.relations {
        match relation.kind.as_str() {
            "v" => findings.extend(definer_view(context, relation)),
            "m" => findings.extend(materialized_view(context, relation)),
            _ => {}
        }
    }
    let functions = context.catalog.functions.iter();
    findings.extend(functions.filter_map(|function| definer_function(context, function)));
    findings.extend(rewrite_rules(context));
    findings
}

/// Whether a role of the application holds one of some privileges.
fn is_used(context: &Context<'_>, relation: &Relation, privileges: impl Fn(&str) -> bool) -> bool {
    let mut grants = context.catalog.grants(relation.oid).iter();
    grants.any(|grant| privileges(&grant.privilege) && context.app_role_reaching(grant.grantee).is_some())
        || context.app_role_reaching(relation.owner).is_some()
}

fn is_any(privilege: &str) -> bool {
    privilege == "SELECT" || privilege == "INSERT" || is_change(privilege)
}

/// A view asks for the rights of its owner, also on the views below it, unless these ask for those of
/// whoever uses them.
fn definer_view(context: &Context<'_>, view: &Relation) -> Option<Finding> {
    let reachable = is_used(context, view, is_any) || is_part_of_used_view(context, view);
    if view.security_invoker || !reachable {
        return None;
    }
    let mut tables = below(context, view);
    let changes = is_used(context, view, is_change);
    tables.retain(|(table, relation)| opens(context, view.owner, table, relation, [true, changes]));
    let names = quoted(tables.iter().map(|(table, _)| table.name()));
    let (first, _) = tables.first()?;
    let owner = context.catalog.role_name(view.owner);
    let name = view.qualified();
    let fix = if context.catalog.server.version >= 150_000 {
        format!("ALTER VIEW {name} SET (security_invoker = true);")
    } else {
        format!("REVOKE ALL ON {name} FROM PUBLIC, {};", context.app_role_list())
    };
    Some(
        Finding::of_table(
            Code::DefinerView,
            first.name(),
            format!("view `{}` opens {}", view.name, names),
            fix,
        )
        .object(&view.name)
        .fact(format!(
            "it runs as its owner `{owner}`, to whom the rules of the table do not apply"
        )),
    )
}

/// Views that run as their user hand that user on.
fn is_part_of_used_view(context: &Context<'_>, view: &Relation) -> bool {
    let views = context
        .catalog
        .relations
        .iter()
        .filter(|other| other.kind == "v" && other.oid != view.oid);
    let mut used = views.filter(|other| is_used(context, other, is_any));
    used.any(|other| uses(context, other, view.oid))
}

fn uses(context: &Context<'_>, view: &Relation, below: Oid) -> bool {
    let (mut seen, mut open) = (BTreeSet::new(), vec![view.oid]);
    while let Some(at) = open.pop() {
        for used in context.catalog.used_by(at).filter(|used| used.kind == "v") {
            if used.oid == below {
                return true;
            }
            if seen.insert(used.oid) {
                open.push(used.oid);
            }
        }
    }
    false
}

/// The registered tables that a view is made of, also by other views. Those of another view that runs
/// as its owner are that view's.
fn below<'c>(context: &'c Context<'c>, view: &Relation) -> Vec<(&'c Table<'c>, &'c Relation)> {
    let (mut seen, mut open, mut found) = (BTreeSet::new(), vec![view.oid], Vec::new());
    while let Some(at) = open.pop() {
        for used in context.catalog.used_by(at) {
            if !seen.insert(used.oid) {
                continue;
            }
            if let Some(table) = protected(context, used) {
                found.push((table, used));
            } else if used.kind == "m" || (used.kind == "v" && used.security_invoker) || view.kind == "m" {
                open.push(used.oid);
            }
        }
    }
    found.sort_by_key(|(table, _)| table.name());
    found
}

/// The registered table that a relation is, or is a child of.
fn protected<'c>(context: &'c Context<'c>, relation: &Relation) -> Option<&'c Table<'c>> {
    let mut at = relation.oid;
    loop {
        if let Some(table) = context.table_of(at) {
            return Some(table);
        }
        at = context.catalog.parents(at).next()?;
    }
}

/// Whether what reads or changes a table as its owner goes around the protection of the table.
fn opens(
    context: &Context<'_>,
    owner: Oid,
    table: &Table<'_>,
    relation: &Relation,
    [reads, changes]: [bool; 2],
) -> bool {
    (reads && table.has_rls() && context.is_above_rls(owner, relation))
        || (changes && table.registered.append_only && may_change(context, owner, relation))
}

fn may_change(context: &Context<'_>, role: Oid, relation: &Relation) -> bool {
    let mut grants = context.catalog.grants(relation.oid).iter();
    context.catalog.role_of(role).is_some_and(|role| role.superuser)
        || context.acts_as(role, relation.owner)
        || grants.any(|grant| is_change(&grant.privilege) && context.acts_as(role, grant.grantee))
}

fn materialized_view(context: &Context<'_>, view: &Relation) -> Option<Finding> {
    if !is_used(context, view, |privilege| privilege == "SELECT") {
        return None;
    }
    let mut tables = below(context, view);
    tables.retain(|(table, _)| table.has_rls());
    let names = quoted(tables.iter().map(|(table, _)| table.name()));
    let (first, _) = tables.first()?;
    Some(
        Finding::of_table(
            Code::MaterializedView,
            first.name(),
            format!("materialized view `{}` holds a copy of {}", view.name, names),
            format!(
                "REVOKE SELECT ON {} FROM PUBLIC, {};",
                view.qualified(),
                context.app_role_list()
            ),
        )
        .object(&view.name)
        .fact("PostgreSQL has no row-level security for materialized views"),
    )
}

fn definer_function(context: &Context<'_>, function: &Function) -> Option<Finding> {
    let mut executors = function.executors.iter();
    if !function.is_trigger && !executors.any(|role| context.app_role_reaching(*role).is_some()) {
        return None;
    }
    let words = Words::of(&function.body);
    let opened = context.present().filter(|(table, relation)| {
        let name = &table.qualified.name;
        let is_used = words.use_table(name) || function.used.contains(&relation.oid);
        // A trigger's function is not called by anybody: it reads what it is made to read.
        let reads = is_used && !function.is_trigger;
        let changes = words.change_table(name) || (function.body.is_empty() && is_used);
        opens(context, function.owner, table, relation, [reads, changes])
    });
    let tables: Vec<&Table<'_>> = opened.map(|(table, _)| table).collect();
    let names = quoted(tables.iter().map(|table| table.name()));
    let first = tables.first()?;
    let signature = format!(
        "{}.{}({})",
        identifier(&function.schema),
        identifier(&function.name),
        function.arguments
    );
    let owner = context.catalog.role_name(function.owner);
    Some(
        Finding::of_table(
            Code::DefinerFunction,
            first.name(),
            format!("function `{}` opens {}", function.name, names),
            format!("ALTER FUNCTION {signature} SECURITY INVOKER;"),
        )
        .object(&function.name)
        .fact(format!("it is SECURITY DEFINER: it runs as its owner `{owner}`")),
    )
}

fn rewrite_rules(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for rule in &context.catalog.rules {
        let Some(on) = context.catalog.relation_of(rule.relation) else {
            continue;
        };
        // `CREATE RULE name AS ON event TO table DO …`
        let action = rule
            .definition
            .split_once(" DO ")
            .map_or("", |(_, action)| action);
        let words = Words::of(action);
        let opened = context.present().filter(|(table, relation)| {
            let name = &table.qualified.name;
            let reads = relation.oid != on.oid && words.use_table(name);
            opens(
                context,
                on.owner,
                table,
                relation,
                [reads, words.change_table(name)],
            )
        });
        let tables: Vec<&Table<'_>> = opened.map(|(table, _)| table).collect();
        let names = quoted(tables.iter().map(|table| table.name()));
        let Some(first) = tables.first() else { continue };
        findings.push(
            Finding::of_table(
                Code::RewriteRule,
                first.name(),
                format!("rule `{}` of `{}` opens {}", rule.name, on.name, names),
                format!("DROP RULE {} ON {};", identifier(&rule.name), on.qualified()),
            )
            .object(&rule.name)
            .fact(format!(
                "its action runs as `{}`, the owner of `{}`",
                context.catalog.role_name(on.owner),
                on.name
            )),
        );
    }
    findings
}
