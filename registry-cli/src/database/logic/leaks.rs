//! Tests that no leaky policy counts as isolated, and that certain ones do that are spelt unusually.

use crate::database::code::redefined::Kind;
use crate::database::policies::{Clause, verdict};
use crate::database::testing::Database;

const STRUCTS: &str = "
    #[table] pub struct Docs { pub id: i64, pub org_id: i64 }
    #[table] pub struct Projects { pub id: i64, pub org_id: i64 }
    #[table(tenant = through(project_id -> projects))] pub struct Tasks { pub id: i64, pub project_id: i64 }
    #[table(kind = system)] pub struct Members { pub user_id: i64, pub org_id: i64 }
";

/// The setting, and the tenant of the session in the type of the tenants, as the server spells them.
const SETTING: &str = "current_setting('app.org_id'::text, true)";

/// The verdict about a policy of `docs`, whose tenants are of some type. `$S` stands for the setting, `$T` for the tenant.
fn judged_for(command: &str, sql_type: &str, expression: &str, change: impl FnOnce(&mut Database)) -> String {
    let mut database = Database::sound();
    database.schema.push_str(STRUCTS);
    let tenant = format!("(NULLIF({SETTING}, ''::text))::{sql_type}");
    let spelt = |text: &str| text.replace("$T", &tenant).replace("$S", SETTING);
    for table in ["docs", "projects"] {
        database.table(table, &[("id", "bigint"), ("org_id", sql_type)]);
    }
    database.table("tasks", &[("id", "bigint"), ("project_id", "bigint")]);
    database.table("members", &[("user_id", "bigint"), ("org_id", sql_type)]);
    for (column, sql_type) in [
        ("body", "text"),
        ("author", "text"),
        ("meta", "jsonb"),
        ("total", "integer"),
    ] {
        database.add_column("docs", column, sql_type);
        database.column("docs", column).not_null = false;
    }
    for table in ["docs", "projects", "tasks"] {
        database.secure(table);
        for privilege in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
            database.grant(privilege, table, "app");
        }
    }
    database.grant("SELECT", "members", "app");
    database.add_policy("projects", "own", "app", &spelt("(org_id = $T)"));
    database.add_policy("tasks", "all", "app", "true");
    let policy = database.add_policy("docs", "judged", "app", &spelt(expression));
    policy.command = command.to_string();
    change(&mut database);
    database.inspect(|context| {
        let relation = context.catalog.relation("public", "docs").unwrap();
        let policy = &context.catalog.policies(relation.oid)[0];
        let clause = if command == "r" {
            Clause::Using
        } else {
            Clause::Check
        };
        verdict(context, relation, policy, clause).to_string()
    })
}

fn judged(sql_type: &str, expression: &str, change: impl FnOnce(&mut Database)) -> String {
    judged_for("r", sql_type, expression, change)
}

/// Those expressions that count as isolated, if they should not, or the other way round.
fn wrong(sql_type: &str, expressions: &[&str], is_isolated: bool, change: fn(&mut Database)) -> Vec<String> {
    let judged = expressions
        .iter()
        .map(|expression| (expression, judged(sql_type, expression, change)));
    let wrong = judged.filter(|(_, verdict)| (verdict == "isolated") != is_isolated);
    wrong
        .map(|(expression, verdict)| format!("{expression}: {verdict}"))
        .collect()
}

const NONE: [&str; 0] = [];

fn unchanged(_: &mut Database) {}

fn with_functions(it: &mut Database) {
    it.body(
        "auth",
        "uid",
        &[],
        "SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), \
         (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))",
    );
    it.body(
        "auth",
        "jwt",
        &[],
        "SELECT nullif(current_setting('request.jwt.claims', true), '')::jsonb",
    )
    .result = "jsonb".to_string();
    it.body(
        "auth",
        "is_admin",
        &[],
        "SELECT current_setting('app.role', true) = 'admin'",
    );
    it.body(
        "auth",
        "is_open",
        &["org"],
        "SELECT org IS NOT DISTINCT FROM current_setting('app.org_id', true) OR true",
    );
    it.body(
        "auth",
        "is_any",
        &["org"],
        "SELECT NULL IS NOT DISTINCT FROM NULL AND org IS NOT NULL",
    );
    it.add_role("admin");
}

