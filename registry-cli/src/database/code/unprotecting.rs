//! Statements in the code of functions that take the protection of tables away.

use std::collections::BTreeSet;

use crate::database::access::grants::{revoked, unbound};
use crate::database::access::roles::Actor;
use crate::database::catalog::{Oid, Relation};
use crate::database::code::mention::Words;
use crate::database::code::openings::below;
use crate::database::code::sql_arguments::is_of_files;
use crate::database::context::{Context, Table};

/// The setting under which triggers and foreign keys do nothing.
pub const REPLICATION_ROLE: &str = "session_replication_role";

/// A statement that takes protection away.
pub struct Unprotecting<'c> {
    /// The kind of statement, as SQL writes it.
    pub statement: &'static str,
    pub tables: BTreeSet<&'c str>,
}

/// The statements of code by which a role takes the protection of registered tables away.
pub fn unprotecting<'c>(context: &'c Context<'c>, words: &Words, role: Oid) -> Vec<Unprotecting<'c>> {
    let Some(actor) = context.owner(role) else {
        return Vec::new();
    };
    let of_settings = words
        .sets(REPLICATION_ROLE)
        .then_some(("SET session_replication_role", Target::Server));
    let statements: Vec<Vec<&str>> = words.statements().collect();
    let of_statements = statements.iter().filter_map(|statement| target(statement));
    let all = of_settings.into_iter().chain(of_statements);
    let reached = all.map(|(statement, target)| Unprotecting {
        statement,
        tables: target.tables(context, &actor),
    });
    reached.filter(|one| !one.tables.is_empty()).collect()
}

/// What a statement works on.
enum Target<'w> {
    /// The tables that it names.
    Tables(&'w [&'w str]),
    /// Privileges on tables that it names, or on all tables.
    Privileges {
        privileges: &'w [&'w str],
        objects: Option<&'w [&'w str]>,
        grantees: &'w [&'w str],
    },
    /// All tables of the schemas that it names.
    Schemas(&'w [&'w str]),
    /// Views that it names.
    Views(&'w [&'w str]),
    /// A function that it names first.
    Routine(&'w [&'w str]),
    /// Roles that it names, and so every table.
    Roles(&'w [&'w str]),
    /// What only a superuser may change.
    Server,
}

/// What ALTER TABLE does to take protection away.
const TABLE_ACTIONS: &[(&[&str], &str)] = &[
    (
        &["disable", "row", "level", "security"],
        "ALTER TABLE … DISABLE ROW LEVEL SECURITY",
    ),
    (
        &["no", "force", "row", "level", "security"],
        "ALTER TABLE … NO FORCE ROW LEVEL SECURITY",
    ),
    (&["disable", "trigger"], "ALTER TABLE … DISABLE TRIGGER"),
    (
        &["enable", "replica", "trigger"],
        "ALTER TABLE … ENABLE REPLICA TRIGGER",
    ),
    (&["owner", "to"], "ALTER TABLE … OWNER TO"),
    (&["attach", "partition"], "ALTER TABLE … ATTACH PARTITION"),
    (&["detach", "partition"], "ALTER TABLE … DETACH PARTITION"),
    (&["inherit"], "ALTER TABLE … INHERIT"),
];

