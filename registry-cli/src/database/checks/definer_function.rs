//! SECURITY DEFINER functions that open a table to the application.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Function;
use crate::database::context::Context;
use crate::database::finding::Finding;
use crate::database::mention::Words;
use crate::database::openings::opened_by;
use crate::database::roles::Actor;
use crate::database::statements::identifier;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let functions = context.catalog.functions.iter();
    functions
        .filter_map(|function| definer_function(context, function))
        .collect()
}

fn definer_function(context: &Context<'_>, function: &Function) -> Option<Finding> {
    if !is_run_by_app(context, function) {
        return None;
    }
    let words = Words::of_function(&function.body);
    // Nobody calls the function of a trigger, and so nobody gets what it reads.
    let opened = opened_by(context, &words, function.owner, |_| !function.is_trigger);
    let first = opened.first()?;
    let message = format!("function `{}` opens {}", function.name, quoted(&opened));
    // With the rights of its caller, a function that a policy calls would ask that policy again.
    let is_called_by_policies = context.catalog.is_called_by_policies(&function.name);
    let fix = if is_called_by_policies {
        "if it says nothing but what a policy has to know, make an exception: `[database.allow.definer-function]`".to_string()
    } else {
        format!("ALTER ROUTINE {} SECURITY INVOKER;", signature(function))
    };
    let owner = context.catalog.role_name(function.owner);
    let finding = Finding::of_table(DatabaseCheck::DefinerFunction, first, message, fix)
        .about(&opened)
        .object(&function.name)
        .fact(format!("it is SECURITY DEFINER: it runs as its owner `{owner}`"));
    Some(if is_called_by_policies {
        finding.fact("policies call it").warning()
    } else {
        finding
    })
}

/// The catalog has functions of triggers only if a trigger runs them.
fn is_run_by_app(context: &Context<'_>, function: &Function) -> bool {
    let may_call = |app: &Actor<'_>| {
        app.enters(&function.schema) && function.executors.iter().any(|role| app.reaches(*role))
    };
    function.is_trigger || context.app_roles.iter().any(may_call)
}

fn signature(function: &Function) -> String {
    format!(
        "{}.{}({})",
        identifier(&function.schema),
        identifier(&function.name),
        function.arguments
    )
}