#[test]
fn leaky_policies_of_real_teams() {
    let leaky = [
        "(org_id = auth.uid())",
        "((auth.jwt() ->> 'org_id'::text) = org_id)",
        "(org_id = ((auth.jwt() -> 'app_metadata'::text) ->> 'org_id'::text))",
        "(org_id = ((current_setting('request.jwt.claims'::text, true))::json ->> 'org_id'::text))",
        "(org_id = ((($S)::json ->> 'org_id'::text)))",
        "(org_id = ANY (string_to_array($S, ','::text)))",
        "(org_id = ANY (ARRAY[$T, org_id]))",
        "(org_id <> ALL (ARRAY[$T]))",
        "(NOT (org_id = ANY (string_to_array($S, ','::text))))",
        "(org_id IN ( SELECT m.org_id FROM members m WHERE ((m.user_id)::text = auth.uid())))",
        "(org_id = ( SELECT m.org_id FROM members m WHERE (m.user_id = 1)))",
        "(org_id = ALL ( SELECT m.org_id FROM members m))",
        "(EXISTS ( SELECT 1 FROM members m WHERE (m.org_id = $T)))",
        "(EXISTS ( SELECT 1 FROM members m WHERE ((m.org_id = docs.org_id) AND (m.user_id = 1))))",
        "(EXISTS ( SELECT 1 FROM (members m LEFT JOIN projects p ON ((p.org_id = docs.org_id)))))",
        "(EXISTS ( SELECT 1 FROM (members m LEFT JOIN projects p ON ((p.org_id = docs.org_id))) WHERE (p.id IS NULL)))",
        "(EXISTS ( SELECT 1 FROM (members m RIGHT JOIN projects p ON ((m.org_id = docs.org_id)))))",
        "(EXISTS ( SELECT 1 FROM (members m FULL JOIN projects p ON ((m.org_id = docs.org_id)))))",
        "(EXISTS ( WITH own AS ( SELECT p.id FROM projects p) SELECT 1 FROM own))",
        "(auth.is_admin() OR (org_id = $T))",
        "((org_id = $T) OR auth.is_open(org_id))",
        "auth.is_any(org_id)",
        "((org_id = $T) OR is_admin())",
        "(org_id = COALESCE($S, org_id))",
        "(org_id = COALESCE(NULLIF(current_setting('app.all'::text, true), ''::text), org_id))",
        "(ROW(org_id, id) >= ROW($T, (1)::bigint))",
        "(ROW(org_id, 1) = ROW(org_id, 1))",
        "(NOT (org_id IS DISTINCT FROM COALESCE($T, org_id)))",
        "((org_id = $T) IS DISTINCT FROM false)",
        "((org_id = $T) = (id < 0))",
        "((org_id = $T) >= false)",
        "CASE WHEN (current_setting('app.role'::text, true) = 'admin'::text) THEN true ELSE (org_id = $T) END",
        "CASE org_id WHEN $T THEN true ELSE (id > 0) END",
        "CASE (org_id = $T) WHEN false THEN true ELSE true END",
        "(COALESCE((org_id = $T), ($S IS NULL)))",
        "((org_id = $T) OR ($S IS NULL) OR ($S = ''::text))",
        "((meta -> 'org'::text) = to_jsonb($T))",
        "(meta @> jsonb_build_object('org', $T))",
        "(POSITION(($T) IN (org_id)) > 0)",
        "(starts_with(org_id, $T))",
        "(org_id ^@ $T)",
        "(org_id ~ $T)",
        "(org_id ~~ $T)",
        "($T ~~ (org_id || '%'::text))",
        "(org_id >= $T)",
        "((org_id >= $T) AND (org_id <= ($T || 'z'::text)))",
        "((org_id >= $T) AND (id <= 7))",
        "((org_id >= $T) OR (org_id <= $T))",
        "(lower(org_id) = lower($T))",
        "(TRIM(BOTH FROM org_id) = TRIM(BOTH FROM $T))",
        "(\"left\"(org_id, 3) = \"left\"($T, 3))",
        "(md5(org_id) = md5($T))",
        "(GREATEST(org_id, $T) = org_id)",
        "((org_id)::character varying(2) = ($T)::character varying(2))",
        "(org_id = split_part(current_setting('app.scope'::text, true), ':'::text, 1))",
        "(author = CURRENT_USER)",
        "((author = auth.uid()) OR (org_id = $T))",
        "('*'::text = $S)",
        "((org_id = $T) OR (lower(CURRENT_USER) = 'admin'::text))",
        "((org_id = $T) OR ((CURRENT_USER)::character varying(3) = 'app'::text))",
        "((org_id = $T) OR pg_has_role(CURRENT_USER, 'admin'::name, 'member'::text))",
        "((org_id = $T) OR (current_setting('is_superuser'::text) = 'on'::text))",
        "((org_id = $T) OR (meta ? 'public'::text))",
        "(org_id = NULLIF(org_id, 'x'::text))",
        "((org_id || ''::text) = ANY (ARRAY[$T, author]))",
        "(EXISTS ( SELECT 1 FROM generate_series(1, 2) g(n) WHERE (docs.id > g.n)))",
        "(id IN ( SELECT t.id FROM tasks t))",
        "(EXISTS ( SELECT 1 FROM (tasks t LEFT JOIN projects p ON ((p.id = t.project_id))) WHERE (t.id = docs.id)))",
        "(EXISTS ( SELECT 1 FROM (tasks t LEFT JOIN (members m LEFT JOIN projects p ON ((p.org_id = docs.org_id))) ON ((m.user_id = t.id)))))",
        "(( SELECT p.org_id FROM (members m LEFT JOIN projects p ON ((p.org_id = m.org_id))) WHERE (m.user_id = 1)) IS NULL)",
        "(EXISTS ( SELECT 1 FROM (members m JOIN tasks t ON ((t.id = m.user_id))) WHERE (m.org_id = docs.org_id)))",
        "(EXISTS ( SELECT 1 FROM (members m LEFT JOIN projects p USING (org_id)) WHERE (m.org_id = docs.org_id)))",
        "(EXISTS ( SELECT 1 FROM (projects p JOIN tasks t USING (id)) WHERE (p.org_id = $T)))",
        "(EXISTS ( SELECT 1 FROM (projects p NATURAL JOIN tasks t)))",
    ];
    assert_eq!(wrong("text", &leaky, false, with_functions), NONE);
}