fn target<'w>(statement: &'w [&'w str]) -> Option<(&'static str, Target<'w>)> {
    let from = |at: usize| &statement[at..];
    Some(match statement {
        ["alter", "table", rest @ ..] => {
            let mut actions = TABLE_ACTIONS.iter();
            let (_, text) = actions.find(|(action, _)| contains(rest, action))?;
            (text, Target::Tables(from(2)))
        }
        ["drop", "schema", ..] => ("DROP SCHEMA", Target::Schemas(from(2))),
        ["alter", "schema", rest @ ..] if contains(rest, &["owner", "to"]) => {
            ("ALTER SCHEMA … OWNER TO", Target::Schemas(from(2)))
        }
        ["create", "subscription", ..] => ("CREATE SUBSCRIPTION", Target::Server),
        ["drop", "table", ..] => ("DROP TABLE", Target::Tables(from(2))),
        ["create", "policy", ..] => ("CREATE POLICY", Target::Tables(after_on(statement)?)),
        ["alter", "policy", ..] => ("ALTER POLICY", Target::Tables(after_on(statement)?)),
        ["drop", "policy", ..] => ("DROP POLICY", Target::Tables(after_on(statement)?)),
        ["drop", "trigger", ..] => ("DROP TRIGGER", Target::Tables(after_on(statement)?)),
        ["create", "trigger", ..]
        | ["create", "constraint", "trigger", ..]
        | ["create", "or", "replace", "trigger", ..] => {
            ("CREATE TRIGGER", Target::Tables(after_on(statement)?))
        }
        ["create", "or", "replace", "function" | "procedure", ..] => {
            ("CREATE OR REPLACE FUNCTION", Target::Routine(from(4)))
        }
        ["alter", "function" | "procedure" | "routine", rest @ ..] => {
            if contains(rest, &["leakproof"]) && !contains(rest, &["not", "leakproof"]) {
                ("ALTER FUNCTION … LEAKPROOF", Target::Server)
            } else {
                ("ALTER FUNCTION", Target::Routine(from(2)))
            }
        }
        ["drop", "function" | "procedure" | "routine", ..] => ("DROP FUNCTION", Target::Routine(from(2))),
        ["alter", "view", rest @ ..] if contains(rest, &["security_invoker"]) => {
            ("ALTER VIEW … SET (security_invoker)", Target::Views(from(2)))
        }
        ["alter", "view", rest @ ..] if contains(rest, &["owner", "to"]) => {
            ("ALTER VIEW … OWNER TO", Target::Views(from(2)))
        }
        ["create", "or", "replace", "view", ..] => {
            let end = statement.iter().position(|word| *word == "as")?;
            ("CREATE OR REPLACE VIEW", Target::Views(&statement[4..end]))
        }
        ["alter", "default", "privileges", rest @ ..]
            if contains(rest, &["grant"]) && contains(rest, &["on", "tables"]) =>
        {
            let start = statement.iter().position(|word| *word == "grant")?;
            let target = Target::Privileges {
                privileges: from(start),
                objects: None,
                grantees: grantees(from(start)),
            };
            ("ALTER DEFAULT PRIVILEGES", target)
        }
        ["grant", ..] => grant(statement)?,
        ["alter", "group", _, "add", "user", names @ ..] => ("ALTER GROUP", Target::Roles(names)),
        ["alter", "role" | "user" | "group", name, rest @ ..] if makes_powerful(rest) => {
            ("ALTER ROLE", Target::Roles(std::slice::from_ref(name)))
        }
        ["create", "role" | "user" | "group", rest @ ..] if makes_powerful(rest) => {
            ("CREATE ROLE", Target::Roles(&[]))
        }
        ["reassign", "owned", ..] => ("REASSIGN OWNED", Target::Roles(&[])),
        ["drop", "owned", ..] => ("DROP OWNED", Target::Roles(&[])),
        ["alter", "system", "set", ..] => ("ALTER SYSTEM", Target::Server),
        ["update", rest @ ..] | ["insert", "into", rest @ ..] | ["delete", "from", rest @ ..]
            if is_catalog(rest) =>
        {
            ("changes to system catalogs", Target::Server)
        }
        _ => return None,
    })
}

fn grant<'w>(statement: &'w [&'w str]) -> Option<(&'static str, Target<'w>)> {
    let Some(on) = statement.iter().position(|word| *word == "on") else {
        return Some(("GRANT of a role", Target::Roles(grantees(statement))));
    };
    let (privileges, objects) = (&statement[1..on], &statement[on + 1..]);
    let target = match objects {
        ["parameter", ..] => Target::Server,
        ["function" | "procedure" | "routine", ..] => {
            let is_dangerous = objects.iter().any(|word| is_of_files(word));
            return is_dangerous.then_some(("GRANT", Target::Server));
        }
        ["all", "tables", ..] => Target::Privileges {
            privileges,
            objects: None,
            grantees: grantees(objects),
        },
        [
            "all" | "database" | "domain" | "foreign" | "language" | "large" | "schema" | "sequence"
            | "tablespace" | "type",
            ..,
        ] => return None,
        _ => Target::Privileges {
            privileges,
            objects: Some(objects),
            grantees: grantees(objects),
        },
    };
    Some(("GRANT", target))
}

