//! Functions with more rights than their callers, whose code does not tell which tables they use.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Function;
use crate::database::checks::definer_function::{self, users};
use crate::database::code::mention::Words;
use crate::database::code::openings::{Access, opens};
use crate::database::code::tenant_statements::inner_functions;
use crate::database::code::unread_code::Unread;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let judged = definer_function::findings(context).iter();
    let judged: BTreeSet<&String> = judged.filter_map(|finding| finding.object.as_ref()).collect();
    let routines = context.catalog.routines.iter();
    let powerful = routines.filter(|function| function.is_definer || function.is_untrusted);
    let unjudged = powerful.filter(|function| !judged.contains(&context.function_name(function)));
    unjudged
        .filter_map(|function| unproven_function(context, function))
        .collect()
}

fn unproven_function(context: &Context<'_>, function: &Function) -> Option<Finding> {
    let inner = inner_functions(context, function).into_iter();
    let mut run = std::iter::once(function).chain(inner);
    let (unknown, of) = run.find_map(|one| Some((Unread::of(one)?, one)))?;
    let users = users(context, function);
    let roles: Vec<&str> = users.iter().map(String::as_str).collect();
    let first = roles.first()?;
    if !function.is_untrusted && !reaches_tables(context, function, &unknown) {
        return None;
    }
    let name = context.function_name(function);
    let message = format!("what function `{name}` does cannot be judged");
    let fix = format!(
        "read it: it must take no names, conditions or SQL from its caller; then an exception can accept it: \
         `[[database.allow.unproven-function]]` with `role = {first:?}` and `function = {name:?}`"
    );
    let owner = context.catalog.role_name(function.owner);
    let rights = if function.is_untrusted {
        "the language is not trusted: it can read and write the files of the server".to_string()
    } else {
        format!("it is SECURITY DEFINER: it runs as its owner `{owner}`")
    };
    Some(
        Finding::of_role(DatabaseCheck::UnprovenFunction, first, message, fix)
            .about(&roles)
            .object(name)
            .fact(unknown.fact(&context.function_name(of), &of.language))
            .fact(rights),
    )
}