#[test]
fn isolated_in_other_words() {
    let sound = [
        "((org_id >= $T) AND (org_id <= $T))",
        "(((org_id)::text <= $S) AND ((org_id)::text >= $S))",
        "((org_id)::text = $S)",
        "(org_id = ($S)::bigint)",
        "(org_id = ($S)::integer)",
        "(org_id = ($S)::smallint)",
        "((org_id)::numeric = ($S)::numeric)",
        "((org_id = $T) OR (CURRENT_USER = 'admin'::name))",
        "((org_id = $T) OR ((CURRENT_USER)::text = 'admin'::text))",
        "((org_id = $T) OR (SESSION_USER = ANY (ARRAY['admin'::name, 'support'::name])))",
        "(org_id = (TRIM(BOTH FROM $S))::bigint)",
        "(org_id = (TRIM(BOTH ' '::text FROM $S))::bigint)",
        "(org_id = (NULLIF(btrim($S), ''::text))::bigint)",
        "((org_id)::text = TRIM(BOTH FROM $S))",
        "(EXISTS ( SELECT 1 FROM (members m JOIN projects p USING (org_id)) WHERE ((p.org_id = docs.org_id) AND (m.user_id = 1))))",
        "(EXISTS ( SELECT 1 FROM (members m LEFT JOIN projects p ON ((p.id = m.user_id))) WHERE (p.org_id = docs.org_id)))",
        "(EXISTS ( SELECT 1 FROM (projects p LEFT JOIN members m USING (org_id)) WHERE (p.org_id = docs.org_id)))",
        "(org_id IN ( SELECT p.org_id FROM ((members m LEFT JOIN tasks t ON ((t.id = m.user_id))) LEFT JOIN projects p ON ((p.id = t.project_id)))))",
        "(id IN ( SELECT d.id FROM docs d WHERE ((d.org_id = docs.org_id) AND (d.org_id = $T))))",
    ];
    let with_admin = |it: &mut Database| {
        it.add_role("admin");
    };
    for sql_type in ["smallint", "integer", "bigint"] {
        assert_eq!(wrong(sql_type, &sound, true, with_admin), NONE, "{sql_type}");
    }
}

