//! Which functions a role may call, itself or by an object that calls them.

use crate::database::access::roles::Actor;
use crate::database::catalog::{Aggregate, Function, Oid};
use crate::database::context::Context;

/// The roles of the application that may call a function.
pub fn callers(context: &Context<'_>, function: &Function) -> Vec<String> {
    let callers = context
        .app_roles
        .iter()
        .filter(|app| may_call(context, app, function));
    callers.map(|app| app.role.name.clone()).collect()
}

/// Whether a role may call a function: by its name, by an object that finds it without its schema, or by an aggregate.
pub fn may_call(context: &Context<'_>, actor: &Actor<'_>, function: &Function) -> bool {
    let mut aggregates = aggregates(context, function);
    let finds = function.is_stored || actor.enters(&function.schema);
    (finds && executes(actor, &function.executors))
        || aggregates.any(|one| actor.enters(&one.schema) && executes(actor, &one.executors))
}

/// The aggregates by which whoever may use them calls a function: their owner may execute it.
pub fn aggregates<'c>(
    context: &'c Context<'_>,
    function: &'c Function,
) -> impl Iterator<Item = &'c Aggregate> {
    let may_execute = |owner: &Actor<'_>| {
        owner.role.superuser || owner.reaches(function.owner) || executes(owner, &function.executors)
    };
    let all = context.catalog.aggregates_of(function);
    all.filter(move |one| context.owner(one.owner).is_some_and(|owner| may_execute(&owner)))
}

fn executes(actor: &Actor<'_>, executors: &[Oid]) -> bool {
    executors.iter().any(|role| actor.reaches(*role))
}
