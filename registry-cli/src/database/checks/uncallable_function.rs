//! Functions of policies that a role of the application may not execute, so that each of its statements fails.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::access::roles::Actor;
use crate::database::catalog::Function;
use crate::database::code::called_functions::{Called, called_by_policies};
use crate::database::code::mention::Words;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::policies::{COMMANDS, app_roles_of};
use crate::database::requirements::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let called = called_by_policies(context);
    called.filter_map(|called| finding(context, &called)).collect()
}

fn finding(context: &Context<'_>, called: &Called<'_>) -> Option<Finding> {
    let function = called.function;
    let mut lacking: BTreeSet<(String, String)> = BTreeSet::new();
    let mut through = BTreeSet::new();
    for app in users(context, function) {
        let lack = lacks(&app, function, false);
        if !lack.is_empty() {
            through.insert(app.role.name.clone());
        }
        lacking.extend(lack);
    }
    for caller in &called.callers {
        // A body in standard SQL was looked up when it was created.
        for actor in actors(context, caller) {
            let lack = lacks(&actor, function, !caller.is_bound);
            if !lack.is_empty() {
                through.extend(users(context, caller).map(|app| app.role.name.clone()));
            }
            lacking.extend(lack);
        }
    }
    let tables: Vec<&str> = called.tables.iter().map(String::as_str).collect();
    let (first, (_, role)) = (tables.first()?, lacking.first()?);
    let name = context.function_name(function);
    let message = format!("role `{role}` may not call function `{name}`, which policies call");
    let statements = lacking.iter().map(|(what, role)| {
        let to = identifier(role);
        format!("GRANT {what} TO {to};")
    });
    let fix = statements.collect::<Vec<_>>().join("\n");
    Some(
        Finding::of_table(DatabaseCheck::UncallableFunction, first, message, fix)
            .about(&tables)
            .object(name)
            .through(through.into_iter().collect())
            .fact("every statement to which such a policy applies fails with an error, which looks like a refusal"),
    )
}

/// The roles of the application to which policies that call a function apply.
fn users<'c>(context: &'c Context<'c>, function: &'c Function) -> impl Iterator<Item = Actor<'c>> {
    let is_used = |app: &Actor<'c>| {
        let mut relations = function.policies_of.iter();
        relations.any(|oid| {
            let Some(relation) = context.catalog.relation_of(*oid) else {
                return false;
            };
            let policies = context.catalog.policies(*oid).iter();
            let mut calling = policies.filter(|policy| {
                let mut texts = policy.using.iter().chain(&policy.check);
                texts.any(|text| Words::outside_quotes(text).contains(&function.name))
            });
            calling.any(|policy| {
                let mut commands = COMMANDS.iter().filter(|(letter, _)| policy.is_for(letter));
                app_roles_of(context, relation, policy).any(|one| one.role.oid == app.role.oid)
                    && commands.any(|(_, command)| app.holds(relation, command))
            })
        })
    };
    let apps = context
        .app_roles
        .iter()
        .map(|app| Actor::of_owner(context.catalog, app.role));
    apps.filter(is_used)
}

/// The roles with whose rights a function calls others.
fn actors<'c>(context: &'c Context<'c>, caller: &'c Function) -> Vec<Actor<'c>> {
    if caller.is_definer {
        context.owner(caller.owner).into_iter().collect()
    } else {
        users(context, caller).collect()
    }
}

/// What a role lacks to call a function, each with the role.
fn lacks(actor: &Actor<'_>, function: &Function, looks_it_up: bool) -> Vec<(String, String)> {
    let may_execute = actor.role.superuser || function.executors.iter().any(|role| actor.reaches(*role));
    let may_enter = !looks_it_up || actor.enters(&function.schema);
    let execute = (!may_execute).then(|| format!("EXECUTE ON ROUTINE {}", function.signature()));
    let enter = (!may_enter).then(|| format!("USAGE ON SCHEMA {}", identifier(&function.schema)));
    let lacking = execute.into_iter().chain(enter);
    lacking.map(|what| (what, actor.role.name.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    /// A function that a policy of invoices calls.
    fn called(it: &mut Database, executors: &[&str]) {
        let invoices = it.oid("invoices");
        let executors = executors.iter().map(|role| it.role_oid(role)).collect();
        let function = it.function("is_mine", "SELECT true");
        function.is_definer = false;
        function.executors = executors;
        function.policies_of = vec![invoices];
        it.add_policy("invoices", "mine", "app", "is_mine(org_id)")
            .permissive = false;
    }

    #[test]
    fn execute_is_missing() {
        let lacking = findings(find, |it| called(it, &["owner"]));
        assert_eq!(
            lacking[0].message,
            "role `app` may not call function `is_mine()`, which policies call"
        );
        assert_eq!(
            lacking[0].fix,
            "GRANT EXECUTE ON ROUTINE \"public\".\"is_mine\"() TO \"app\";"
        );
        assert_eq!(found(find, |it| called(it, &["PUBLIC"])), NOTHING);
        assert_eq!(found(find, |it| called(it, &["app"])), NOTHING);
    }

    /// A policy has looked its functions up when it was made.
    #[test]
    fn a_schema_that_a_policy_does_not_need() {
        assert_eq!(
            found(find, |it| {
                called(it, &["PUBLIC"]);
                it.rows.functions[0].schema = "inside".to_string();
            }),
            NOTHING
        );
    }

    #[test]
    fn a_function_inside_a_function() {
        let nested = |change: fn(&mut Database)| {
            findings(find, |it| {
                called(it, &["PUBLIC"]);
                it.rows.functions[0].body = "SELECT inside.own()".to_string();
                let inner = it.function("own", "SELECT true");
                inner.schema = "inside".to_string();
                inner.is_definer = false;
                change(it);
            })
        };
        assert_eq!(
            nested(|_| ())[0].fix,
            "GRANT USAGE ON SCHEMA \"inside\" TO \"app\";"
        );
        // The owner is a superuser.
        assert!(nested(|it| it.rows.functions[0].is_definer = true).is_empty());
        assert!(nested(|it| it.rows.functions[0].is_bound = true).is_empty());
    }

    #[test]
    fn a_policy_that_does_not_apply() {
        assert_eq!(
            found(find, |it| {
                called(it, &["owner"]);
                it.add_role("backup");
                let backup = it.role_oid("backup");
                it.rows.policies.last_mut().unwrap().roles = vec![backup];
            }),
            NOTHING
        );
    }
}