/// A role to which the application can change, or that can change to the application's.
#[test]
fn roles_of_the_session() {
    let expression = "((org_id = $T) OR (CURRENT_USER = 'admin'::name))";
    let changes: [fn(&mut Database); 4] = [
        |it| {
            it.add_group("admin");
        },
        |it| {
            it.add_role("admin");
            it.add_member("app", "admin");
        },
        |it| it.add_role("admin").superuser = true,
        |it| {
            it.add_role("admin");
            it.policy_file = it.policy_file.replace("[\"app\"]", "[\"app\", \"admin\"]");
        },
    ];
    for change in changes {
        assert_ne!(judged("bigint", expression, change), "isolated");
    }
}

/// Where the tenant is `1`, the setting may be `'01'`.
#[test]
fn a_tenant_in_another_spelling() {
    let leaky = [
        "($S <> ($T)::text)",
        "(NULLIF($S, ($T)::text) IS NOT NULL)",
        "(($S IS DISTINCT FROM ($T)::text) AND ($S IS NOT NULL))",
        "(EXISTS ( SELECT 1 FROM projects p WHERE ((p.org_id)::text <> $S)))",
        "CASE $S WHEN ($T)::text THEN false ELSE true END",
    ];
    let sound = [
        "((org_id)::text = $S)",
        "(org_id = $T)",
        "(($S = (org_id)::text) AND ($S <> ''::text))",
    ];
    for sql_type in ["bigint", "uuid", "numeric", "citext"] {
        assert_eq!(wrong(sql_type, &leaky, false, unchanged), NONE, "{sql_type}");
        assert_eq!(wrong(sql_type, &sound, true, unchanged), NONE, "{sql_type}");
    }
    // Two rows of a tenant may differ, too.
    let rows = "(EXISTS ( SELECT 1 FROM (projects p JOIN projects q ON ((q.org_id = p.org_id))) \
                WHERE ((p.org_id = $T) AND (q.org_id = $T) AND ((p.org_id)::text <> (q.org_id)::text))))";
    for (sql_type, is_isolated) in [("numeric", false), ("bigint", true)] {
        assert_eq!(
            judged(sql_type, rows, unchanged) == "isolated",
            is_isolated,
            "{sql_type}"
        );
    }
    // Different numbers may be rounded to one text.
    assert_ne!(
        judged("double precision", "((org_id)::text = $S)", unchanged),
        "isolated"
    );
}

#[test]
fn tables_whose_tenants_have_other_types() {
    let expression = "(EXISTS ( SELECT 1 FROM projects p WHERE ((p.org_id)::text = docs.org_id)))";
    assert_eq!(judged("text", expression, unchanged), "isolated");
    let other = judged("text", expression, |it| {
        it.column("projects", "org_id").type_text = "uuid".to_string();
        it.policy("projects").using = Some(format!("((org_id)::text = {SETTING})"));
    });
    assert_ne!(other, "isolated");
}

