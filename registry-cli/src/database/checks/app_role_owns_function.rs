//! Functions that the application can replace, although policies, triggers or functions with other rights call them.

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::DatabaseCheck;

use crate::database::access::roles::Actor;
use crate::database::catalog::{Function, Oid, Relation};
use crate::database::code::called_functions::called_by_policies;
use crate::database::code::tenant_statements::all_called;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::TRIGGER;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut used: BTreeMap<String, Use<'_>> = BTreeMap::new();
    for called in called_by_policies(context) {
        let fact = format!("policies call it: those of {}", quoted(called.tables));
        add(context, &mut used, called.function, fact);
    }
    let routines = context.catalog.routines.iter();
    let own = routines.filter(|function| !owners(context, function).is_empty());
    let own: Vec<&Function> = own.collect();
    for function in &own {
        // `missing_trigger` reports the function of the registry's own trigger.
        if function.name != TRIGGER
            && let Some(fact) = triggers(context, function, function.owner)
        {
            add(context, &mut used, function, fact);
        }
    }
    // Most applications own none.
    if !own.is_empty() {
        for function in &context.catalog.routines {
            for called in all_called(context, &function.body) {
                if let Some(fact) = call(context, function, called) {
                    add(context, &mut used, called, fact);
                }
            }
        }
        for view in &context.catalog.relations {
            let query = context.catalog.definition(view.oid).unwrap_or_default();
            for called in all_called(context, query) {
                if let Some(fact) = refresh(context, view, called) {
                    add(context, &mut used, called, fact);
                }
            }
        }
    }
    used.into_iter()
        .map(|(name, used)| finding(context, &name, used))
        .collect()
}

/// The triggers that run a function, except those on tables with the same owner as the function.
fn triggers(context: &Context<'_>, function: &Function, owner: Oid) -> Option<String> {
    let mut all = context.catalog.triggers_of(function).peekable();
    if function.is_trigger && all.peek().is_none() {
        return Some("event triggers run it, with the rights of whoever changes the schema".to_string());
    }
    let tables: BTreeSet<&str> = all
        .filter_map(|trigger| guarded(context, trigger.relation, owner))
        .collect();
    (!tables.is_empty()).then(|| format!("triggers run it: those of {}", quoted(&tables)))
}

/// How a function calls another with rights that the application does not have.
fn call(context: &Context<'_>, function: &Function, called: &Function) -> Option<String> {
    let name = context.function_name(function);
    if function.is_definer {
        let owner = context.catalog.role_name(function.owner);
        return adds_rights(context, called, function.owner)
            .then(|| format!("`{name}` calls it with the rights of its owner `{owner}`"));
    }
    let fact = triggers(context, function, called.owner)?;
    Some(format!("`{name}` calls it: {fact}"))
}

/// How a materialized view calls a function with rights that the application does not have.
fn refresh(context: &Context<'_>, view: &Relation, called: &Function) -> Option<String> {
    adds_rights(context, called, view.owner).then(|| {
        format!(
            "materialized view `{}` calls it with the rights of its owner `{}`",
            context.name_of(view),
            context.catalog.role_name(view.owner)
        )
    })
}

/// Whether a role of the application that owns a function lacks the rights of another role.
fn adds_rights(context: &Context<'_>, function: &Function, role: Oid) -> bool {
    owners(context, function).iter().any(|app| !app.reaches(role))
}

/// A function that the application can replace, and what depends on it.
struct Use<'c> {
    function: &'c Function,
    owners: Vec<&'c Actor<'c>>,
    facts: Vec<String>,
}

/// The roles of the application that have the rights of the function's owner.
fn owners<'c>(context: &'c Context<'c>, function: &Function) -> Vec<&'c Actor<'c>> {
    let apps = context.app_roles.iter();
    apps.filter(|app| app.reaches(function.owner)).collect()
}

fn add<'c>(
    context: &'c Context<'c>,
    used: &mut BTreeMap<String, Use<'c>>,
    function: &'c Function,
    fact: String,
) {
    let owners = owners(context, function);
    if owners.is_empty() {
        return;
    }
    let entry = used.entry(context.function_name(function)).or_insert(Use {
        function,
        owners,
        facts: Vec::new(),
    });
    entry.facts.push(fact);
}

/// The protected table of a relation, unless its owner also owns the function: `app_role_owns_table` reports that.
fn guarded<'c>(context: &'c Context<'_>, relation: Oid, owner: Oid) -> Option<&'c str> {
    let table = context.table_holding(relation)?;
    let is_protected = table.has_rls() || table.registered.access.is_append_only();
    let has_same_owner = context
        .catalog
        .relation_of(relation)
        .is_some_and(|one| one.owner == owner);
    (is_protected && !has_same_owner).then(|| table.name())
}

fn finding(context: &Context<'_>, name: &str, used: Use<'_>) -> Finding {
    let Use {
        function,
        owners,
        facts,
    } = used;
    let owner = context.catalog.role_name(function.owner);
    let roles: Vec<&str> = owners.iter().map(|app| app.role.name.as_str()).collect();
    let [first, ..] = roles.as_slice() else {
        unreachable!("a use has owners");
    };
    let message = format!("role `{first}` can replace function `{name}`");
    let fix = if function.is_definer {
        "give the function an owner that the application cannot become, and that may do no more than the function has to"
            .to_string()
    } else {
        new_owner(context).map_or_else(
            || "give the function an owner that the application cannot become".to_string(),
            |owner| format!("ALTER ROUTINE {} OWNER TO {owner};", function.signature()),
        )
    };
    let finding = Finding::of_role(DatabaseCheck::AppRoleOwnsFunction, first, message, fix)
        .about(&roles)
        .object(name);
    let finding = facts.into_iter().fold(finding, Finding::fact);
    let is_own = owners[0].role.oid == function.owner;
    let finding = finding.fact(format!("its owner is `{owner}`"));
    if is_own {
        finding
    } else {
        finding.fact(owners[0].memberships(function.owner))
    }
}

