//! Functions that may see rows before the policies do.

use table_registry_engine::DatabaseCheck;

use crate::database::access::execution::callers;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let routines = context.catalog.routines.iter();
    let leakproof = routines.filter(|function| function.is_leakproof);
    let own = leakproof.filter_map(|function| {
        let name = context.function_name(function);
        finding(name, &function.signature(), &callers(context, function))
    });
    let roles: Vec<String> = context
        .app_roles
        .iter()
        .map(|app| app.role.name.clone())
        .collect();
    let built_in = context.catalog.leakproof.iter().filter_map(|function| {
        let finding = finding(function.name.clone(), &function.signature, &roles)?;
        Some(finding.fact("it is built in, and was changed after the server was made"))
    });
    own.chain(built_in).collect()
}

fn finding(name: String, signature: &str, callers: &[String]) -> Option<Finding> {
    let roles: Vec<&str> = callers.iter().map(String::as_str).collect();
    let first = roles.first()?;
    let message = format!("function `{name}`, which role `{first}` may execute, is LEAKPROOF");
    let fix = format!("ALTER FUNCTION {signature} NOT LEAKPROOF;");
    Some(
        Finding::of_role(DatabaseCheck::LeakproofFunction, first, message, fix)
            .about(&roles)
            .object(name)
            .fact("the server may call it with values of rows before it asks the policies about them"),
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::BuiltIn;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_function_that_the_application_may_execute() {
        assert_eq!(
            found(find, |it| {
                let function = it.function("is_cheap", "SELECT $1 < 10");
                function.is_definer = false;
                function.is_leakproof = true;
            }),
            ["- is_cheap()"]
        );
    }

    #[test]
    fn a_built_in_function() {
        assert_eq!(
            found(find, |it| {
                it.rows.leakproof.push(BuiltIn {
                    name: "pg_catalog.int4div(integer, integer)".to_string(),
                    signature: "pg_catalog.int4div(integer, integer)".to_string(),
                });
            }),
            ["- pg_catalog.int4div(integer, integer)"]
        );
    }

    #[test]
    fn a_function_that_it_may_not_execute() {
        assert_eq!(
            found(find, |it| {
                let function = it.function("is_cheap", "SELECT $1 < 10");
                function.is_leakproof = true;
                function.executors.clear();
            }),
            NOTHING
        );
    }

    #[test]
    fn any_other_function() {
        assert_eq!(
            found(find, |it| {
                it.function("is_cheap", "SELECT $1 < 10");
            }),
            NOTHING
        );
    }
}