#[test]
fn a_tenant_of_a_domain() {
    let domain = |it: &mut Database| {
        it.domain("public.tenant_id", "public.number");
        it.domain("public.number", "bigint");
    };
    let sound = [
        "(org_id = $T)",
        "((org_id)::bigint = ($S)::bigint)",
        "((org_id)::text = $S)",
    ];
    assert_eq!(wrong("public.tenant_id", &sound, true, domain), NONE);
    assert_eq!(
        wrong(
            "public.tenant_id",
            &["($S <> ($T)::text)", "(org_id <> $T)"],
            false,
            domain
        ),
        NONE
    );
}

#[test]
fn operators_of_users() {
    let own = |it: &mut Database| {
        it.redefine(Kind::Operator, "=");
        it.body(
            "public",
            "is_own",
            &["org"],
            "SELECT org = nullif(current_setting('app.org_id', true), '')",
        );
        it.body(
            "public",
            "is_parsed",
            &["org"],
            "RETURN (org = current_setting('app.org_id'::text, true))",
        )
        .is_text = false;
    };
    let leaky = [
        "(org_id OPERATOR(public.=) $S)",
        "(org_id OPERATOR(public.=) ANY (ARRAY[$S]))",
        "(NOT (org_id IS DISTINCT FROM $S))",
        "(NULLIF(org_id, $S) IS NULL)",
        "CASE org_id WHEN $S THEN true ELSE false END",
        "is_own(org_id)",
        "public.is_own(org_id)",
        "(EXISTS ( SELECT 1 FROM projects p WHERE ((p.id OPERATOR(public.=) docs.id) AND (p.org_id OPERATOR(public.=) $S))))",
    ];
    assert_eq!(wrong("text", &leaky, false, own), NONE);
    assert_eq!(
        wrong("text", &["(org_id = $S)", "public.is_parsed(org_id)"], true, own),
        NONE
    );
    // An operator for other types does not affect the comparison of texts.
    let for_others = |it: &mut Database| it.redefine(Kind::Operator, "=").is_for_text = false;
    assert_eq!(
        wrong(
            "bigint",
            &["(org_id = $T)", "((org_id)::text = NULLIF($S, ''::text))"],
            true,
            for_others
        ),
        NONE
    );
    assert_eq!(
        wrong(
            "bigint",
            &["(NOT (org_id IS DISTINCT FROM $T))"],
            false,
            for_others
        ),
        NONE
    );
    let in_pg_catalog = |it: &mut Database| {
        let operator = it.redefine(Kind::Operator, "=");
        operator.in_pg_catalog = true;
        operator.is_for_text = false;
    };
    assert_eq!(wrong("bigint", &["(org_id = $S)"], false, in_pg_catalog), NONE);
    let bounds = |it: &mut Database| {
        it.redefine(Kind::Operator, "<=").in_pg_catalog = true;
    };
    assert_eq!(
        wrong("bigint", &["((org_id >= $T) AND (org_id <= $T))"], false, bounds),
        NONE
    );
    // The key of the parent.
    let tasks = |it: &mut Database| {
        it.redefine(Kind::Operator, "=");
        let body = "SELECT EXISTS (SELECT FROM tasks t JOIN projects p ON p.id = t.project_id)";
        it.body("public", "is_seen", &[], body);
    };
    assert_eq!(wrong("text", &["public.is_seen()"], false, tasks), NONE);
}