/// An owner of tables that the application cannot become.
fn new_owner(context: &Context<'_>) -> Option<String> {
    let mut owners = context.row_secured().map(|(_, relation)| relation.owner);
    let owner = owners.find(|owner| context.app_role_reaching(*owner).is_none())?;
    Some(context.catalog.grantee(owner))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::Definition;
    use crate::database::testing::{Database, NOTHING, findings, found};

    /// A function that a policy of invoices calls.
    fn called(it: &mut Database, owner: &str) {
        let (owner, invoices) = (it.role_oid(owner), it.oid("invoices"));
        let function = it.function("is_mine", "SELECT true");
        function.owner = owner;
        function.is_definer = false;
        function.policies_of = vec![invoices];
    }

    #[test]
    fn a_function_that_a_policy_calls() {
        let of_app = findings(find, |it| called(it, "app"));
        assert_eq!(of_app[0].message, "role `app` can replace function `is_mine()`");
        assert_eq!(
            of_app[0].fix,
            "ALTER ROUTINE \"public\".\"is_mine\"() OWNER TO \"owner\";"
        );
        assert_eq!(found(find, |it| called(it, "owner")), NOTHING);
        assert_eq!(found(find, |it| called(it, "postgres")), NOTHING);
    }

    #[test]
    fn an_owner_that_it_can_become() {
        let found = findings(find, |it| {
            it.add_group("developers");
            called(it, "developers");
        });
        assert_eq!(
            found[0].facts.last().unwrap(),
            "memberships: `app` → `developers`"
        );
    }

    #[test]
    fn a_function_that_is_called_by_a_function() {
        assert_eq!(
            found(find, |it| {
                called(it, "owner");
                it.rows.functions[0].body = "SELECT inner_one()".to_string();
                it.function("inner_one", "SELECT true").owner = it.role_oid("app");
                it.function("other", "SELECT true").owner = it.role_oid("app");
            }),
            ["- inner_one()"]
        );
    }

    #[test]
    fn the_function_of_an_event_trigger() {
        let owned = |owner: &'static str| {
            found(find, move |it| {
                let owner = it.role_oid(owner);
                let function = it.function("on_ddl", "BEGIN RETURN; END");
                (function.owner, function.is_definer, function.is_trigger) = (owner, false, true);
            })
        };
        assert_eq!(owned("app"), ["- on_ddl()"]);
        assert_eq!(owned("owner"), NOTHING);
    }

    #[test]
    fn a_function_that_runs_with_the_rights_of_another() {
        let inner = |definer: &'static str, owner: &'static str| {
            found(find, move |it| {
                let (definer, owner) = (it.role_oid(definer), it.role_oid(owner));
                it.function("f", "SELECT inner_one()").owner = definer;
                let inner = it.function("inner_one", "SELECT 1");
                (inner.owner, inner.is_definer) = (owner, false);
            })
        };
        assert_eq!(inner("postgres", "app"), ["- inner_one()"]);
        assert_eq!(inner("owner", "app"), ["- inner_one()"]);
        assert_eq!(inner("postgres", "owner"), NOTHING);
        assert_eq!(inner("app", "app"), NOTHING);
    }

    #[test]
    fn a_function_that_a_trigger_or_a_materialized_view_calls() {
        let by_trigger = |table: &'static str| {
            found(find, move |it| {
                it.add_trigger(table);
                it.trigger().function = "stamp".to_string();
                let stamp = it.function("stamp", "BEGIN PERFORM inner_one(); RETURN NEW; END");
                (stamp.is_definer, stamp.is_trigger) = (false, true);
                it.function("inner_one", "SELECT 1").owner = it.role_oid("app");
            })
        };
        assert_eq!(by_trigger("invoices"), ["- inner_one()"]);
        assert_eq!(by_trigger("users"), NOTHING);
        let by_view = |owner: &'static str| {
            found(find, move |it| {
                it.view("m", "m", "users");
                it.relation("m").owner = it.role_oid(owner);
                let view = it.oid("m");
                let definition = "SELECT public.inner_one()".to_string();
                it.rows.definitions.push(Definition { view, definition });
                it.function("inner_one", "SELECT 1").owner = it.role_oid("app");
            })
        };
        assert_eq!(by_view("owner"), ["- inner_one()"]);
        assert_eq!(by_view("app"), NOTHING);
    }

    #[test]
    fn the_function_of_a_trigger() {
        let of_trigger = |table: &'static str| {
            found(find, move |it| {
                it.add_trigger(table);
                it.trigger().function = "stamp".to_string();
                it.function("stamp", "BEGIN RETURN NEW; END").owner = it.role_oid("app");
            })
        };
        assert_eq!(of_trigger("invoices"), ["- stamp()"]);
        assert_eq!(of_trigger("users"), NOTHING);
    }
}
