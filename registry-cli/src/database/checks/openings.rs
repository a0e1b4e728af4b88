//! Ways around the protection of a table: its children, and what runs as somebody else.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use super::append_only::{create_trigger_anew, has_trigger, open_grants};
use super::{Context, Table};
use crate::database::CHANGES;
use crate::database::catalog::{Function, Oid, Relation, Rule, reached};
use crate::database::finding::Finding;
use crate::database::mention::Words;
use crate::database::roles::Actor;
use crate::database::statements::{enable_rls, force_rls, identifier};
use crate::text::quoted;

const ANY: [&str; 5] = ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE"];

pub fn unprotected_relative(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        for child in context.catalog.descendants(relation.oid) {
            findings.extend(if child.is_foreign_table() {
                foreign_child(context, table, child)
            } else {
                unprotected(context, table, child, Way::Down)
            });
        }
        for parent in context.catalog.ancestors(relation.oid) {
            let parent = context.catalog.relation_of(parent);
            findings.extend(parent.and_then(|parent| unprotected(context, table, parent, Way::Up)));
        }
    }
    findings
}

/// Whether rows of a table are reached by one of its children, or by what it is a child of itself.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Down,
    Up,
}

/// Row-level security of a relative is asked for where it is addressed directly, and so only if somebody
/// may. A relative with a struct that asks for as much is checked by itself.
fn unprotected(context: &Context<'_>, table: &Table<'_>, relative: &Relation, way: Way) -> Option<Finding> {
    let own = context.table_of(relative.oid);
    let lacks_rls = table.has_rls() && !own.is_some_and(Table::has_rls);
    let lacks_revoke = table.registered.append_only && !own.is_some_and(|own| own.registered.append_only);
    let name = relative.qualified();
    let (mut facts, mut fixes) = (Vec::new(), Vec::new());
    let is_open = lacks_rls && is_used(context, relative, &ANY);
    if is_open && !relative.row_security {
        facts.push("row-level security is off where it is addressed directly".to_string());
        fixes.push(enable_rls(&name));
    }
    if is_open && context.config.force_rls && !relative.force_row_security {
        facts.push("row-level security does not hold for its owner".to_string());
        fixes.push(force_rls(&name));
    }
    if lacks_revoke {
        for grant in open_grants(context, relative) {
            facts.push(format!("{} {}", grant.privileges.join(", "), grant.way));
            fixes.push(grant.revoke(context, relative));
        }
    }
    // What a table is a child of may have other children, whose rows do change.
    let wants_trigger = lacks_revoke && way == Way::Down && context.config.append_only_trigger;
    if wants_trigger && !has_trigger(context, relative) {
        facts.push("a trigger of statements on the table does not fire for its children".to_string());
        fixes.push(create_trigger_anew(context, &name));
    }
    let fix = (!fixes.is_empty()).then(|| fixes.join("\n"))?;
    let (code, what) = match way {
        Way::Down => (DatabaseCheck::UnprotectedChild, kind(relative)),
        Way::Up => (DatabaseCheck::UnprotectedParent, "parent"),
    };
    let message = format!(
        "{what} `{}` lacks the protection of table `{}`",
        relative.name,
        table.name()
    );
    let mut finding = Finding::of_table(code, table.name(), message, fix).object(&relative.name);
    finding.facts = facts;
    Some(finding)
}

fn foreign_child(context: &Context<'_>, table: &Table<'_>, child: &Relation) -> Option<Finding> {
    let wanted: &[&str] = if table.has_rls() { &ANY } else { &CHANGES };
    let protects = table.has_rls() || table.registered.append_only;
    if !protects || !is_used(context, child, wanted) {
        return None;
    }
    let message = format!(
        "{} `{}` of table `{}` is a foreign table, which nothing protects here",
        kind(child),
        child.name,
        table.name()
    );
    let fix = revoke(context, child, wanted);
    let finding = Finding::of_table(DatabaseCheck::UnprotectedChild, table.name(), message, fix);
    Some(
        finding
            .object(&child.name)
            .fact("foreign tables have no row-level security"),
    )
}

fn kind(child: &Relation) -> &'static str {
    if child.is_partition {
        "partition"
    } else {
        "inheritance child"
    }
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
    let rules = context.catalog.all_rules();
    findings.extend(rules.filter_map(|rule| rewrite_rule(context, rule)));
    findings
}

/// Whether a role of the application holds one of some privileges.
fn is_used(context: &Context<'_>, relation: &Relation, privileges: &[&str]) -> bool {
    context.app_roles.iter().any(|app| app.may(relation, privileges))
}