#[test]
fn functions_casts_and_types_of_users() {
    let own = "SELECT org = current_setting('app.org_id', true)";
    let with = move |kind: Kind, name: &'static str, body: &'static str| {
        move |it: &mut Database| {
            it.redefine(kind, name);
            it.body("public", "is_own", &["org"], body);
        }
    };
    let verdict = |kind, name, body| judged("text", "public.is_own(org_id)", with(kind, name, body));
    assert_eq!(verdict(Kind::Function, "lower", own), "isolated");
    for (kind, name, body) in [
        (Kind::Function, "current_setting", own),
        (
            Kind::Function,
            "nullif",
            "SELECT org = \"nullif\"(current_setting('app.org_id', true), '')",
        ),
        (
            Kind::Function,
            "coalesce",
            "SELECT \"coalesce\"(org = current_setting('app.org_id', true), false)",
        ),
        (Kind::Type, "uuid", "SELECT '1'::uuid = '2'::uuid"),
        (Kind::Cast, "text", own),
    ] {
        assert_ne!(verdict(kind, name, body), "isolated", "{name}");
    }
    // The search path does not matter to what the server has written.
    let parsed = judged("text", "public.is_own(org_id)", |it| {
        with(Kind::Function, "current_setting", own)(it);
        it.rows.bodies[0].is_text = false;
    });
    assert_eq!(parsed, "isolated");
    for (kind, name, sql_type, expression) in [
        (Kind::Cast, "bigint", "bigint", "(org_id = ($S)::bigint)"),
        (Kind::Cast, "uuid", "uuid", "(org_id = ($S)::uuid)"),
        (Kind::Function, "current_setting", "text", "(org_id = $S)"),
    ] {
        let found = judged(sql_type, expression, |it| {
            it.redefine(kind, name).in_pg_catalog = true;
        });
        assert_ne!(found, "isolated", "{name}");
    }
}

/// The comparison with the tenant does not help: the setting has changed when the next row is judged.
#[test]
fn code_that_changes_the_setting() {
    let beside = [
        "set_config('app.org_id'::text, org_id, true) IS NOT NULL",
        "set_config(author, org_id, true) IS NOT NULL",
        "ARRAY[set_config('app.org_id'::text, org_id, true)] IS NOT NULL",
        "EXTRACT(epoch FROM now()) > (length(set_config('app.org_id'::text, org_id, true)))::numeric",
        "audit.noted(org => org_id)",
        "audit.deep(org_id)",
        "audit.deeper(org_id)",
        "EXISTS ( SELECT count(audit.deep(p.org_id)) AS count FROM projects p)",
        "EXISTS ( SELECT 1 FROM notes WHERE (notes.id = 1))",
        "id OPERATOR(audit.@@@) 1",
    ];
    let with_code = |it: &mut Database| {
        it.setter("noted");
        it.code("deep", "BEGIN PERFORM audit.noted($1); RETURN true; END");
        it.code("deeper", "SELECT deep($1)");
        it.code(
            "notes",
            "CREATE RULE \"_RETURN\" AS ON SELECT TO notes DO INSTEAD SELECT audit.deep('2') AS id",
        );
        it.code("operator", "audit.deep");
    };
    let leaky: Vec<String> = beside
        .iter()
        .map(|one| format!("((org_id = $T) AND ({one}))"))
        .collect();
    let leaky: Vec<&str> = leaky.iter().map(String::as_str).collect();
    assert_eq!(wrong("text", &leaky, false, with_code), NONE);
    let harmless = [
        "((org_id = $T) AND (set_config('app.other'::text, org_id, true) IS NOT NULL))",
        "((org_id = $T) AND audit.harmless(org_id))",
    ];
    assert_eq!(wrong("text", &harmless, true, with_code), NONE);
    // In the policy of a table that the policy reads.
    let read = judged(
        "text",
        "((org_id = $T) AND (EXISTS ( SELECT 1 FROM projects p)))",
        |it| {
            it.setter("noted");
            it.policy("projects").using = Some("audit.noted(org_id)".to_string());
        },
    );
    assert_ne!(read, "isolated");
}

#[test]
fn a_trigger_that_changes_the_setting() {
    let with_trigger = |it: &mut Database| {
        it.code("docs", "audit.switch()").on_write = true;
        it.code(
            "switch",
            "BEGIN PERFORM set_config('app.org_id', NEW.org_id, true); RETURN NEW; END",
        );
    };
    for (command, is_isolated) in [("a", false), ("w", false), ("r", true)] {
        let found = judged_for(command, "text", "(org_id = $T)", with_trigger);
        assert_eq!(found == "isolated", is_isolated, "{command}: {found}");
    }
    let harmless = judged_for("a", "text", "(org_id = $T)", |it| {
        it.code("docs", "audit.touch()").on_write = true;
        it.code(
            "touch",
            "BEGIN PERFORM set_config('app.actor', 'x', true); UPDATE counters SET n = 1; RETURN NEW; END",
        );
    });
    assert_eq!(harmless, "isolated");
}

