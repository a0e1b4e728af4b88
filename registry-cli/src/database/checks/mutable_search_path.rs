//! Functions with rights or a policy to guard, whose tables and functions the caller can replace by others.

use std::collections::BTreeSet;

use table_registry_engine::{Code, DatabaseCheck, Severity};

use crate::database::access::logins::identifiers;
use crate::database::catalog::Function;
use crate::database::checks::definer_function::{self, users};
use crate::database::code::called_functions::called_by_policies;
use crate::database::code::mention::Words;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;
use crate::text::quoted;

/// The schema of the session's temporary tables.
const TEMPORARY: &str = "pg_temp";

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let reported = reported(context);
    let of_policies: BTreeSet<String> = called_by_policies(context)
        .map(|called| context.function_name(called.function))
        .collect();
    let routines = context.catalog.routines.iter();
    routines
        .filter_map(|function| {
            let name = context.function_name(function);
            let is_of_policy = of_policies.contains(&name);
            if !(function.is_definer || is_of_policy) || reported.contains(&name) {
                return None;
            }
            let users = if is_of_policy {
                context
                    .app_roles
                    .iter()
                    .map(|app| app.role.name.clone())
                    .collect()
            } else {
                users(context, function)
            };
            let loose = Loose::of(context, function)?;
            (!users.is_empty()).then(|| finding(context, function, &loose, &users, is_of_policy))
        })
        .collect()
}

/// The functions that must not run as their owner anyway, unless an exception accepts them.
fn reported(context: &Context<'_>) -> BTreeSet<String> {
    let found = definer_function::findings(context).iter();
    let errors = found.filter(|finding| {
        let mut exceptions = context.settings.exceptions.iter();
        let is_accepted = exceptions.any(|exception| {
            let object = exception.object.as_ref().map(|object| &object.value);
            finding.code == Code::from(exception.check) && object == finding.object.as_ref()
        });
        finding.severity == Severity::Error && !is_accepted
    });
    errors.filter_map(|finding| finding.object.clone()).collect()
}

/// What a function names without a schema, where the session decides what is found.
struct Loose<'c> {
    tables: BTreeSet<&'c str>,
    functions: BTreeSet<&'c str>,
    /// The schemas that have them.
    schemas: Vec<&'c str>,
}

impl<'c> Loose<'c> {
    /// `None` if everything has its schema, or the function fixes the path.
    fn of(context: &'c Context<'c>, function: &'c Function) -> Option<Self> {
        let is_looked_up = matches!(function.language.as_str(), "sql" | "plpgsql") && !function.is_bound;
        let path = function.search_path.as_deref().map(identifiers);
        let hides_temporary = path
            .as_ref()
            .is_some_and(|path| path.last().is_some_and(|last| last == TEMPORARY));
        if !is_looked_up || hides_temporary {
            return None;
        }
        let words = Words::of_function(&function.body);
        let relations = context.catalog.relations.iter();
        let tables: Vec<(&str, &str)> = relations
            .filter(|relation| words.uses_without_schema(&relation.name))
            .map(|relation| (relation.schema.as_str(), relation.name.as_str()))
            .collect();
        // A path that is fixed decides which functions are found: none is looked for among the temporary objects.
        let routines = context.catalog.routines.iter().filter(|_| path.is_none());
        let functions: Vec<(&str, &str)> = routines
            .filter(|other| words.calls_without_schema(&other.name))
            .map(|other| (other.schema.as_str(), other.name.as_str()))
            .collect();
        let mut schemas: Vec<&str> = tables
            .iter()
            .chain(&functions)
            .map(|(schema, _)| *schema)
            .collect();
        let order = |schema: &&str| (*schema != function.schema, *schema != context.settings.schema);
        schemas.sort_by_key(|schema| (order(schema), *schema));
        schemas.dedup();
        (!schemas.is_empty()).then(|| Self {
            tables: tables.into_iter().map(|(_, name)| name).collect(),
            functions: functions.into_iter().map(|(_, name)| name).collect(),
            schemas,
        })
    }

    fn fact(&self) -> String {
        let what = [("table", &self.tables), ("function", &self.functions)];
        let parts = what.into_iter().filter(|(_, names)| !names.is_empty());
        let parts: Vec<String> = parts
            .map(|(kind, names)| {
                let plural = if names.len() == 1 { "" } else { "s" };
                format!("{kind}{plural} {}", quoted(names))
            })
            .collect();
        format!("it names without a schema: {}", parts.join(", "))
    }
}