/// Takes privileges from everybody who gives them to a role of the application.
fn revoke(context: &Context<'_>, relation: &Relation, privileges: &[&str]) -> String {
    let mut held = BTreeSet::new();
    for grant in context.catalog.grants(relation.oid) {
        let is_wanted = privileges.contains(&grant.privilege.as_str()) && grant.grantee != relation.owner;
        if is_wanted && context.app_role_reaching(grant.grantee).is_some() {
            held.insert((context.catalog.grantee(grant.grantee), grant.privilege.as_str()));
        }
    }
    let mut grantees: Vec<&String> = held.iter().map(|(grantee, _)| grantee).collect();
    grantees.dedup();
    let revokes = grantees.into_iter().map(|grantee| {
        let own = held.iter().filter(|(other, _)| other == grantee);
        let privileges: Vec<&str> = own.map(|(_, privilege)| *privilege).collect();
        format!(
            "REVOKE {} ON TABLE {} FROM {grantee};",
            privileges.join(", "),
            relation.qualified()
        )
    });
    let revokes: Vec<String> = revokes.collect();
    if revokes.is_empty() {
        let memberships = context
            .app_roles
            .iter()
            .filter_map(Actor::revoke_everything_readable);
        let memberships: String = memberships.collect();
        return if memberships.is_empty() {
            let name = relation.qualified();
            format!("make another role the owner of {name}, or take away the membership that reaches it")
        } else {
            memberships
        };
    }
    revokes.join(" ")
}

/// A view asks for the rights of its owner, also on the views below it, unless these ask for those of
/// whoever uses them.
fn definer_view(context: &Context<'_>, view: &Relation) -> Option<Finding> {
    if view.security_invoker {
        return None;
    }
    let mut tables = below(context, view);
    let changes = is_used(context, view, &CHANGES);
    tables.retain(|(table, relation)| opens(context, view.owner, table, relation, [true, changes]));
    let names: Vec<&str> = tables.iter().map(|(table, _)| table.name()).collect();
    let first = names.first()?;
    // The last question, because it looks at every other view.
    if ways_to(context, view, &ANY).is_empty() {
        return None;
    }
    let name = view.qualified();
    let fix = if context.catalog.server.version >= 150_000 {
        format!("ALTER VIEW {name} SET (security_invoker = true);")
    } else {
        revoke(context, view, &ANY)
    };
    let message = format!("view `{}` opens {}", view.name, quoted(&names));
    let owner = context.catalog.role_name(view.owner);
    let finding = Finding::of_table(DatabaseCheck::DefinerView, first, message, fix).about(&names);
    Some(finding.object(&view.name).fact(format!(
        "it runs as its owner `{owner}`, to whom the rules of the table do not apply"
    )))
}

fn materialized_view(context: &Context<'_>, view: &Relation) -> Option<Finding> {
    let mut tables = below(context, view);
    tables.retain(|(table, _)| table.has_rls());
    let names: Vec<&str> = tables.iter().map(|(table, _)| table.name()).collect();
    let first = names.first()?;
    let ways = ways_to(context, view, &["SELECT"]);
    if ways.is_empty() {
        return None;
    }
    let message = format!(
        "materialized view `{}` holds a copy of {}",
        view.name,
        quoted(&names)
    );
    let fixes: Vec<String> = ways.iter().map(|way| revoke(context, way, &["SELECT"])).collect();
    let finding = Finding::of_table(DatabaseCheck::MaterializedView, first, message, fixes.join(" "));
    Some(
        finding
            .about(&names)
            .object(&view.name)
            .fact("PostgreSQL has no row-level security for materialized views"),
    )
}

/// The views by which a role of the application gets at one: itself, and those that are made of it.
fn ways_to<'c>(context: &'c Context<'c>, view: &'c Relation, privileges: &[&str]) -> Vec<&'c Relation> {
    let views = context.catalog.relations.iter();
    let views = views.filter(|other| other.kind == "v" && other.oid != view.oid);
    let above =
        views.filter(|other| is_made_of(context, other, view.oid) && is_used(context, other, privileges));
    let own = is_used(context, view, privileges).then_some(view);
    own.into_iter().chain(above).collect()
}

fn is_made_of(context: &Context<'_>, view: &Relation, below: Oid) -> bool {
    let views = reached(view.oid, |at| {
        let used = context.catalog.used_by(at);
        used.filter(|used| used.kind == "v").map(|used| used.oid)
    });
    let mut parts = views.into_iter().chain([view.oid]);
    parts.any(|part| context.catalog.used_by(part).any(|used| used.oid == below))
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
            if let Some(table) = registered(context, used) {
                found.push((table, used));
            } else if (used.kind == "v" && used.security_invoker) || view.kind == "m" {
                open.push(used.oid);
            }
        }
    }
    found.sort_by_key(|(table, _)| table.name());
    found
}