/// The server casts both sides of a comparison of `varchar` columns to text.
#[test]
fn a_key_of_type_varchar() {
    let expression = |cast: &str| {
        format!(
            "(EXISTS ( SELECT 1 FROM projects p WHERE (((p.id)::{cast} = (docs.project_id)::{cast}) AND (p.org_id = $T))))"
        )
    };
    let sound = |it: &mut Database| {
        it.add_column("docs", "project_id", "character varying(36)");
        it.column("projects", "id").type_text = "character varying(36)".to_string();
        it.foreign_key("docs", &["project_id", "org_id"], "projects", &["id", "org_id"]);
        it.index("projects", &["id"]).is_unique = true;
        it.policy("projects").using = Some("true".to_string());
    };
    assert_eq!(judged("bigint", &expression("text"), sound), "isolated");
    // The two projects may differ only in the part that the cast cuts off.
    for cast in ["varchar(3)", "name"] {
        assert_ne!(judged("bigint", &expression(cast), sound), "isolated", "{cast}");
    }
}

#[test]
fn a_foreign_key_that_holds_the_tenant() {
    let sound = |it: &mut Database| {
        it.add_column("docs", "project_id", "bigint");
        it.foreign_key("docs", &["project_id", "org_id"], "projects", &["id", "org_id"]);
        it.index("projects", &["id"]).is_unique = true;
        it.policy("projects").using = Some("true".to_string());
    };
    let expression =
        "(EXISTS ( SELECT 1 FROM projects p WHERE ((p.id = docs.project_id) AND (p.org_id = $T))))";
    assert_eq!(judged("bigint", expression, sound), "isolated");
    let changes: [fn(&mut Database); 8] = [
        |it| it.rows.foreign_keys.clear(),
        |it| it.rows.foreign_keys[0].is_valid = false,
        |it| it.rows.foreign_keys[0].deferral = "DEFERRABLE INITIALLY DEFERRED".to_string(),
        |it| it.rows.foreign_keys[0].keys.swap(0, 1),
        |it| it.rows.indexes.last_mut().unwrap().is_unique = false,
        |it| it.rows.indexes.last_mut().unwrap().is_partial = true,
        |it| it.column("docs", "org_id").not_null = false,
        |it| {
            it.child("old_projects", "r", "projects");
        },
    ];
    for (at, change) in changes.into_iter().enumerate() {
        let found = judged("bigint", expression, |it| {
            sound(it);
            change(it);
        });
        assert_ne!(found, "isolated", "{at}");
    }
    let other = expression.replace("docs.project_id", "docs.id");
    assert_ne!(judged("bigint", &other, sound), "isolated");
}

/// A prepared statement keeps the tenant of the session that planned it.
#[test]
fn functions_that_are_not_immutable() {
    for (body, expression) in [
        (
            "SELECT current_setting('app.org_id', true)",
            "(org_id = public.own())",
        ),
        ("SELECT deep()", "(org_id = public.own())"),
        (
            "SELECT p.org_id FROM projects p LIMIT 1",
            "(org_id = public.own())",
        ),
    ] {
        let judged = |is_immutable| {
            judged("text", expression, |it| {
                it.body(
                    "public",
                    "deep",
                    &[],
                    "SELECT current_setting('app.org_id', true)",
                );
                it.body("public", "own", &[], body).is_immutable = is_immutable;
            })
        };
        assert_eq!(
            (judged(false).as_str(), judged(true) == "isolated"),
            ("isolated", false),
            "{body}"
        );
    }
    let pure = judged("text", "public.is_same(org_id, $S)", |it| {
        it.body("public", "is_same", &["a", "b"], "SELECT a = b")
            .is_immutable = true;
    });
    assert_eq!(pure, "isolated");
}

