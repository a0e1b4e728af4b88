//! SECURITY DEFINER functions that open a table to the application.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::access::execution::{aggregates, callers};
use crate::database::catalog::Function;
use crate::database::code::firing;
use crate::database::code::mention::Words;
use crate::database::code::openings::opened_by;
use crate::database::code::tenant_statements::{code_of_function, inner_functions};
use crate::database::code::unprotecting::unprotecting;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    findings(context).to_vec()
}

/// What other checks leave to this one.
pub fn findings<'x>(context: &'x Context<'_>) -> &'x [Finding] {
    context.computed.definer_functions.get_or_init(|| {
        let functions = context.catalog.definers();
        functions
            .filter_map(|function| definer_function(context, function))
            .collect()
    })
}

fn definer_function(context: &Context<'_>, function: &Function) -> Option<Finding> {
    let (users, callers) = (users(context, function), callers(context, function));
    let is_only_attached = users.is_empty();
    if is_only_attached && callers.is_empty() {
        return None;
    }
    let mut code = code_of_function(context, function);
    if is_only_attached {
        // Whoever runs SQL of its own to attach a trigger function also chooses the tenant, so only what no tenant may do
        // counts.
        code.unbound = Words::default();
    }
    // What a trigger function reads is not followed: it may end up in NEW, an error text or a notification.
    let named = opened_by(context, &code, function.owner, |_| !function.is_trigger);
    let unprotecting = unprotecting(context, &code.all, function.owner);
    let unprotected = unprotecting.iter().flat_map(|one| &one.tables).copied();
    let opened: BTreeSet<&str> = named.into_iter().chain(unprotected).collect();
    let opened: Vec<&str> = opened.into_iter().collect();
    let first = opened.first()?;
    let name = context.function_name(function);
    let message = format!("function `{name}` opens {}", quoted(&opened));
    // With the rights of its caller, a function that a policy calls would evaluate that policy again.
    let is_called_by_policies = unprotecting.is_empty() && !function.policies_of.is_empty();
    let fix = if is_only_attached {
        revoke_execute(context, function)
    } else if is_called_by_policies {
        format!(
            "let it tell no more than the policy has to know, about rows of the session's own tenant or user; then an \
             exception can accept it: `[[database.allow.definer-function]]` with `table = {first:?}` and `function = {name:?}`"
        )
    } else {
        format!("ALTER ROUTINE {} SECURITY INVOKER;", function.signature())
    };
    let owner = context.catalog.role_name(function.owner);
    let mut finding = Finding::of_table(DatabaseCheck::DefinerFunction, first, message, fix)
        .about(&opened)
        .object(name)
        .fact(format!("it is SECURITY DEFINER: it runs as its owner `{owner}`"));
    let statements: BTreeSet<&str> = unprotecting.iter().map(|one| one.statement).collect();
    if !statements.is_empty() {
        finding = finding.fact(format!("it takes protection away: {}", quoted(&statements)));
    }
    let aggregates: Vec<&str> = aggregates(context, function)
        .map(|one| one.name.as_str())
        .collect();
    if !aggregates.is_empty() {
        finding = finding.fact(format!(
            "aggregates call it, for whoever may use them: {}",
            quoted(&aggregates)
        ));
    }
    if is_only_attached {
        finding = finding.fact(format!(
            "no trigger that the application fires runs it, but {} may execute it, and so attach it to a table of its own, \
             even a temporary one",
            quoted(&callers)
        ));
    }
    let finding = finding.through(if is_only_attached { callers } else { users });
    let inner = inner_functions(context, function).into_iter();
    let inner: Vec<String> = inner.map(|one| context.function_name(one)).collect();
    let finding = if inner.is_empty() {
        finding
    } else {
        finding.fact(format!("it calls, with the same rights: {}", quoted(&inner)))
    };
    Some(if is_called_by_policies {
        finding.fact("policies call it").warning()
    } else {
        finding
    })
}

/// A trigger needs no such privilege when it fires.
fn revoke_execute(context: &Context<'_>, function: &Function) -> String {
    let executors = function.executors.iter();
    let grantees =
        executors.filter(|role| **role != function.owner && context.app_role_reaching(**role).is_some());
    let grantees: Vec<String> = grantees.map(|role| context.catalog.grantee(*role)).collect();
    format!(
        "REVOKE EXECUTE ON ROUTINE {} FROM {};",
        function.signature(),
        grantees.join(", ")
    )
}