fn finding(
    context: &Context<'_>,
    function: &Function,
    loose: &Loose<'_>,
    users: &[String],
    is_of_policy: bool,
) -> Finding {
    let name = context.function_name(function);
    let role = users.first().map_or("", String::as_str);
    let roles: Vec<&str> = users.iter().map(String::as_str).collect();
    let message = format!("role `{role}` decides which objects function `{name}` finds");
    let own = function.search_path.as_deref().map(identifiers);
    let path: Vec<String> = match own {
        Some(own) => own.into_iter().filter(|one| one != TEMPORARY).collect(),
        None => loose.schemas.iter().map(ToString::to_string).collect(),
    };
    let path: Vec<String> = path
        .iter()
        .map(|schema| identifier(schema))
        .chain([TEMPORARY.to_string()])
        .collect();
    let fix = format!(
        "ALTER ROUTINE {} SET search_path = {};",
        function.signature(),
        path.join(", ")
    );
    let why = if function.search_path.is_none() {
        "it sets no `search_path`, so that of the session applies, and temporary tables of the session are found first"
    } else {
        "temporary tables of the session are found first, unless `pg_temp` stands last in the `search_path`"
    };
    let finding = Finding::of_role(DatabaseCheck::MutableSearchPath, role, message, fix)
        .about(&roles)
        .object(name)
        .fact(loose.fact())
        .fact(why);
    let owner = context.catalog.role_name(function.owner);
    match (function.is_definer, is_of_policy) {
        (true, _) => finding.fact(format!("it is SECURITY DEFINER: it runs as its owner `{owner}`")),
        (false, _) => finding.fact("policies call it"),
    }
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    /// A SECURITY DEFINER function of a role that policies bind.
    fn definer(it: &mut Database, body: &str, path: Option<&str>) {
        let owner = it.role_oid("owner");
        let function = it.function("f", body);
        function.owner = owner;
        function.search_path = path.map(str::to_string);
    }

    #[test]
    fn paths_of_functions_that_run_as_their_owner() {
        for (body, path, is_loose) in [
            ("SELECT count(*) FROM users", None, true),
            ("SELECT count(*) FROM users", Some("public"), true),
            ("SELECT count(*) FROM users", Some("pg_temp, public"), true),
            ("SELECT count(*) FROM users", Some("\"\""), true),
            ("SELECT count(*) FROM users", Some("public, pg_temp"), false),
            (
                "SELECT count(*) FROM users",
                Some("\"$user\", \"public\", \"pg_temp\""),
                false,
            ),
            ("SELECT count(*) FROM public.users", None, false),
            ("SELECT count(*) FROM public.users", Some("\"\""), false),
            ("SELECT helper()", None, true),
            ("SELECT helper()", Some("public"), false),
            ("SELECT public.helper()", None, false),
            ("SELECT current_setting('app.org_id', true)", None, false),
            ("WITH users AS (SELECT 1) SELECT * FROM users", None, false),
            ("BEGIN INSERT INTO audit_logs (id) VALUES (1); END", None, true),
        ] {
            let found = found(find, |it| {
                definer(it, body, path);
                it.function("helper", "SELECT 1").is_definer = false;
            });
            assert_eq!(!found.is_empty(), is_loose, "{body} {path:?}");
        }
    }

    #[test]
    fn the_fix_keeps_the_path_and_hides_temporary_tables() {
        let fix = |path: Option<&'static str>| {
            let found = findings(find, move |it| definer(it, "SELECT count(*) FROM users", path));
            found[0].fix.clone()
        };
        assert_eq!(
            fix(None),
            "ALTER ROUTINE \"public\".\"f\"() SET search_path = \"public\", pg_temp;"
        );
        assert_eq!(
            fix(Some("pg_temp, \"Other\", public")),
            "ALTER ROUTINE \"public\".\"f\"() SET search_path = \"Other\", \"public\", pg_temp;"
        );
    }

    #[test]
    fn functions_of_policies_that_run_as_their_caller() {
        let called = |body: &'static str, is_called: bool| {
            found(find, move |it| {
                let invoices = it.oid("invoices");
                let function = it.function("is_member", body);
                function.is_definer = false;
                function.search_path = None;
                if is_called {
                    function.policies_of = vec![invoices];
                }
            })
        };
        assert_eq!(
            called(
                "SELECT EXISTS (SELECT 1 FROM users u WHERE u.name = current_user)",
                true
            ),
            ["- is_member()"]
        );
        assert_eq!(called("SELECT EXISTS (SELECT 1 FROM users)", false), NOTHING);
        assert_eq!(
            called("SELECT current_setting('app.org_id', true) = o", true),
            NOTHING
        );
    }

    #[test]
    fn what_nobody_can_call_or_was_looked_up_before() {
        assert_eq!(
            found(find, |it| {
                definer(it, "SELECT count(*) FROM users", None);
                it.rows.functions[0].executors.clear();
            }),
            NOTHING
        );
        assert_eq!(
            found(find, |it| {
                definer(it, "SELECT count(*) FROM users", None);
                it.rows.functions[0].is_bound = true;
            }),
            NOTHING
        );
    }

    /// Its fix takes the rights of the owner away.
    #[test]
    fn definer_function_reports_some() {
        let open = |it: &mut Database| {
            it.function("f", "SELECT count(*) FROM invoices").search_path = None;
        };
        assert_eq!(found(find, open), NOTHING);
        let accepted = found(find, |it| {
            open(it);
            it.policy_file.push_str(
                "[[database.allow.definer-function]]\ntable = \"invoices\"\nfunction = \"f()\"\nreason = \"x\"\n",
            );
        });
        assert_eq!(accepted, ["- f()"]);
    }
}