/// The functions of Supabase. The tenant is a claim of the token.
fn on_supabase(it: &mut Database) {
    let setting = "setting = \"app.org_id\"";
    it.policy_file = it
        .policy_file
        .replace(setting, "setting = \"request.jwt.claim.sub\"");
    it.policy_file += "platform = \"supabase\"\n";
    it.body(
        "auth",
        "uid",
        &[],
        "SELECT coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), \
         (nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub'))::uuid",
    )
    .result = "uuid".to_string();
    it.body(
        "auth",
        "jwt",
        &[],
        "SELECT coalesce(nullif(current_setting('request.jwt.claim', true), ''), \
         nullif(current_setting('request.jwt.claims', true), ''))::jsonb",
    )
    .result = "jsonb".to_string();
}

#[test]
fn claims_of_the_token() {
    let sound = [
        "(org_id = auth.uid())",
        "(( SELECT auth.uid() AS uid) = org_id)",
        "(org_id = ((auth.jwt() ->> 'sub'::text))::uuid)",
        "(org_id = (((current_setting('request.jwt.claims'::text, true))::jsonb ->> 'sub'::text))::uuid)",
        "(org_id = (NULLIF(current_setting('request.jwt.claim.sub'::text, true), ''::text))::uuid)",
        "((org_id = auth.uid()) AND ((auth.jwt() ->> 'aal'::text) = 'aal2'::text))",
        "((auth.uid() IS NOT NULL) AND (auth.uid() = org_id))",
        "(EXISTS ( SELECT 1 FROM projects WHERE ((projects.org_id = docs.org_id) AND (projects.org_id = auth.uid()))))",
    ];
    assert_eq!(wrong("uuid", &sound, true, on_supabase), NONE);
    let leaky = [
        "(org_id <> auth.uid())",
        "((org_id = auth.uid()) OR (auth.uid() IS NULL))",
        "(auth.uid() IS NOT NULL)",
        "(org_id = ((auth.jwt() ->> 'org_id'::text))::uuid)",
        "(org_id = (((auth.jwt() -> 'user_metadata'::text) ->> 'sub'::text))::uuid)",
        "(org_id = ((auth.jwt() ->> 'SUB'::text))::uuid)",
        "(org_id = ((lower(current_setting('request.jwt.claims'::text, true)))::jsonb ->> 'sub'::text)::uuid)",
        "(org_id = (current_setting('request.jwt.claim.org_id'::text, true))::uuid)",
        "(org_id = COALESCE(auth.uid(), org_id))",
        "((org_id = auth.uid()) OR ((auth.jwt() ->> 'role'::text) = 'admin'::text))",
        "((NULLIF(current_setting('request.jwt.claim.sub'::text, true), ''::text)) IS NULL)",
        "(org_id IS DISTINCT FROM auth.uid())",
    ];
    assert_eq!(wrong("uuid", &leaky, false, on_supabase), NONE);
}

/// An example shows what these let through.
#[test]
fn claims_that_do_not_matter() {
    for leaky in [
        "(auth.uid() IS NOT NULL)",
        "(org_id <> auth.uid())",
        "((auth.uid() IS NULL) OR (org_id = auth.uid()))",
    ] {
        let verdict = judged("uuid", leaky, on_supabase);
        assert!(verdict.starts_with("where "), "{leaky}: {verdict}");
    }
}

/// Elsewhere, nothing says that the two settings come from one token.
#[test]
fn claims_without_the_platform() {
    let without = |it: &mut Database| {
        on_supabase(it);
        it.policy_file = it.policy_file.replace("platform = \"supabase\"\n", "");
    };
    assert_eq!(wrong("uuid", &["(org_id = auth.uid())"], false, without), NONE);
}

/// A setter of all claims also sets the one that is the tenant.
#[test]
fn claims_that_change_meanwhile() {
    let changing = |it: &mut Database| {
        on_supabase(it);
        it.code("become", "SELECT set_config('request.jwt.claims', '{}', true)");
    };
    let calls = ["((org_id = auth.uid()) AND (public.become() IS NOT NULL))"];
    assert_eq!(wrong("uuid", &calls, false, changing), NONE);
}