/// The roles of the application that make a function run: by calling it, or by what fires its triggers.
pub fn users(context: &Context<'_>, function: &Function) -> Vec<String> {
    if !function.is_trigger {
        return callers(context, function);
    }
    let roles = firing::roles(context, function).into_iter();
    roles.map(|app| app.role.name.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::{Aggregate, PUBLIC};
    use crate::database::testing::{Database, NOTHING, findings, found};
    use table_registry_engine::Severity;

    #[test]
    fn a_function_that_reads() {
        assert_eq!(
            found(find, |it| {
                it.function("f", "SELECT count(*) FROM invoices");
            }),
            ["invoices f()"]
        );
    }

    #[test]
    fn spellings_of_constants() {
        for body in [
            "BEGIN EXECUTE N'TRUNCATE invoices'; END",
            "BEGIN EXECUTE U&'\\0054RUNCATE invoices'; END",
            "BEGIN DROP SCHEMA public CASCADE; END",
        ] {
            assert_eq!(
                found(find, |it| {
                    it.function("f", body);
                })
                .len(),
                1,
                "{body}"
            );
        }
    }

    /// A row without a tenant is everybody's.
    #[test]
    fn a_function_that_adds_a_shared_row() {
        let adds = |shared: &'static str| {
            found(find, move |it| {
                it.schema = format!(
                    "#[table(tenant = \"org_id\"{shared})]\npub struct Notes {{ pub id: i64, pub org_id: Option<String> }}"
                );
                it.table("notes", &[("id", "int8"), ("org_id", "text")]);
                it.secure("notes");
                it.function("f", "INSERT INTO notes (id, org_id) VALUES (1, NULL)");
            })
        };
        assert_eq!(adds(", shared_rows"), ["notes f()"]);
        assert_eq!(adds(""), NOTHING);
    }

    #[test]
    fn a_function_that_changes() {
        assert_eq!(
            found(find, |it| {
                it.function("f", "DELETE FROM audit_logs");
            }),
            ["audit_logs f()"]
        );
    }

    /// Functions of one name differ in the types of their arguments.
    #[test]
    fn the_types_of_its_arguments_belong_to_its_name() {
        assert_eq!(
            found(find, |it| {
                it.function("purge", "DELETE FROM audit_logs").types = "integer".to_string();
                let other = it.function("purge", "DELETE FROM audit_logs");
                other.types = "timestamp with time zone".to_string();
            }),
            [
                "audit_logs purge(integer)",
                "audit_logs purge(timestamp with time zone)"
            ]
        );
    }

    #[test]
    fn a_function_that_reads_a_view() {
        assert_eq!(
            found(find, |it| {
                it.view("v", "v", "invoices");
                it.function("f", "SELECT * FROM v");
            }),
            ["invoices f()"]
        );
    }

    #[test]
    fn the_function_of_a_trigger_that_changes() {
        assert_eq!(
            found(find, |it| {
                it.function("f", "BEGIN DELETE FROM audit_logs; END").is_trigger = true;
            }),
            ["audit_logs f()"]
        );
    }

    /// A function that a trigger on `backfill_state` runs, on which the application holds no privilege.
    fn of_trigger(it: &mut Database, body: &str) {
        it.function("f", body).is_trigger = true;
        it.rows.functions[0].executors.clear();
        it.add_trigger("backfill_state");
        it.trigger().function = "f".to_string();
    }

    #[test]
    fn a_trigger_that_the_application_does_not_fire() {
        const CHANGES: &str = "BEGIN UPDATE invoices SET total = 1; DELETE FROM audit_logs; END";
        assert_eq!(found(find, |it| of_trigger(it, CHANGES)), NOTHING);
        let fired = findings(find, |it| {
            of_trigger(it, CHANGES);
            it.grant("UPDATE", "backfill_state", "app");
        });
        assert_eq!(fired[0].subjects, ["audit_logs", "invoices"]);
        assert_eq!(fired[0].roles, ["app"]);
        // A key with an action needs no privilege.
        let cascaded = found(find, |it| {
            of_trigger(it, CHANGES);
            it.foreign_key("backfill_state", &["id"], "invoices", &["id"])
                .on_delete = "c".to_string();
        });
        assert_eq!(cascaded, ["audit_logs f()"]);
    }

    /// Whoever may execute a trigger function can attach it to a table of its own. With SQL of its own, it chooses the
    /// tenant, too, but not what may happen to rows that never change.
    #[test]
    fn a_trigger_function_that_the_application_may_execute() {
        let executable = |body: &'static str| {
            findings(find, move |it| {
                of_trigger(it, body);
                let app = it.role_oid("app");
                it.rows.functions[0].executors = vec![PUBLIC, app];
            })
        };
        assert!(executable("BEGIN UPDATE invoices SET total = 1; END").is_empty());
        for body in [
            "BEGIN DELETE FROM audit_logs; END",
            "BEGIN TRUNCATE audit_logs; END",
        ] {
            let found = executable(body);
            assert_eq!(found[0].subjects, ["audit_logs"]);
            assert_eq!(
                found[0].fix,
                "REVOKE EXECUTE ON ROUTINE \"public\".\"f\"() FROM PUBLIC, \"app\";"
            );
        }
        let emptied = executable("BEGIN TRUNCATE invoices; END");
        assert_eq!(emptied[0].subjects, ["invoices"]);
    }

    #[test]
    fn a_function_that_a_policy_calls_is_a_warning() {
        let found = findings(find, |it| {
            let invoices = it.relation("invoices").oid;
            it.function("is_mine", "SELECT true FROM invoices").policies_of = vec![invoices];
            it.add_policy("invoices", "mine", "app", "is_mine(org_id)");
            // Another function of this name.
            it.function("is_mine", "SELECT id FROM audit_logs").types = "boolean".to_string();
        });
        let severities: Vec<Severity> = found.iter().map(|one| one.severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Error]);
        assert_eq!(found[0].facts.last().unwrap(), "policies call it");
    }

    #[test]
    fn the_function_of_a_trigger_that_reads() {
        assert_eq!(
            found(find, |it| {
                it.function("f", "BEGIN PERFORM 1 FROM invoices; END").is_trigger = true;
            }),
            NOTHING
        );
    }

    #[test]
    fn a_function_of_an_owner_whom_policies_bind() {
        assert_eq!(
            found(find, |it| {
                let owner = it.role_oid("owner");
                it.function("f", "SELECT * FROM invoices").owner = owner;
            }),
            NOTHING
        );
    }

    #[test]
    fn a_function_that_the_application_may_not_call() {
        assert_eq!(
            found(find, |it| {
                it.function("f", "SELECT * FROM invoices").executors.clear();
            }),
            NOTHING
        );
    }

    /// The server asks whether the owner of an aggregate may execute its functions.
    #[test]
    fn a_function_of_an_aggregate() {
        let of = |owner: &'static str, executor: &'static str, types: &'static str| {
            found(find, move |it| {
                let function = it.function("f", "SELECT * FROM invoices");
                function.executors.clear();
                function.types = "bigint, integer".to_string();
                function.schema = "inside".to_string();
                let (owner, executor) = (it.role_oid(owner), it.role_oid(executor));
                it.rows.aggregates.push(Aggregate {
                    schema: "public".to_string(),
                    name: "leak(integer)".to_string(),
                    owner,
                    executors: vec![executor],
                    function_schema: "inside".to_string(),
                    function: "f".to_string(),
                    function_types: types.to_string(),
                });
            })
        };
        let leak = ["invoices inside.f(bigint, integer)"];
        assert_eq!(of("postgres", "app", "bigint, integer"), leak);
        assert_eq!(of("postgres", "PUBLIC", "bigint, integer"), leak);
        assert_eq!(of("postgres", "owner", "bigint, integer"), NOTHING);
        assert_eq!(of("owner", "app", "bigint, integer"), NOTHING);
        assert_eq!(of("postgres", "app", "bigint"), NOTHING);
    }

    #[test]
    fn a_function_in_a_schema_that_it_may_not_enter() {
        assert_eq!(
            found(find, |it| {
                it.function("f", "SELECT * FROM public.invoices").schema = "inside".to_string();
            }),
            NOTHING
        );
    }

    /// Views, operators, casts and defaults find it by its OID.
    #[test]
    fn a_function_in_such_a_schema_that_an_object_calls() {
        assert_eq!(
            found(find, |it| {
                let function = it.function("f", "SELECT * FROM public.invoices");
                function.schema = "inside".to_string();
                function.is_stored = true;
            }),
            ["invoices inside.f()"]
        );
    }

    #[test]
    fn a_function_that_only_inserts() {
        let inserts = |body: &'static str| {
            found(find, move |it| {
                it.function("f", body);
            })
        };
        assert_eq!(
            inserts("INSERT INTO audit_logs (id, org_id) VALUES (1, p_org)"),
            ["audit_logs f()"]
        );
        // A row without a tenant.
        assert_eq!(inserts("INSERT INTO audit_logs VALUES (1)"), NOTHING);
        assert_eq!(
            inserts("INSERT INTO audit_logs VALUES (1, nullif(current_setting('app.org_id', true), ''))"),
            NOTHING
        );
    }

    #[test]
    fn a_function_that_takes_protection_away() {
        let of = |body: &'static str, owner: &'static str, is_trigger: bool| {
            found(find, move |it| {
                let owner = it.role_oid(owner);
                let function = it.function("f", body);
                function.owner = owner;
                function.is_trigger = is_trigger;
            })
        };
        let disable = "BEGIN ALTER TABLE invoices DISABLE ROW LEVEL SECURITY; END";
        assert_eq!(of(disable, "owner", false), ["invoices f()"]);
        assert_eq!(of(disable, "owner", true), ["invoices f()"]);
        assert_eq!(of(disable, "app", false), NOTHING);
        assert_eq!(of("CREATE INDEX ON invoices (total)", "postgres", false), NOTHING);
        let of_inner = findings(find, |it| {
            it.function("f", "SELECT inner_one()");
            it.function("inner_one", "ALTER ROLE app BYPASSRLS").is_definer = false;
            it.add_policy("invoices", "mine", "app", "f(org_id)");
        });
        assert_eq!(of_inner[0].severity, Severity::Error);
        assert_eq!(of_inner[0].subjects, ["audit_logs", "invoices"]);
        assert_eq!(of_inner[0].facts[1], "it takes protection away: `ALTER ROLE`");
    }

    #[test]
    fn a_function_that_gives_sql_to_another() {
        let of = |body: &'static str| {
            found(find, move |it| {
                it.function("f", body);
            })
        };
        assert_eq!(
            of("SELECT query_to_xml('SELECT * FROM invoices', true, true, '')"),
            ["invoices f()"]
        );
        assert_eq!(of("SELECT table_to_xml('users', true, true, '')"), NOTHING);
    }

    #[test]
    fn a_function_that_reads_statistics() {
        let of = |body: &'static str, owner: &'static str, is_trigger: bool| {
            found(find, move |it| {
                let owner = it.role_oid(owner);
                let function = it.function("f", body);
                (function.owner, function.is_trigger) = (owner, is_trigger);
            })
        };
        let stats = "SELECT most_common_vals::text FROM pg_stats";
        assert_eq!(of(stats, "postgres", false), ["audit_logs f()"]);
        assert_eq!(
            of(
                "SELECT stavalues1::text FROM pg_catalog.pg_statistic",
                "postgres",
                false
            ),
            ["audit_logs f()"]
        );
        // The view shows no values of tables whose policies bind the role.
        assert_eq!(of(stats, "owner", false), NOTHING);
        assert_eq!(of(stats, "postgres", true), NOTHING);
        assert_eq!(of("SELECT reltuples FROM pg_class", "postgres", false), NOTHING);
    }

    #[test]
    fn a_function_that_empties_tables() {
        let empties = |body: &'static str, owner: &'static str| {
            found(find, move |it| {
                it.function("f", body).owner = it.role_oid(owner);
                it.foreign_key("invoices", &["total"], "users", &["id"]);
            })
        };
        // Policies do not bind TRUNCATE, whoever runs it.
        assert_eq!(empties("TRUNCATE invoices", "owner"), ["invoices f()"]);
        assert_eq!(empties("TRUNCATE users CASCADE", "owner"), ["invoices f()"]);
        assert_eq!(empties("TRUNCATE users", "owner"), NOTHING);
    }

    #[test]
    fn a_function_that_reads_a_view_of_its_own_rights() {
        let through = |is_definer: bool| {
            found(find, move |it| {
                it.view("inner_view", "v", "invoices");
                it.relation("inner_view").security_invoker = true;
                it.view("outer_view", "v", "inner_view");
                it.relation("outer_view").owner = it.role_oid("owner");
                it.function("f", "SELECT * FROM outer_view").is_definer = is_definer;
            })
        };
        assert_eq!(through(true), ["invoices f()"]);
        assert_eq!(through(false), NOTHING);
    }
}