/// Whether the owner of a function could open a registered table by it.
fn reaches_tables(context: &Context<'_>, function: &Function, unknown: &Unread) -> bool {
    let is_own = *unknown == Unread::OwnTable;
    let own: BTreeSet<_> = context
        .catalog
        .triggers_of(function)
        .map(|trigger| trigger.relation)
        .collect();
    let may_truncate = !is_own || Words::of_function(&function.body).contains("truncate");
    let access = Access::unknown(may_truncate);
    let mut tables = context
        .present()
        .filter(|(_, relation)| !is_own || own.contains(&relation.oid));
    tables.any(|(table, relation)| opens(context, function.owner, table, relation, access))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    fn is_unproven(body: &str) -> bool {
        let found = found(find, |it| {
            it.function("f", &format!("BEGIN {body} END"));
        });
        !found.is_empty()
    }

    #[test]
    fn sql_that_is_put_together() {
        for body in [
            "EXECUTE format('TRUNCATE %I', t);",
            "EXECUTE 'SELECT * FROM ' || t;",
            "EXECUTE query;",
            "EXECUTE 'TRUN' || 'CATE invoices';",
            "EXECUTE 'TRUNCATE invo'\n'ices';",
            "RETURN QUERY EXECUTE $1;",
            "OPEN c FOR EXECUTE 'SELECT 1 WHERE ' || condition;",
            "EXECUTE 'SELECT 1'; EXECUTE stmt USING a;",
        ] {
            assert!(is_unproven(body), "{body}");
        }
        for body in [
            "EXECUTE 'SELECT 1' USING t;",
            "EXECUTE format('SELECT count(*) FROM %I', 'users') INTO n;",
            "EXECUTE 'SELECT ' || quote_literal('a') || E'\\n';",
            "PERFORM t FROM public.users;",
            "RAISE NOTICE 'EXECUTE %', t;",
        ] {
            assert!(!is_unproven(body), "{body}");
        }
    }

    #[test]
    fn sql_that_is_given_to_another_function() {
        for body in [
            "PERFORM query_to_xml(q, true, true, '');",
            "PERFORM query_to_xml('SELECT * FROM ' || t, true, true, '');",
            "PERFORM pg_catalog.query_to_xml_and_xmlschema($1, true, true, '');",
            "PERFORM table_to_xml(t::regclass, true, true, '');",
            "PERFORM schema_to_xml(s, true, true, '');",
            "PERFORM word FROM ts_stat(format('SELECT %I FROM t', c));",
            "PERFORM ts_rewrite(a, q);",
            "PERFORM * FROM crosstab('SELECT 1', q) AS t (a text);",
            "PERFORM dblink('dbname=shop', q);",
            "PERFORM pg_read_file(name);",
            "PERFORM lo_import('/srv/' || name);",
        ] {
            assert!(is_unproven(body), "{body}");
        }
        for body in [
            "PERFORM query_to_xml('SELECT 1', nulls, forest, namespace);",
            "PERFORM query_to_xml(format('SELECT %L', 'a'), true, true, '');",
            "PERFORM table_to_xml('users'::regclass, true, true, '');",
            "PERFORM ts_rewrite(a, 'SELECT 1, 2');",
            "PERFORM ts_rewrite(a, b, c);",
            "PERFORM cursor_to_xml(c, 1, true, true, '');",
            "PERFORM pg_read_file('motd');",
            "PERFORM query_to_xml_of_mine(q);",
            "GRANT EXECUTE ON FUNCTION f(int) TO app;",
            "CREATE TRIGGER t BEFORE INSERT ON users FOR EACH ROW EXECUTE FUNCTION f();",
        ] {
            assert!(!is_unproven(body), "{body}");
        }
        let of_sql = findings(find, |it| {
            it.function("f", "SELECT query_to_xml($1, true, true, '')");
        });
        assert_eq!(
            of_sql[0].facts[0],
            "`f()` gives SQL that it puts together from variables to `query_to_xml`, which runs it"
        );
    }

    #[test]
    fn a_language_that_is_not_read() {
        let found = findings(find, |it| {
            it.function("f", "plpy.execute(args[0])").language = "plpython3u".to_string();
        });
        assert_eq!(
            found[0].facts[0],
            "`f()` is written in `plpython3u`, which `verify` does not read"
        );
    }

    #[test]
    fn a_language_that_is_not_trusted() {
        let of = |is_untrusted: bool| {
            found(find, move |it| {
                let function = it.function("f", "open(args[0])");
                function.language = "plpython3u".to_string();
                (function.is_definer, function.is_untrusted) = (false, is_untrusted);
            })
        };
        assert_eq!(of(true), ["- f()"]);
        assert_eq!(of(false), NOTHING);
    }

    fn dynamic(it: &mut Database) {
        it.function("f", "BEGIN EXECUTE format('TRUNCATE %I', t); END");
    }

    #[test]
    fn a_function_that_it_calls() {
        assert_eq!(
            found(find, |it| {
                it.function("f", "SELECT inner_one($1)");
                it.function("inner_one", "BEGIN EXECUTE q; END").is_definer = false;
            }),
            ["- f()"]
        );
    }

    #[test]
    fn an_owner_who_may_do_nothing() {
        assert_eq!(
            found(find, |it| {
                dynamic(it);
                it.add_role("nobody");
                it.rows.functions[0].owner = it.role_oid("nobody");
            }),
            NOTHING
        );
        // It owns the tables, so it may empty them.
        assert_eq!(
            found(find, |it| {
                dynamic(it);
                it.rows.functions[0].owner = it.role_oid("owner");
            }),
            ["- f()"]
        );
    }

    #[test]
    fn a_function_that_nobody_calls_or_that_runs_as_its_caller() {
        assert_eq!(
            found(find, |it| {
                dynamic(it);
                it.rows.functions[0].executors.clear();
            }),
            NOTHING
        );
        assert_eq!(
            found(find, |it| {
                dynamic(it);
                it.rows.functions[0].is_definer = false;
            }),
            NOTHING
        );
    }

    #[test]
    fn definer_function_reports_some() {
        assert_eq!(
            found(find, |it| {
                it.function("f", "BEGIN DELETE FROM audit_logs; EXECUTE q; END");
            }),
            NOTHING
        );
    }

    #[test]
    fn the_table_that_fires_the_trigger() {
        const UPDATE: &str = "UPDATE %I SET a = 1";
        let of = |command: &'static str, table: &'static str, owner: &'static str| {
            found(find, move |it| {
                let body = format!("BEGIN EXECUTE format('{command}', TG_TABLE_NAME); END");
                it.function("f", &body);
                it.rows.functions[0].is_trigger = true;
                it.rows.functions[0].owner = it.role_oid(owner);
                it.grant("UPDATE", table, "app");
                it.add_trigger(table);
                it.trigger().function = "f".to_string();
            })
        };
        assert_eq!(of(UPDATE, "users", "postgres"), NOTHING);
        assert_eq!(of(UPDATE, "invoices", "postgres"), ["- f()"]);
        // Policies bind the owner, but not its TRUNCATE.
        assert_eq!(of(UPDATE, "invoices", "owner"), NOTHING);
        assert_eq!(of("TRUNCATE %I", "invoices", "owner"), ["- f()"]);
    }
}
