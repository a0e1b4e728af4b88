//! Compares the verdicts with what a real server does, on random policies.

use std::collections::BTreeMap;
use std::env;
use std::fmt::Write as _;

use sqlx::Row as _;

use crate::database::catalog::{Catalog, PolicyRow, Relation};
use crate::database::context::Context;
use crate::database::logic::answers::{Verdict, Witness};
use crate::database::logic::value::{Constant, Known, Moment, Tenant, Value, Variable};
use crate::database::logic::world::{Choice, Session as State, World, pairs};
use crate::database::policies::{Clause, question};
use crate::database::server::process::Server;
use crate::database::server::session::Session;
use crate::database::testing::project_of;

/// The environment variable that says how many policies are compared, for longer runs by hand.
const COUNT: &str = "POLICIES";
const USUAL_COUNT: usize = 300;

const STRUCTS: &str = "
    #[table] pub struct Projects { pub id: i64, pub org_id: i64 }
    #[table] pub struct Docs { pub id: i64, pub org_id: i64 }
    #[table(tenant = through(project_id -> projects))] pub struct Tasks { pub id: i64, pub project_id: i64 }
";

const POLICY_FILE: &str = "
[tenancy]
column = \"org_id\"
setting = \"app.org_id\"

[database]
app_roles = [\"app\"]
";

/// No keys and no constraints, so that every row that a policy can meet can be made.
const SCHEMA: &str = "
CREATE ROLE app;
CREATE FUNCTION own_org() RETURNS bigint LANGUAGE sql STABLE
    AS $$ SELECT nullif(current_setting('app.org_id', true), '')::bigint $$;
CREATE FUNCTION is_own(org bigint) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT org = own_org() $$;
CREATE FUNCTION either(a boolean, b boolean) RETURNS boolean LANGUAGE plpgsql IMMUTABLE STRICT
    AS $$ BEGIN RETURN a OR b; END $$;
CREATE TABLE projects (id bigint NOT NULL, org_id bigint NOT NULL, name text, is_open boolean NOT NULL);
CREATE TABLE docs (
    id bigint NOT NULL, org_id bigint NOT NULL, project_id bigint NOT NULL, body text, status text NOT NULL,
    total integer, author text, is_open boolean, valid_until timestamptz
);
CREATE TABLE tasks (
    id bigint NOT NULL, project_id bigint NOT NULL, body text, status text NOT NULL, total integer, author text,
    is_open boolean, valid_until timestamptz
);
ALTER TABLE docs ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects TO app USING (org_id = (SELECT nullif(current_setting('app.org_id', true), '')::bigint));
GRANT SELECT ON docs, tasks, projects TO app;
INSERT INTO projects
    SELECT i, 1 + i % 3, (ARRAY['a', 'b', NULL])[1 + i % 3], i % 2 = 0 FROM generate_series(1, 9) i;
INSERT INTO docs
    SELECT i, 1 + i % 3, 1 + i % 9, (ARRAY['a', 'ab', '', NULL])[1 + i % 4], (ARRAY['a', 'b', 'A'])[1 + i % 3],
        (ARRAY[1, 2, 5, 12, NULL])[1 + i % 5], (ARRAY['app', 'a', NULL])[1 + i % 3], (ARRAY[true, false, NULL])[1 + i % 3],
        (ARRAY['infinity', '-infinity', '2000-01-01', NULL])[1 + i % 4]::timestamptz
    FROM generate_series(1, 60) i;
INSERT INTO tasks
    SELECT i, 1 + i % 9, (ARRAY['a', 'ab', '', NULL])[1 + i % 4], (ARRAY['a', 'b', 'A'])[1 + i % 3],
        (ARRAY[1, 2, 5, 12, NULL])[1 + i % 5], (ARRAY['app', 'a', NULL])[1 + i % 3], (ARRAY[true, false, NULL])[1 + i % 3],
        (ARRAY['infinity', '-infinity', '2000-01-01', NULL])[1 + i % 4]::timestamptz
    FROM generate_series(1, 60) i;
";

/// The states of the setting, each with the tenant whose rows may be seen. `None` for a setting that was never set.
const SESSIONS: &[(Option<&str>, Option<i64>)] = &[
    (Some("1"), Some(1)),
    (Some("2"), Some(2)),
    (Some("01"), Some(1)),
    (Some(" 2 "), Some(2)),
    (Some(""), None),
    (None, None),
];

#[derive(Debug, Default)]
struct Counts {
    isolated: usize,
    open: usize,
    unknown: usize,
    rejected: usize,
    reasons: BTreeMap<String, usize>,
    /// Some of those for which no values were found.
    examples: Vec<String>,
}

#[test]
fn verdicts_agree_with_the_server() {
    let Some(server) = server() else {
        return;
    };
    let count = env::var(COUNT).map_or(USUAL_COUNT, |count| count.parse().expect("a number"));
    let mut session = connected(&server);
    session.execute("the schema", SCHEMA).unwrap();
    let mut sessions = [connected(&server), connected(&server)];
    let catalog = Catalog::read(&mut session).unwrap();
    let project = project_of(STRUCTS, POLICY_FILE);
    assert_eq!(project.faults.len(), 0, "{:?}", project.faults);
    let context = Context::new(&project, &catalog).unwrap();
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut counts = Counts::default();
    for _ in 0..count {
        let table = *random.one(&["docs", "tasks"]);
        let generator = Generator {
            random: &mut random,
            table,
        };
        let mut generator = generator;
        let expression = generator.condition(3);
        let relation = catalog.relation("public", table).unwrap();
        let Some(policy) = created(&mut session, relation, &expression) else {
            counts.rejected += 1;
            continue;
        };
        let app = &context.app_roles[0];
        let question = question(&context, app, relation, &policy, Clause::Using, "r").unwrap();
        match question.verdict() {
            Verdict::Isolated => {
                counts.isolated += 1;
                let found = foreign_row(&mut sessions, table);
                assert_eq!(found, None, "isolated, but not on the server: {expression}");
            }
            Verdict::Open(witness) => {
                counts.open += 1;
                let passes = passes(&mut connected(&server), table, &witness);
                assert!(
                    passes,
                    "open, but not on the server: {expression}\n{witness}\n{:?}",
                    witness.world
                );
            }
            Verdict::Undeclared(_) => unreachable!("no table has declared policies"),
            Verdict::Unknown(reasons) => {
                counts.unknown += 1;
                let reason = reasons
                    .first()
                    .cloned()
                    .unwrap_or_else(|| "no values".to_string());
                *counts.reasons.entry(reason).or_default() += 1;
                if reasons.is_empty() && counts.examples.len() < 12 {
                    counts.examples.push(expression);
                }
            }
        }
    }
    println!("{counts:#?}");
    // The comparison is worth something only if each verdict is frequent.
    assert!(
        counts.isolated > count / 20 && counts.open > count / 5,
        "{counts:?}"
    );
    assert!(counts.rejected < count / 5, "{counts:?}");
}

/// What users define under the names of built-in objects, and code that changes the setting.
const REDEFINED: &str = "
CREATE FUNCTION always(bigint, text) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE OPERATOR = (LEFTARG = bigint, RIGHTARG = text, FUNCTION = always);
CREATE FUNCTION lower(character varying) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'y'::text $$;
CREATE FUNCTION is_mine(org bigint) RETURNS boolean LANGUAGE sql STABLE
    AS $$ SELECT org = current_setting('app.org_id', true) $$;
CREATE FUNCTION is_parsed(org bigint) RETURNS boolean LANGUAGE sql STABLE
    RETURN org = nullif(current_setting('app.org_id', true), '')::bigint;
CREATE FUNCTION is_y() RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT lower('X'::varchar) = 'y' $$;
CREATE FUNCTION switch(org bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN
    PERFORM set_config('app.org_id', org::text, true);
    RETURN true;
END $$;
CREATE FUNCTION noted(org bigint) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN switch(org); END $$;
CREATE FUNCTION touched() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM switch(2); RETURN NEW; END $$;
CREATE TRIGGER touched BEFORE INSERT ON docs FOR EACH ROW EXECUTE FUNCTION touched();
";

#[test]
fn what_users_redefine() {
    let Some(server) = server() else {
        return;
    };
    let mut session = connected(&server);
    session.execute("the schema", SCHEMA).unwrap();
    session.execute("objects of users", REDEFINED).unwrap();
    let mut sessions = [connected(&server), connected(&server)];
    let catalog = Catalog::read(&mut session).unwrap();
    let project = project_of(STRUCTS, POLICY_FILE);
    let context = Context::new(&project, &catalog).unwrap();
    assert!(context.setters.run_for("docs") && !context.setters.run_for("tasks"));
    let relation = catalog.relation("public", "docs").unwrap();
    let own = "org_id = nullif(current_setting('app.org_id', true), '')::bigint";
    for (expression, is_leaky) in [
        ("org_id = current_setting('app.org_id', true)", true),
        ("org_id = ANY (ARRAY[current_setting('app.org_id', true)])", true),
        (
            "org_id IS NOT DISTINCT FROM current_setting('app.org_id', true)",
            true,
        ),
        (
            "nullif(org_id, current_setting('app.org_id', true)) IS NULL",
            true,
        ),
        (
            "CASE org_id WHEN current_setting('app.org_id', true) THEN true ELSE false END",
            true,
        ),
        ("is_mine(org_id)", true),
        ("is_y()", true),
        ("current_setting('app.org_id', true) <> own_org()::text", true),
        (
            &format!("CASE WHEN noted(org_id) THEN {own} ELSE false END"),
            true,
        ),
        (own, false),
        ("is_parsed(org_id)", false),
    ] {
        let policy = created(&mut session, relation, expression).expect(expression);
        let question = question(
            &context,
            &context.app_roles[0],
            relation,
            &policy,
            Clause::Using,
            "r",
        )
        .unwrap();
        let found = foreign_row(&mut sessions, "docs");
        assert_eq!(found.is_some(), is_leaky, "on the server: {expression}");
        let verdict = question.verdict();
        assert_eq!(verdict != Verdict::Isolated, is_leaky, "{expression}: {verdict}");
    }
}

/// A server. Without its programs, a test is skipped, except where `CI` is set.
fn server() -> Option<Server> {
    match Server::start() {
        Ok(server) => Some(server),
        Err(failure) if env::var_os("CI").is_none() => {
            eprintln!("skipped: {failure:?}");
            None
        }
        Err(failure) => panic!("{failure:?}"),
    }
}

fn connected(server: &Server) -> Session {
    Session::connect_to(server, "postgres").unwrap()
}

/// The policy as the server spells it. `None` if the server refuses it.
fn created(session: &mut Session, relation: &Relation, expression: &str) -> Option<PolicyRow> {
    let table = &relation.name;
    let create = format!(
        "DROP POLICY IF EXISTS tried ON {table};
         CREATE POLICY tried ON {table} TO app USING ({expression});
         SET search_path = pg_catalog;
         SELECT pg_get_expr(polqual, polrelid) AS text, polroles::int8[] AS roles FROM pg_policy WHERE polname = 'tried'
             AND polrelid = 'public.{table}'::regclass;
         RESET search_path"
    );
    let rows = session.rows("a policy", &create).ok()?;
    let row = rows.iter().find(|row| row.try_get::<String, _>("text").is_ok())?;
    Some(PolicyRow {
        relation: relation.oid,
        name: "tried".to_string(),
        command: "*".to_string(),
        permissive: true,
        roles: row.get("roles"),
        using: Some(row.get("text")),
        check: None,
    })
}

/// A row of another tenant that the policy lets through, if there is one. In one of the sessions the setting was never
/// set.
fn foreign_row([session, unset]: &mut [Session; 2], table: &str) -> Option<String> {
    for (setting, own) in SESSIONS {
        let foreign = match (table, own) {
            (_, None) => "true".to_string(),
            ("docs", Some(own)) => format!("org_id <> {own}"),
            // The projects of tenant `n` are those with `1 + id % 3 = n`.
            (_, Some(own)) => format!("1 + project_id % 3 <> {own}"),
        };
        let session = if setting.is_some() {
            &mut *session
        } else {
            &mut *unset
        };
        let set = setting.map_or_else(String::new, |value| {
            format!("SELECT set_config('app.org_id', '{value}', true);")
        });
        let mut finds = |condition: &str| {
            let read = format!(
                "BEGIN; {set} SET LOCAL ROLE app; SELECT 'found' AS found FROM {table} WHERE {foreign} {condition}"
            );
            let rows = session.rows("a row", &read);
            session.execute("the end", "ROLLBACK").unwrap();
            rows.map(|rows| rows.iter().any(|row| row.try_get::<String, _>("found").is_ok()))
        };
        // An error about one row hides the others.
        let found = finds("")
            .unwrap_or_else(|_| (1..=60).any(|id| finds(&format!("AND id = {id}")).unwrap_or(false)));
        if found {
            return Some(format!("a row where the setting is {setting:?}"));
        }
    }
    None
}

/// Whether the server lets the row of a witness through.
fn passes(session: &mut Session, table: &str, witness: &Witness) -> bool {
    let world = &witness.world;
    let usual = pairs("bigint", None).remove(0);
    let (own, other) = world
        .tenants()
        .map_or(usual, |(own, other)| (own.clone(), other.clone()));
    let tenants = Tenants { own, other };
    let mut sql = "BEGIN; DELETE FROM docs; DELETE FROM tasks; DELETE FROM projects;".to_string();
    match world.session {
        State::Tenant => write!(
            sql,
            "SELECT set_config('app.org_id', '{}', true);",
            tenants.own.to_text()
        )
        .unwrap(),
        State::Empty => sql.push_str("SELECT set_config('app.org_id', '', true);"),
        State::Unset => {}
    }
    for (variable, choice) in &world.choices {
        if let (Variable::Setting(name), Choice::Value(value)) = (variable, choice)
            && let Some(text) = tenants.constant(value)
        {
            write!(sql, "SELECT set_config('{name}', '{}', true);", text.to_text()).unwrap();
        }
    }
    let mut labels = vec![(table, table.to_string())];
    for (variable, choice) in &world.choices {
        if let (Variable::Rows(search), Choice::Rows(true)) = (variable, choice) {
            labels.extend(search.tables.iter().map(|(_, label)| ("projects", label.clone())));
        }
    }
    for (at, (relation, label)) in labels.iter().enumerate() {
        sql.push_str(&insert(relation, label, at, world, &tenants, table));
    }
    if table == "tasks" {
        let reference = world.value(&Variable::Column(table.to_string(), "project_id".to_string()));
        let known = reference.filter(|value| value.known != Known::Anything);
        let parent = known.and_then(|value| tenants.constant(value));
        let parent = parent.map_or_else(|| "100".to_string(), |constant| constant.to_string());
        write!(
            sql,
            "INSERT INTO projects SELECT {parent}, {}, NULL, false WHERE NOT EXISTS (SELECT FROM projects WHERE id = {parent});",
            tenants.other
        )
        .unwrap();
    }
    write!(sql, "SET LOCAL ROLE app; SELECT 'found' AS found FROM {table}").unwrap();
    let rows = session.rows("a witness", &sql);
    session.execute("the end", "ROLLBACK").unwrap();
    rows.is_ok_and(|rows| {
        let last = rows.last();
        last.is_some_and(|row| row.try_get::<String, _>("found").is_ok())
    })
}

struct Tenants {
    own: Constant,
    other: Constant,
}

impl Tenants {
    /// `None` for NULL.
    fn constant(&self, value: &Value) -> Option<Constant> {
        match &value.known {
            Known::Tenant(Tenant::OfSession) | Known::Spelling(Tenant::OfSession) => Some(self.own.clone()),
            Known::Tenant(_) | Known::Spelling(_) => Some(self.other.clone()),
            Known::One(constant) => Some(constant.clone()),
            Known::Nothing => None,
            Known::Variable(_) | Known::Claims | Known::Anything => Some(Constant::Text("7".to_string())),
        }
    }
}

fn insert(relation: &str, label: &str, at: usize, world: &World, tenants: &Tenants, outer: &str) -> String {
    let columns: &[(&str, &str)] = match relation {
        "projects" => &[
            ("id", "100"),
            ("org_id", ""),
            ("name", "'x'"),
            ("is_open", "false"),
        ],
        // Tasks have the tenant of their project.
        _ => &[
            ("id", "100"),
            ("org_id", ""),
            ("project_id", "100"),
            ("body", "'x'"),
            ("status", "'x'"),
            ("total", "77"),
            ("author", "'x'"),
            ("is_open", "false"),
            ("valid_until", "'2000-01-01'"),
        ],
    };
    // Any value, but not that of the parent, which has a row of its own.
    let other_key = (200 + at).to_string();
    let values: Vec<String> = columns
        .iter()
        .filter(|(column, _)| (relation, *column) != ("tasks", "org_id"))
        .map(|(column, default)| {
            let default = if (relation, *column) == ("projects", "id") {
                &other_key
            } else {
                *default
            };
            let variable = Variable::Column(label.to_string(), (*column).to_string());
            match world.value(&variable) {
                Some(value) if value.known == Known::Anything => default.to_string(),
                Some(value) => {
                    tenants
                        .constant(value)
                        .map_or("NULL".to_string(), |constant| match constant {
                            Constant::Time(Moment::Now) => "now()".to_string(),
                            constant => constant.to_string(),
                        })
                }
                None if *column == "org_id" => {
                    let owner = world.owner(&Variable::Owner(label.to_string()));
                    let is_outer = at == 0 || outer == "tasks";
                    match owner {
                        Some(Tenant::OfSession) => tenants.own.to_string(),
                        Some(_) => tenants.other.to_string(),
                        None if is_outer => tenants.other.to_string(),
                        None => tenants.own.to_string(),
                    }
                }
                None => default.to_string(),
            }
        })
        .collect();
    format!("INSERT INTO {relation} VALUES ({});", values.join(", "))
}

/// A generator that gives the same numbers in every run: xorshift64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).expect("31 bits") % limit
    }

    fn one<'o, T>(&mut self, options: &'o [T]) -> &'o T {
        &options[self.below(options.len())]
    }
}