/// The registered table that a relation is, or is a child of.
fn registered<'c>(context: &'c Context<'c>, relation: &Relation) -> Option<&'c Table<'c>> {
    let ancestors = || context.catalog.ancestors(relation.oid).into_iter();
    let own = context.table_of(relation.oid);
    own.or_else(|| ancestors().find_map(|parent| context.table_of(parent)))
}

/// Whether what reads or changes a table as a role goes around the protection of the table.
fn opens(
    context: &Context<'_>,
    role: Oid,
    table: &Table<'_>,
    relation: &Relation,
    [reads, changes]: [bool; 2],
) -> bool {
    (reads && table.has_rls() && context.is_above_rls(role, relation))
        || (changes && table.registered.append_only && may_change(context, role, relation))
}

fn may_change(context: &Context<'_>, role: Oid, relation: &Relation) -> bool {
    let actor = context.actor(role);
    actor.is_some_and(|actor| CHANGES.iter().any(|privilege| actor.holds(relation, privilege)))
}

fn definer_function(context: &Context<'_>, function: &Function) -> Option<Finding> {
    let calls = |app: &Actor<'_>| {
        app.enters(&function.schema) && function.executors.iter().any(|role| app.reaches(*role))
    };
    if !function.is_trigger && !context.app_roles.iter().any(calls) {
        return None;
    }
    let opened = opened_by(
        context,
        &Words::of_function(&function.body),
        function.owner,
        |_, reads| {
            // A trigger's function is not called by anybody: it reads what it is made to read.
            reads && !function.is_trigger
        },
    );
    let first = opened.first()?;
    let signature = format!(
        "{}.{}({})",
        identifier(&function.schema),
        identifier(&function.name),
        function.arguments
    );
    let owner = context.catalog.role_name(function.owner);
    let message = format!("function `{}` opens {}", function.name, quoted(&opened));
    let runs_as = format!("it is SECURITY DEFINER: it runs as its owner `{owner}`");
    let finding = |fix: String| {
        Finding::of_table(DatabaseCheck::DefinerFunction, first, message.clone(), fix)
            .about(&opened)
            .object(&function.name)
            .fact(runs_as.clone())
    };
    // With the rights of whoever calls it, the policy would ask itself.
    if context.catalog.is_called_by_policies(&function.name) {
        let fix = "if it says nothing but what a policy has to know, make an exception: `[database.allow.definer-function]`";
        return Some(finding(fix.to_string()).fact("policies call it").warning());
    }
    Some(finding(format!("ALTER ROUTINE {signature} SECURITY INVOKER;")))
}

fn rewrite_rule(context: &Context<'_>, rule: &Rule) -> Option<Finding> {
    let on = context.catalog.relation_of(rule.relation)?;
    if !is_used(context, on, &ANY) {
        return None;
    }
    let words = Words::outside_quotes(&rule.definition);
    let opened = opened_by(context, &words, on.owner, |relation, reads| {
        reads && relation.oid != on.oid
    });
    let first = opened.first()?;
    let owner = context.catalog.role_name(on.owner);
    let finding = Finding::of_table(
        DatabaseCheck::RewriteRule,
        first,
        format!("rule `{}` of `{}` opens {}", rule.name, on.name, quoted(&opened)),
        format!("DROP RULE {} ON {};", identifier(&rule.name), on.qualified()),
    );
    Some(finding.about(&opened).object(&rule.name).fact(format!(
        "its action runs as `{owner}`, the owner of `{}`",
        on.name
    )))
}

/// The names of the registered tables that code opens which runs as a role: those that it names, and those
/// below the views that it names.
fn opened_by<'c>(
    context: &'c Context<'c>,
    words: &Words,
    role: Oid,
    counts_as_read: impl Fn(&Relation, bool) -> bool,
) -> Vec<&'c str> {
    let mut opened = BTreeSet::new();
    for relation in &context.catalog.relations {
        let reads = counts_as_read(relation, words.read(&relation.schema, &relation.name));
        let changes = words.change(&relation.schema, &relation.name);
        if reads || changes {
            opened.extend(opened_through(context, relation, role, [reads, changes]));
        }
    }
    opened.into_iter().collect()
}

fn opened_through<'c>(
    context: &'c Context<'c>,
    relation: &Relation,
    role: Oid,
    does: [bool; 2],
) -> Vec<&'c str> {
    if let Some(table) = registered(context, relation) {
        let is_open = opens(context, role, table, relation, does);
        return is_open.then(|| table.name()).into_iter().collect();
    }
    let tables = below(context, relation).into_iter();
    let is_copy = relation.kind == "m";
    let role = if relation.security_invoker {
        role
    } else {
        relation.owner
    };
    tables
        .filter(|(table, used)| (is_copy && table.has_rls()) || opens(context, role, table, used, does))
        .map(|(table, _)| table.name())
        .collect()
}