/// The roles to which a GRANT gives something.
fn grantees<'w>(words: &'w [&'w str]) -> &'w [&'w str] {
    let start = words
        .iter()
        .rposition(|word| *word == "to")
        .map_or(words.len(), |to| to + 1);
    let given = &words[start..];
    let end = given.iter().position(|word| matches!(*word, "with" | "granted"));
    &given[..end.unwrap_or(given.len())]
}

/// The words after the first ON.
fn after_on<'w>(statement: &'w [&'w str]) -> Option<&'w [&'w str]> {
    let on = statement.iter().position(|word| *word == "on")?;
    statement.get(on + 1..)
}

fn contains(words: &[&str], sequence: &[&str]) -> bool {
    words.windows(sequence.len()).any(|window| window == sequence)
}

/// Whether a role gets attributes or memberships.
fn makes_powerful(words: &[&str]) -> bool {
    const ATTRIBUTES: &[&str] = &["superuser", "bypassrls", "replication", "createrole"];
    words.iter().any(|word| ATTRIBUTES.contains(word))
        || contains(words, &["in", "role"])
        || (words.contains(&"set") && !words.contains(&REPLICATION_ROLE))
        || contains(words, &["in", "group"])
}

/// Whether a name is that of a system catalog. A schema can have such a name, too: that of temporary tables.
fn is_catalog(words: &[&str]) -> bool {
    match words {
        [schema, ".", ..] => *schema == "pg_catalog",
        [name, ..] => name.starts_with("pg_"),
        [] => false,
    }
}

impl Target<'_> {
    /// The protected tables that a role may do this to.
    fn tables<'c>(&self, context: &'c Context<'c>, actor: &Actor<'c>) -> BTreeSet<&'c str> {
        match self {
            Self::Tables(words) => protected(context, |_, relation| {
                is_named(words, &relation.schema, &relation.name) && rules(actor, relation.owner)
            }),
            Self::Schemas(words) => protected(context, |_, relation| {
                words.contains(&relation.schema.as_str()) && rules(actor, relation.owner)
            }),
            Self::Privileges {
                privileges,
                objects,
                grantees,
            } => protected(context, |table, relation| {
                let is_about = objects.is_none_or(|words| is_named(words, &relation.schema, &relation.name));
                is_about
                    && rules(actor, relation.owner)
                    && are_open(privileges, table)
                    && concerns_application(context, grantees)
            }),
            Self::Views(words) => {
                let relations = context.catalog.relations.iter();
                let views = relations.filter(|view| {
                    view.is_view() && is_named(words, &view.schema, &view.name) && rules(actor, view.owner)
                });
                let below = views.flat_map(|view| below(context, view));
                below
                    .filter(|(table, _)| is_protected(table))
                    .map(|(table, _)| table.name())
                    .collect()
            }
            Self::Routine(words) => of_routine(context, actor, words),
            Self::Roles(names) => {
                let mut memberships = context.catalog.memberships(actor.role.oid).iter();
                let may =
                    actor.role.superuser || actor.role.create_role || memberships.any(|edge| edge.admin);
                protected(context, |_, _| may && concerns_application(context, names))
            }
            Self::Server => protected(context, |_, _| actor.role.superuser),
        }
    }
}

/// The tables whose policies or triggers run a function that a statement names first, if the role may change it.
fn of_routine<'c>(context: &'c Context<'c>, actor: &Actor<'c>, words: &[&str]) -> BTreeSet<&'c str> {
    let open = words.iter().position(|word| *word == "(").unwrap_or(words.len());
    let routines = context.catalog.routines.iter();
    let named = routines.filter(|function| {
        is_named(&words[..open], &function.schema, &function.name) && rules(actor, function.owner)
    });
    let relations: BTreeSet<Oid> = named
        .flat_map(|function| {
            let triggers = context.catalog.triggers_of(function);
            let of_triggers = triggers.map(|trigger| trigger.relation);
            of_triggers.chain(function.policies_of.iter().copied())
        })
        .collect();
    protected(context, |_, relation| relations.contains(&relation.oid))
}

/// The protected tables that meet a condition, either themselves or through a partition or child.
fn protected<'c>(
    context: &'c Context<'c>,
    is_met: impl Fn(&Table<'c>, &Relation) -> bool,
) -> BTreeSet<&'c str> {
    let relations = context.catalog.relations.iter();
    let of_tables = relations.filter_map(|relation| Some((context.table_holding(relation.oid)?, relation)));
    let found = of_tables.filter(|(table, relation)| is_protected(table) && is_met(table, relation));
    found.map(|(table, _)| table.name()).collect()
}

fn is_protected(table: &Table<'_>) -> bool {
    table.has_rls() || table.registered.access.is_append_only()
}

/// Whether a list of roles may include one of the application: it is empty, or holds an unknown role or one of these.
fn concerns_application(context: &Context<'_>, names: &[&str]) -> bool {
    let is_another = |name: &&str| {
        let role = context.catalog.role(name);
        role.is_some_and(|role| context.app_role_reaching(role.oid).is_none())
    };
    let mut roles = names.iter().filter(|name| **name != ",").peekable();
    roles.peek().is_none() || !roles.all(is_another)
}

/// Whether a role has the rights of an owner.
fn rules(actor: &Actor<'_>, owner: Oid) -> bool {
    actor.role.superuser || actor.reaches(owner)
}