struct Generator<'r> {
    random: &'r mut Random,
    table: &'static str,
}

impl Generator<'_> {
    fn condition(&mut self, depth: usize) -> String {
        if depth == 0 || self.random.below(4) == 0 {
            return self.simple();
        }
        let depth = depth - 1;
        match self.random.below(12) {
            0..=2 => format!("({} AND {})", self.condition(depth), self.condition(depth)),
            3..=4 => format!("({} OR {})", self.condition(depth), self.condition(depth)),
            5 => format!("(NOT {})", self.condition(depth)),
            6 => format!(
                "(CASE WHEN {} THEN {} ELSE {} END)",
                self.condition(depth),
                self.condition(depth),
                self.condition(depth)
            ),
            7 => format!("coalesce({}, {})", self.condition(depth), self.condition(depth)),
            8 => {
                let test = *self
                    .random
                    .one(&["TRUE", "NOT TRUE", "FALSE", "NOT FALSE", "NULL", "NOT NULL"]);
                format!("({} IS {test})", self.condition(depth))
            }
            9 => format!("either({}, {})", self.condition(depth), self.condition(depth)),
            10 => self.sub_select(depth),
            _ => self.simple(),
        }
    }

    fn simple(&mut self) -> String {
        let column = self.tenant_column();
        match self.random.below(23) {
            0..=5 => format!("({column} = {})", self.tenant()),
            6 => {
                let op = *self
                    .random
                    .one(&["<>", ">=", "<", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]);
                format!("({column} {op} {})", self.tenant())
            }
            7 => format!("({column} IN (1, {}))", self.tenant()),
            8 => format!("({column} = {})", self.random.one(&["1", "2", "7"])),
            9 => {
                let column =
                    *self
                        .random
                        .one(&["body", "total", "author", "is_open", "valid_until", "status"]);
                let test = *self.random.one(&["NULL", "NOT NULL"]);
                format!("({column} IS {test})")
            }
            10 => (*self.random.one(&[
                "(status = 'a')",
                "(lower(status) = 'a')",
                "(body LIKE 'a%')",
                "(body || 'x' = 'ax')",
                "(status IN ('a', 'b'))",
                "(coalesce(body, 'none') = 'none')",
                "(nullif(status, 'a') IS NULL)",
            ]))
            .to_string(),
            11 => (*self.random.one(&[
                "(author = current_user)",
                "(author = current_setting('app.user', true))",
                "(current_user = 'app')",
                "(current_setting('app.role', true) = 'admin')",
            ]))
            .to_string(),
            12 => (*self.random.one(&[
                "(total < 10)",
                "(total = 5)",
                "(total BETWEEN 1 AND 3)",
                "(total + 1 = 3)",
                "(total::text = '12')",
                "(total = ANY (ARRAY[1, 5]))",
            ]))
            .to_string(),
            13 => (*self.random.one(&[
                "is_open",
                "(is_open IS TRUE)",
                "(is_open IS NULL)",
                "(NOT is_open)",
            ]))
            .to_string(),
            14 => (*self.random.one(&[
                "(valid_until > now())",
                "(valid_until < now())",
                "(valid_until = 'infinity')",
            ]))
            .to_string(),
            15 => (*self.random.one(&[
                "(current_setting('app.org_id', true) IS NULL)",
                "(current_setting('app.org_id', true) = '')",
                "(current_setting('app.org_id', true) <> '')",
                "(current_setting('app.org_id', true) = '1')",
                "(own_org() IS NULL)",
                "(own_org() IS NOT NULL)",
            ]))
            .to_string(),
            16 => (*self.random.one(&["true", "false", "NULL::boolean"])).to_string(),
            17 => format!("is_own({column})"),
            19 => {
                let tenant = self.tenant();
                format!("({column} BETWEEN {tenant} AND {tenant})")
            }
            20 => (*self
                .random
                .one(&["(current_user = 'admin')", "(current_user <> 'admin')"]))
            .to_string(),
            21 => (*self.random.one(&[
                "(current_setting('app.org_id', true) <> own_org()::text)",
                "(current_setting('app.org_id', true) = own_org()::text)",
                "(nullif(current_setting('app.org_id', true), own_org()::text) IS NULL)",
                "(trim(current_setting('app.org_id', true)) = '1')",
            ]))
            .to_string(),
            18 => format!("({column}::text LIKE current_setting('app.org_id', true) || '%')"),
            _ => format!("({column}::text = {}::text)", self.tenant()),
        }
    }

    /// The tenant of a row: a column, or that of the parent.
    fn tenant_column(&mut self) -> String {
        match self.table {
            "docs" => "org_id".to_string(),
            _ => "(SELECT p.org_id FROM projects p WHERE p.id = project_id)".to_string(),
        }
    }

    fn tenant(&mut self) -> String {
        (*self.random.one(&[
            "nullif(current_setting('app.org_id', true), '')::bigint",
            "(SELECT nullif(current_setting('app.org_id', true), '')::bigint)",
            "current_setting('app.org_id', true)::bigint",
            "current_setting('app.org_id')::bigint",
            "own_org()",
            "(SELECT own_org())",
            "coalesce(own_org(), 1)",
            "own_org()::numeric",
            "nullif(own_org(), 7)",
            "own_org()::integer",
            "nullif(trim(current_setting('app.org_id', true)), '')::bigint",
            "coalesce(nullif(current_setting('app.org_id', true), ''), '2')::bigint",
            "nullif(current_setting('app.tenant_id', true), '')::bigint",
        ]))
        .to_string()
    }

    fn sub_select(&mut self, depth: usize) -> String {
        let key = *self.random.one(&[
            "p.id = project_id",
            "p.id = project_id",
            "p.id > 0",
            "true",
            "p.id = 3",
        ]);
        let tenant = self.tenant();
        let more = *self
            .random
            .one(&["true", "p.is_open", "p.name IS NOT NULL", "p.name = 'a'"]);
        let own = format!("p.org_id = {tenant}");
        let condition = match self.random.below(4) {
            0..=1 => format!("{key} AND {own}"),
            2 => format!("{key} AND {own} AND {more}"),
            _ => format!("{key} AND {more}"),
        };
        match self.random.below(8) {
            6 => format!(
                "(EXISTS (SELECT FROM projects q LEFT JOIN projects p ON {condition} WHERE {}))",
                self.random
                    .one(&["q.id = project_id", "p.id = project_id", "p.id IS NULL"])
            ),
            7 => {
                format!("(EXISTS (SELECT FROM projects q JOIN projects p USING (org_id) WHERE {condition}))")
            }
            0..=2 => format!("(EXISTS (SELECT FROM projects p WHERE {condition}))"),
            3 => format!("(project_id IN (SELECT p.id FROM projects p WHERE {own}))"),
            4 => format!("(NOT EXISTS (SELECT FROM projects p WHERE {condition}))"),
            _ => format!(
                "({} AND (SELECT p.is_open FROM projects p WHERE {condition}))",
                self.condition(depth)
            ),
        }
    }
}