/// Whether the application must not hold one of these privileges on a table. The policies bind the others.
fn are_open(privileges: &[&str], table: &Table<'_>) -> bool {
    let access = table.registered.access;
    let mut wrong = revoked(access).iter().chain(unbound(access));
    privileges.contains(&"all")
        || wrong.any(|wrong| privileges.iter().any(|one| one.eq_ignore_ascii_case(wrong)))
}

/// Whether words name an object, with its schema or without any.
fn is_named(words: &[&str], schema: &str, name: &str) -> bool {
    let mut places = (0..words.len()).filter(|at| words[*at] == name);
    places.any(|at| match at.checked_sub(1).map(|before| words[before]) {
        Some(".") => at >= 2 && words[at - 2] == schema,
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::unprotecting;
    use crate::database::code::mention::Words;
    use crate::database::testing::{Database, NOTHING};

    /// The statements by which a role opens tables, with the tables.
    fn found(role: &str, body: &str, change: impl FnOnce(&mut Database)) -> Vec<String> {
        let mut it = Database::sound();
        change(&mut it);
        let role = it.role_oid(role);
        it.inspect(|context| {
            let found = unprotecting(context, &Words::of_function(body), role);
            let line = |one: &super::Unprotecting<'_>| {
                let tables: Vec<&str> = one.tables.iter().copied().collect();
                format!("{}: {}", one.statement, tables.join(", "))
            };
            found.iter().map(line).collect()
        })
    }

    #[test]
    fn statements_about_a_table() {
        for body in [
            "ALTER TABLE invoices DISABLE ROW LEVEL SECURITY",
            "BEGIN ALTER TABLE IF EXISTS ONLY public.invoices NO FORCE ROW LEVEL SECURITY; END",
            "BEGIN EXECUTE 'ALTER TABLE \"invoices\" DISABLE ROW LEVEL SECURITY'; END",
            "BEGIN EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', 'invoices'); END",
            "BEGIN EXECUTE 'ALTER TABLE ' || quote_ident('invoices') || ' DISABLE TRIGGER ALL'; END",
            "BEGIN DO $x$ BEGIN ALTER TABLE invoices DISABLE ROW LEVEL SECURITY; END $x$; END",
            "BEGIN IF a THEN DROP POLICY tenant_isolation ON public.invoices; END IF; END",
            "CREATE POLICY p ON invoices USING (true)",
            "ALTER POLICY p ON invoices USING (true)",
            "ALTER TABLE invoices OWNER TO app",
            "ALTER TABLE invoices ATTACH PARTITION x FOR VALUES IN (1)",
            "ALTER TABLE x INHERIT invoices",
            "ALTER TABLE invoices ENABLE REPLICA TRIGGER t",
            "DROP TRIGGER t ON invoices",
            "CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON invoices FOR EACH ROW EXECUTE FUNCTION f()",
            "DROP TABLE IF EXISTS invoices CASCADE",
            "GRANT ALL ON invoices TO app",
            "GRANT SELECT, TRUNCATE ON TABLE users, invoices TO PUBLIC",
            "BEGIN EXECUTE format('GRANT ALL ON invoices TO %I', name); END",
            "BEGIN EXECUTE 'ALTER ' || 'TABLE invoices DISABLE ROW ' || 'LEVEL SECURITY'; END",
        ] {
            let of_owner = found("owner", body, |_| ());
            assert!(
                of_owner.len() == 1 && of_owner[0].ends_with(": invoices"),
                "{body}: {of_owner:?}"
            );
            assert_eq!(found("app", body, |_| ()), NOTHING, "{body}");
        }
    }

    #[test]
    fn statements_about_every_table() {
        for body in [
            "ALTER ROLE app BYPASSRLS",
            "BEGIN EXECUTE 'ALTER USER app WITH SUPERUSER'; END",
            "CREATE ROLE x LOGIN IN ROLE owner",
            "GRANT owner TO app",
            "ALTER GROUP owner ADD USER app",
            "REASSIGN OWNED BY owner TO app",
            "BEGIN SET LOCAL session_replication_role = replica; END",
            "BEGIN PERFORM set_config('session_replication_role', 'replica', false); END",
            "ALTER ROLE app SET session_replication_role TO 'replica'",
            "ALTER SYSTEM SET session_preload_libraries = 'x'",
            "UPDATE pg_class SET relrowsecurity = false",
            "DELETE FROM pg_catalog.pg_policy",
            "WITH gone AS (DELETE FROM pg_trigger RETURNING 1) SELECT 1",
            "GRANT SET ON PARAMETER session_replication_role TO app",
            "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO app",
            "ALTER FUNCTION pg_catalog.texteq(text, text) LEAKPROOF",
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO app",
            "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO app",
        ] {
            let of_superuser = found("postgres", body, |_| ());
            assert!(
                of_superuser.len() == 1 && of_superuser[0].ends_with(": audit_logs, invoices"),
                "{body}: {of_superuser:?}"
            );
            assert_eq!(found("app", body, |_| ()), NOTHING, "{body}");
        }
        let creates_roles = |it: &mut Database| it.role("owner").create_role = true;
        assert_eq!(
            found("owner", "GRANT x TO app", creates_roles),
            ["GRANT of a role: audit_logs, invoices"]
        );
        assert_eq!(found("owner", "GRANT x TO app", |_| ()), NOTHING);
    }

    #[test]
    fn functions_and_views_that_protect() {
        let guarded = |it: &mut Database| {
            let invoices = it.oid("invoices");
            it.function("is_mine", "SELECT true").policies_of = vec![invoices];
            it.function("other", "SELECT true");
            it.add_trigger("audit_logs");
            it.trigger().function = "stamp".to_string();
            it.function("stamp", "BEGIN RETURN NEW; END").is_trigger = true;
            it.view("v", "v", "invoices");
            it.view("w", "v", "users");
        };
        for (body, table) in [
            (
                "BEGIN CREATE OR REPLACE FUNCTION is_mine() RETURNS bool LANGUAGE sql AS 'SELECT true'; END",
                "invoices",
            ),
            ("DROP FUNCTION public.is_mine()", "invoices"),
            ("ALTER FUNCTION stamp() OWNER TO app", "audit_logs"),
            ("ALTER VIEW v SET (security_invoker = false)", "invoices"),
            ("CREATE OR REPLACE VIEW v AS SELECT 1", "invoices"),
        ] {
            let found = found("postgres", body, guarded);
            assert!(
                found.len() == 1 && found[0].ends_with(&format!(": {table}")),
                "{body}: {found:?}"
            );
        }
        for body in [
            "CREATE OR REPLACE FUNCTION other() RETURNS bool LANGUAGE sql AS 'SELECT is_mine()'",
            "CREATE FUNCTION is_mine(int) RETURNS bool LANGUAGE sql AS 'SELECT true'",
            "ALTER VIEW w SET (security_invoker = false)",
            "CREATE OR REPLACE VIEW w AS SELECT 1 FROM v",
        ] {
            assert_eq!(found("postgres", body, guarded), NOTHING, "{body}");
        }
    }

    /// Statements that take no protection away.
    #[test]
    fn harmless_statements() {
        for body in [
            "CREATE TEMP TABLE invoices_copy (id int)",
            "REFRESH MATERIALIZED VIEW totals",
            "CREATE INDEX ON invoices (total)",
            "ALTER TABLE invoices ENABLE ROW LEVEL SECURITY",
            "ALTER TABLE invoices FORCE ROW LEVEL SECURITY",
            "ALTER TABLE invoices ADD COLUMN a int",
            "ALTER TABLE users DISABLE TRIGGER ALL",
            "ALTER TABLE other.invoices DISABLE ROW LEVEL SECURITY",
            "CREATE TABLE p PARTITION OF invoices FOR VALUES IN (1)",
            "DROP POLICY invoices ON users",
            "DROP TRIGGER t ON users",
            "GRANT SELECT, INSERT, UPDATE ON invoices TO app",
            "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app",
            "GRANT EXECUTE ON FUNCTION f(int) TO app",
            "GRANT USAGE ON SCHEMA public TO app",
            "REVOKE ALL ON invoices FROM app",
            "ALTER ROLE app PASSWORD 'x'",
            "ALTER ROLE app NOBYPASSRLS",
            "ALTER ROLE postgres BYPASSRLS",
            "GRANT app TO postgres WITH ADMIN OPTION",
            "GRANT ALL ON invoices TO owner, postgres",
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO postgres",
            "SET LOCAL session_replication_role = origin",
            "BEGIN IF current_setting('session_replication_role') = 'replica' THEN RETURN NEW; END IF; END",
            "BEGIN RAISE NOTICE 'ALTER TABLE invoices DISABLE ROW LEVEL SECURITY'; END",
            "-- DROP POLICY p ON invoices",
            "UPDATE pg_temp.x SET a = 1",
            "VACUUM invoices",
            "ANALYZE invoices",
            "LOCK TABLE invoices",
            "COMMENT ON TABLE invoices IS 'x'",
        ] {
            assert_eq!(found("postgres", body, |_| ()), NOTHING, "{body}");
        }
    }
}
