//! Every way in which rows belong to tenants, on a real PostgreSQL server.

use crate::harness::Crate;
use crate::server::{Database, Template, shared};
use crate::verify::{findings, has_server, verify_migrations};

const SCHEMA: &str = r#"
use table_registry::table;
use uuid::Uuid;

#[table(tenant = "id")]
pub struct Tenants { pub id: Uuid, pub name: String }

#[table(kind = system)]
pub struct Users { pub id: i64, pub email: String }

#[table(kind = link)]
pub struct Memberships { pub id: i64, pub user_id: i64, pub org_id: Uuid }

#[table]
pub struct Projects { pub id: i64, pub org_id: Uuid, pub name: String }

#[table(tenant = through(project_id -> projects))]
pub struct Tasks { pub id: i64, pub project_id: i64 }

#[table(tenant = through(task_id -> tasks))]
pub struct Comments { pub id: i64, pub task_id: i64, pub body: String }

#[table(kind = evidence)]
pub struct AuditLogs { pub id: i64, pub org_id: Uuid, pub body: String }

#[table]
pub struct Invoices { pub id: i64, pub org_id: Uuid, pub total: i64 }

#[table(kind = system)]
pub struct Countries { pub code: String }

#[table]
pub struct Measurements { pub at: chrono::NaiveDate, pub org_id: Uuid, pub value: i64 }

#[table(kind = control)]
pub struct Outbox { pub id: i64, pub org_id: Uuid, pub event: String }

#[table(tenant = "org_id", shared_rows)]
pub struct Announcements { pub id: i64, pub org_id: Option<Uuid>, pub body: String }

#[table(kind = system)]
pub struct LoginHistory { pub id: i64, pub user_id: i64 }
"#;

pub const POLICY: &str = r#"
[tenancy]
column = "org_id"
setting = "app.org_id"

[[tenancy.policies]]
table = "memberships"
for = "select"
using = "user_id = (SELECT nullif(current_setting('app.user_id', true), '')::bigint)"
reason = "a user sees their own memberships in every tenant"

[database]
app_roles = ["app"]
append_only_trigger = true

[lints.allow.missing-required-column]
"#;

const REVOKE: &str = r#"
update_delete = ["audit_logs", "login_history"]
insert_update_delete = ["countries"]

[system]
login_history = "a log that belongs to no tenant"
"#;

const TABLES: &str = "
CREATE TABLE tenants (id uuid PRIMARY KEY, name text NOT NULL);
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
CREATE TABLE memberships (
    id bigint PRIMARY KEY, user_id bigint NOT NULL REFERENCES users, org_id uuid NOT NULL REFERENCES tenants
);
CREATE INDEX ON memberships (user_id);
CREATE INDEX ON memberships (org_id);
CREATE TABLE projects (id bigint PRIMARY KEY, org_id uuid NOT NULL REFERENCES tenants, name text NOT NULL);
CREATE INDEX ON projects (org_id);
CREATE TABLE tasks (id bigint PRIMARY KEY, project_id bigint NOT NULL REFERENCES projects);
CREATE INDEX ON tasks (project_id);
CREATE TABLE comments (id bigint PRIMARY KEY, task_id bigint NOT NULL REFERENCES tasks, body text NOT NULL);
CREATE INDEX ON comments (task_id);
CREATE TABLE audit_logs (id bigint PRIMARY KEY, org_id uuid NOT NULL, body text NOT NULL);
CREATE INDEX ON audit_logs (org_id);
CREATE TABLE invoices (id bigint PRIMARY KEY, org_id uuid NOT NULL, total bigint NOT NULL);
CREATE INDEX ON invoices (org_id);
CREATE TABLE countries (code text PRIMARY KEY);
CREATE TABLE measurements (at date NOT NULL, org_id uuid NOT NULL, value bigint NOT NULL) PARTITION BY RANGE (at);
CREATE TABLE measurements_2026_01 PARTITION OF measurements FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE measurements_2026_02 PARTITION OF measurements FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
CREATE INDEX ON measurements (org_id);
CREATE TABLE outbox (id bigint PRIMARY KEY, org_id uuid NOT NULL, event text NOT NULL);
CREATE INDEX ON outbox (org_id);
CREATE TABLE announcements (id bigint PRIMARY KEY, org_id uuid, body text NOT NULL);
CREATE INDEX ON announcements (org_id);
CREATE TABLE login_history (id bigint PRIMARY KEY, user_id bigint NOT NULL);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
REVOKE INSERT, UPDATE, DELETE ON memberships FROM app;
DO $$ BEGIN
    IF to_regclass('public._sqlx_migrations') IS NOT NULL THEN
        REVOKE ALL ON _sqlx_migrations FROM app;
    END IF;
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
";

const ROLES: &str = "
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'app') THEN CREATE ROLE app; END IF;
END $$;
";

/// Two tenants, each with one row in every table, and a shared row.
const ROWS: &str = "
INSERT INTO tenants VALUES ('00000000-0000-0000-0000-00000000000a', 'a'), ('00000000-0000-0000-0000-00000000000b', 'b');
INSERT INTO users VALUES (7, 'a@example.org');
INSERT INTO memberships SELECT row_number() OVER (), 7, id FROM tenants;
INSERT INTO projects SELECT row_number() OVER (ORDER BY id), id, name FROM tenants;
INSERT INTO tasks SELECT id, id FROM projects;
INSERT INTO comments SELECT id, id, 'c' FROM tasks;
INSERT INTO audit_logs SELECT id, org_id, 'x' FROM projects;
INSERT INTO invoices SELECT id, org_id, 1 FROM projects;
INSERT INTO countries VALUES ('CH');
INSERT INTO measurements SELECT '2026-01-15', org_id, 1 FROM projects;
INSERT INTO outbox SELECT id, org_id, 'x' FROM projects;
INSERT INTO announcements SELECT id, org_id, 'x' FROM projects UNION ALL SELECT 3, NULL, 'all';
INSERT INTO login_history VALUES (1, 7);
";

pub fn crate_() -> Crate {
    let made = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        ("src/schema/mod.rs", SCHEMA),
        ("table-registry.toml", POLICY),
        ("revoke.toml", REVOKE),
    ]);
    made.manifest("shapes");
    made
}

/// Writes the migrations of the schema.
pub fn migrations(crate_: &Crate) {
    crate_.write("migrations/1_roles.sql", ROLES);
    crate_.write("migrations/2_tables.sql", TABLES);
    crate_.write("migrations/3_registry.sql", &crate_.run(&["sql"]).stdout);
}

/// The tables, the registry's migration, and rows of two tenants.
const SHAPES: Template = Template {
    name: "shapes",
    migrations: || {
        let sql = crate_().run(&["sql"]);
        assert_eq!(sql.code, 0, "{}", sql.all());
        vec![TABLES.to_string(), sql.stdout, ROWS.to_string()]
    },
};

const TENANT_A: &str = "SET LOCAL app.org_id = '00000000-0000-0000-0000-00000000000a';";

/// What the application gets for a query, in a transaction with these settings.
fn as_app(database: &Database<'_>, settings: &str, query: &str) -> String {
    database.ask(&format!(
        "BEGIN; SET LOCAL ROLE app; {settings} {query}; ROLLBACK;"
    ))
}

/// Everything in the catalogs that the registry's migration changes.
fn catalog(database: &Database<'_>) -> String {
    database.ask(
        "SELECT tablename, policyname, permissive, roles, cmd, qual, with_check FROM pg_policies ORDER BY 1, 2;
         SELECT relname, relrowsecurity, relforcerowsecurity, relacl FROM pg_class
            WHERE relnamespace = 'public'::regnamespace ORDER BY 1;
         SELECT tgrelid::regclass, tgname FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2;",
    )
}

#[test]
fn a_schema_with_every_shape_is_clean() {
    if !has_server() {
        return;
    }
    let crate_ = crate_();
    migrations(&crate_);
    let report = verify_migrations(&crate_, &["--probe"]);
    assert_eq!(report.code, 0, "{}", report.all());

    let database = shared().database(SHAPES);
    let url = database.url();
    let difference = || crate_.run(&["sql", "--diff", "--database-url", &url]);
    let report = difference();
    assert_eq!((report.code, report.stdout.as_str()), (0, ""), "{}", report.all());
    let before = catalog(&database);
    database.migrate(&crate_.run(&["sql", "--down"]).stdout);
    assert_ne!(catalog(&database), before);
    let report = difference();
    assert_eq!(report.code, 1);
    database.migrate(&report.stdout);
    assert_eq!(catalog(&database), before);
    database.migrate(&crate_.run(&["sql", "--down"]).stdout);
    database.migrate(&crate_.run(&["sql"]).stdout);
    assert_eq!(catalog(&database), before);
}

#[test]
fn each_tenant_sees_its_own_rows() {
    if !has_server() {
        return;
    }
    let database = shared().database(SHAPES);
    let all = "SELECT (SELECT count(*) FROM tenants), (SELECT count(*) FROM projects), (SELECT count(*) FROM tasks),
               (SELECT count(*) FROM comments), (SELECT count(*) FROM audit_logs), (SELECT count(*) FROM invoices),
               (SELECT count(*) FROM measurements), (SELECT count(*) FROM outbox), (SELECT count(*) FROM announcements)";
    assert_eq!(as_app(&database, TENANT_A, all), "1|1|1|1|1|1|1|1|2");
    for none in ["", "SET LOCAL app.org_id = '';"] {
        assert_eq!(as_app(&database, none, all), "0|0|0|0|0|0|0|0|1");
    }
    let after = "SET ROLE app; BEGIN; SET LOCAL app.org_id = '00000000-0000-0000-0000-00000000000a'; COMMIT;
                 SELECT current_setting('app.org_id', true) = '', count(*) FROM projects;";
    assert_eq!(database.ask(after), "t|0");
}

#[test]
fn a_grandchild_is_isolated_without_the_protection_of_its_parents() {
    if !has_server() {
        return;
    }
    let database = shared().database(SHAPES);
    let comments = || {
        as_app(
            &database,
            TENANT_A,
            "SELECT string_agg(id::text, ',') FROM comments",
        )
    };
    assert_eq!(comments(), "1");
    database.migrate(
        "ALTER TABLE projects DISABLE ROW LEVEL SECURITY; ALTER TABLE tasks DISABLE ROW LEVEL SECURITY",
    );
    assert_eq!(comments(), "1");
    database.migrate(
        "ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE tasks ENABLE ROW LEVEL SECURITY;
         ALTER POLICY tenant_isolation ON projects USING (true) WITH CHECK (true);
         ALTER POLICY tenant_isolation ON tasks USING (true) WITH CHECK (true)",
    );
    assert_eq!(comments(), "1");
    let moved = "UPDATE comments SET task_id = 2 WHERE id = 1";
    assert!(as_app(&database, TENANT_A, moved).contains("row-level security policy"));
}

#[test]
fn shared_rows_are_read_by_all_and_written_by_none() {
    if !has_server() {
        return;
    }
    let database = shared().database(SHAPES);
    let run = |statement: &str| as_app(&database, TENANT_A, statement);
    assert_eq!(
        run("UPDATE announcements SET body = 'mine' WHERE org_id IS NULL"),
        ""
    );
    assert_eq!(
        run(
            "WITH changed AS (UPDATE announcements SET body = 'mine' RETURNING 1) SELECT count(*) FROM changed"
        ),
        "1"
    );
    assert_eq!(
        run("WITH gone AS (DELETE FROM announcements RETURNING 1) SELECT count(*) FROM gone"),
        "1"
    );
    for refused in [
        "INSERT INTO announcements VALUES (9, NULL, 'x')",
        "UPDATE announcements SET org_id = NULL",
    ] {
        assert!(run(refused).contains("row-level security policy"), "{refused}");
    }
}

/// A command without a policy of its own is refused, even to a role that holds the privilege.
#[test]
fn a_policy_for_select_alone() {
    if !has_server() {
        return;
    }
    let database = shared().database(SHAPES);
    database.migrate("GRANT ALL ON memberships TO app");
    let user = format!("{TENANT_A} SET LOCAL app.user_id = '7';");
    let run = |statement: &str| as_app(&database, &user, statement);
    assert_eq!(run("SELECT count(*) FROM memberships"), "2");
    assert!(
        run("INSERT INTO memberships SELECT 9, 7, id FROM tenants").contains("row-level security policy")
    );
    for nothing in [
        "UPDATE memberships SET user_id = 7 RETURNING 1",
        "DELETE FROM memberships RETURNING 1",
    ] {
        assert_eq!(run(nothing), "", "{nothing}");
    }
}

#[test]
fn a_database_of_one_tenant() {
    if !has_server() {
        return;
    }
    let crate_ = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        (
            "src/schema/mod.rs",
            "use table_registry::table;\n#[table(kind = evidence)] pub struct AuditLogs { pub id: i64 }\n\
             #[table(kind = evidence)] pub struct Payments { pub id: i64 }\n#[table] pub struct Items { pub id: i64 }\n",
        ),
        (
            "table-registry.toml",
            "[tenancy]\nmode = \"none\"\n\n[database]\napp_roles = [\"app\"]\n",
        ),
        ("revoke.toml", "update_delete = [\"audit_logs\", \"payments\"]\n"),
        (
            "migrations/1.sql",
            "CREATE ROLE app; CREATE TABLE audit_logs (id bigint PRIMARY KEY); CREATE TABLE payments (id bigint PRIMARY KEY);
             CREATE TABLE items (id bigint PRIMARY KEY); GRANT ALL ON ALL TABLES IN SCHEMA public TO app;",
        ),
    ]);
    crate_.manifest("single");
    let report = crate_.run(&["sql"]);
    assert_eq!(report.code, 0, "{}", report.all());
    assert!(
        !report.stdout.contains("POLICY") && !report.stdout.contains("ROW LEVEL"),
        "{}",
        report.stdout
    );
    crate_.write("migrations/2.sql", &report.stdout);
    let report = verify_migrations(&crate_, &["--probe"]);
    assert_eq!(report.code, 0, "{}", report.all());
    assert!(!report.all().contains("tenant"), "{}", report.all());
}

/// In every type, an empty setting is no tenant, even where a row's tenant is an empty string.
#[test]
fn an_empty_setting_is_no_tenant() {
    if !has_server() {
        return;
    }
    for (field, column, value) in [
        ("i64", "bigint", "1"),
        ("uuid::Uuid", "uuid", "00000000-0000-0000-0000-000000000001"),
        ("String", "text", ""),
    ] {
        let crate_ = Crate::with(&[
            (
                "src/lib.rs",
                "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
            ),
            (
                "src/schema/mod.rs",
                &format!(
                    "use table_registry::table;\n#[table] pub struct Things {{ pub org_id: {field} }}\n"
                ),
            ),
            ("table-registry.toml", POLICY.split("[[").next().unwrap()),
            ("revoke.toml", ""),
        ]);
        crate_.write(
            "table-registry.toml",
            "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n[database]\napp_roles = [\"app\"]\n",
        );
        crate_.manifest("things");
        let database = shared().database(SHAPES);
        database.migrate(&format!(
            "CREATE TABLE things (org_id {column} NOT NULL); GRANT ALL ON things TO app;
             INSERT INTO things VALUES ('{value}')"
        ));
        database.migrate(&crate_.run(&["sql"]).stdout);
        let count = "SELECT count(*) FROM things";
        for none in ["", "SET LOCAL app.org_id = '';"] {
            assert_eq!(as_app(&database, none, count), "0", "{column} {none}");
        }
        let after = format!("SET ROLE app; BEGIN; SET LOCAL app.org_id = '1'; ROLLBACK; {count}");
        assert_eq!(database.ask(&after), "0", "{column}");
    }
}

/// If a policy reads its own table, the server refuses the statements to which the policy applies.
#[test]
fn a_policy_that_reads_its_own_table() {
    let crate_ = crate_();
    let own = "EXISTS (SELECT FROM memberships m WHERE m.org_id = memberships.org_id)";
    let using = "user_id = (SELECT nullif(current_setting('app.user_id', true), '')::bigint)";
    crate_.write("table-registry.toml", &POLICY.replace(using, own));
    let report = crate_.run(&["sql"]);
    assert_eq!((report.code, report.stdout.as_str()), (1, ""), "{}", report.all());
    assert!(
        report
            .stderr
            .contains("this policy of table `memberships` causes infinite recursion"),
        "{}",
        report.all()
    );
    if !has_server() {
        return;
    }
    let database = shared().database(SHAPES);
    database.migrate(&format!(
        "ALTER POLICY tenant_isolation_select ON memberships USING ({own})"
    ));
    let refused = as_app(&database, TENANT_A, "SELECT count(*) FROM memberships");
    assert!(
        refused.contains("infinite recursion detected in policy"),
        "{refused}"
    );
    let crate_ = self::crate_();
    let report = crate_.run(&["verify", "--format", "json", "--database-url", &database.url()]);
    let codes = findings(&report);
    assert!(
        codes.iter().any(|finding| finding["code"] == "recursive-policy"),
        "{codes:?}"
    );
}

/// Without `[tenancy]`, both commands say what to write.
#[test]
fn without_tenancy_nothing_is_done() {
    let crate_ = crate_();
    crate_.write("table-registry.toml", "[database]\napp_roles = [\"app\"]\n");
    for command in ["sql", "verify"] {
        let report = crate_.run(&[command]);
        assert_eq!((report.code, report.stdout.as_str()), (2, ""));
        assert!(
            report.stderr.contains("does not say how rows belong to tenants"),
            "{}",
            report.all()
        );
        assert!(report.stderr.contains("mode = \"none\""), "{}", report.all());
    }
}

/// Tables whose policies are not known are one error, and nothing is printed.
#[test]
fn policies_that_are_not_known() {
    let crate_ = crate_();
    crate_.write(
        "src/schema/mod.rs",
        "use table_registry::table;\n#[table] pub struct A { pub id: i64 }\n#[table] pub struct B { pub id: i64 }\n\
         #[table] pub struct C { pub org_id: OrgId }\n",
    );
    crate_.write("revoke.toml", "");
    crate_.write(
        "table-registry.toml",
        "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n[database]\napp_roles = [\"app\"]\n",
    );
    let report = crate_.run(&["sql"]);
    assert_eq!((report.code, report.stdout.as_str()), (2, ""));
    snapbox::assert_data_eq!(
        report.stderr,
        snapbox::str![[r#"
error: the policies of 3 tables are not known
 |
 = note: no column `org_id`: `a` and `b`
 = note: the type of column `org_id` is not known: `c`
 = help: say how the rows belong to a tenant: `#[table(tenant = "account_id")]`, `#[table(tenant = through(project_id -> projects))]`, `[[tenancy.policies]]` in the policy file, or `kind = system` if they belong to none
 = help: add `type = "uuid"`, the type of the tenant column, to `[tenancy]`

"#]]
    );
}

#[test]
fn one_table_and_one_transaction_for_each() {
    let crate_ = crate_();
    let report = crate_.run(&[
        "sql",
        "--table",
        "comments",
        "--table",
        "countries",
        "--transaction-per-table",
    ]);
    snapbox::assert_data_eq!(
        report.stdout,
        snapbox::str![[r#"
-- @generated by `cargo table-registry sql` from the registry of `shapes`; do not edit.
-- Each table has a transaction of its own. Run it as the owner of the tables.
-- Where a table has policies of its own, this one stands beside them, joined by OR; leave it out with
-- `[[database.allow.missing-policy]]`.

BEGIN;
SET LOCAL lock_timeout = '5s';
DO $table_registry$
DECLARE
    policy record;
BEGIN
    FOR policy IN
        SELECT polname, polrelid::regclass AS relation FROM pg_policy
        WHERE polrelid = ANY (ARRAY[
            '"public"."comments"'
            ]::regclass[])
            AND polname = ANY (ARRAY[
            'tenant_isolation',
            'tenant_isolation_select',
            'tenant_isolation_insert',
            'tenant_isolation_update',
            'tenant_isolation_delete',
            'tenant_isolation_shared_rows'
            ])
        ORDER BY polrelid::regclass::text, polname
    LOOP
        EXECUTE format('DROP POLICY %I ON %s', policy.polname, policy.relation);
    END LOOP;
END
$table_registry$;
ALTER TABLE "public"."comments" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "public"."comments" FORCE ROW LEVEL SECURITY;
CREATE POLICY "tenant_isolation" ON "public"."comments" TO "app"
    USING (
        EXISTS (
            SELECT FROM "public"."tasks"
            WHERE "tasks"."id" = "comments"."task_id"
            AND EXISTS (
                SELECT FROM "public"."projects"
                WHERE "projects"."id" = "tasks"."project_id"
                AND "projects"."org_id" = (SELECT nullif(current_setting('app.org_id', true), '')::uuid)
            )
        )
    )
    WITH CHECK (
        EXISTS (
            SELECT FROM "public"."tasks"
            WHERE "tasks"."id" = "comments"."task_id"
            AND EXISTS (
                SELECT FROM "public"."projects"
                WHERE "projects"."id" = "tasks"."project_id"
                AND "projects"."org_id" = (SELECT nullif(current_setting('app.org_id', true), '')::uuid)
            )
        )
    );
REVOKE TRUNCATE, REFERENCES, TRIGGER ON TABLE "public"."comments" FROM PUBLIC, "app";
GRANT SELECT ("id", "project_id") ON TABLE "public"."tasks" TO "app";
GRANT SELECT ("id", "org_id") ON TABLE "public"."projects" TO "app";
COMMIT;

BEGIN;
SET LOCAL lock_timeout = '5s';
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON TABLE "public"."countries" FROM PUBLIC, "app";
REVOKE REFERENCES, TRIGGER ON TABLE "public"."countries" FROM PUBLIC, "app";
COMMIT;

BEGIN;
SET LOCAL lock_timeout = '5s';
DO $table_registry$
DECLARE
    child regclass;
BEGIN
    FOR child IN
        WITH RECURSIVE descendant AS (
            SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY (ARRAY[
            '"public"."comments"'
            ]::regclass[])
            UNION
            SELECT i.inhrelid FROM pg_inherits i JOIN descendant d ON i.inhparent = d.inhrelid
        )
        SELECT c.oid FROM descendant d JOIN pg_class c ON c.oid = d.inhrelid
        WHERE c.relkind IN ('r', 'p') ORDER BY c.oid::regclass::text
    LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', child);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', child);
        EXECUTE format('REVOKE TRUNCATE, REFERENCES, TRIGGER ON TABLE %s FROM PUBLIC, "app"', child);
    END LOOP;
END
$table_registry$;
COMMIT;

BEGIN;
SET LOCAL lock_timeout = '5s';
DO $table_registry$
DECLARE
    child regclass;
BEGIN
    FOR child IN
        WITH RECURSIVE descendant AS (
            SELECT inhrelid FROM pg_inherits WHERE inhparent = ANY (ARRAY[
            '"public"."countries"'
            ]::regclass[])
            UNION
            SELECT i.inhrelid FROM pg_inherits i JOIN descendant d ON i.inhparent = d.inhrelid
        )
        SELECT c.oid FROM descendant d JOIN pg_class c ON c.oid = d.inhrelid
        WHERE c.relkind IN ('r', 'p') ORDER BY c.oid::regclass::text
    LOOP
        EXECUTE format('REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON TABLE %s FROM PUBLIC, "app"', child);
        EXECUTE format('REVOKE REFERENCES, TRIGGER ON TABLE %s FROM PUBLIC, "app"', child);
    END LOOP;
END
$table_registry$;
COMMIT;

BEGIN;
SET LOCAL lock_timeout = '5s';
DO $table_registry$
DECLARE
    child regclass;
BEGIN
    FOR child IN
        WITH RECURSIVE descendant AS (
            SELECT unnest(ARRAY[
            '"public"."comments"',
            '"public"."countries"'
            ]::regclass[])::oid AS inhrelid
            UNION
            SELECT i.inhrelid FROM pg_inherits i JOIN descendant d ON i.inhparent = d.inhrelid
        )
        SELECT c.oid FROM descendant d JOIN pg_class c ON c.oid = d.inhrelid
        WHERE c.relkind IN ('r', 'p')
        AND current_setting('server_version_num')::int >= 170000 ORDER BY c.oid::regclass::text
    LOOP
        EXECUTE format('REVOKE MAINTAIN ON TABLE %s FROM PUBLIC, "app"', child);
    END LOOP;
END
$table_registry$;
COMMIT;

"#]]
    );
    let report = crate_.run(&["sql", "--table", "coments"]);
    assert_eq!(report.code, 2);
    assert!(
        report.stderr.contains("did you mean `comments`?"),
        "{}",
        report.all()
    );
}

/// Keys that join the rows of tenants, and rows that use them.
#[test]
fn rows_that_refer_to_rows_of_another_tenant() {
    if !has_server() {
        return;
    }
    let (crate_, database) = (crate_(), shared().database(SHAPES));
    let url = database.url();
    let compared = |url: &str| crate_.run(&["verify", "--data", "--format", "json", "--database-url", url]);
    let messages = || {
        let found = findings(&compared(&url)).into_iter();
        let rows = found.filter(|one| one["code"] == "foreign-tenant-row");
        rows.map(|one| one["message"].as_str().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(messages(), [""; 0]);
    // Every invoice refers to the first row of the other table, which is the row of tenant A.
    database.migrate(
        "ALTER TABLE invoices ADD CONSTRAINT by_project FOREIGN KEY (total) REFERENCES projects;
         ALTER TABLE invoices ADD CONSTRAINT by_comment FOREIGN KEY (total) REFERENCES comments;
         ALTER TABLE invoices ADD CONSTRAINT by_announcement FOREIGN KEY (total) REFERENCES announcements;
         ALTER TABLE outbox ADD CONSTRAINT own_comment FOREIGN KEY (id) REFERENCES comments;
         ALTER TABLE tasks ADD CONSTRAINT own_invoice FOREIGN KEY (id) REFERENCES invoices",
    );
    assert_eq!(
        messages(),
        ["announcements", "comments", "projects"].map(|parent| {
            format!("1 row of table `invoices` refers to rows of other tenants in `{parent}`")
        })
    );
    let found = findings(&compared(&url));
    let row = found
        .iter()
        .find(|one| one["object"] == "by_comment" && one["code"] == "foreign-tenant-row");
    let facts = row.unwrap()["facts"][0].as_str().unwrap();
    let query = facts.strip_prefix("this query shows them: ").unwrap();
    assert!(
        database
            .ask(query)
            .starts_with("2|00000000-0000-0000-0000-00000000000b|1|"),
        "{query}"
    );

    // Everybody may refer to a row that is everybody's.
    database.migrate(
        "ALTER TABLE invoices DROP CONSTRAINT by_project, DROP CONSTRAINT by_comment; UPDATE invoices SET total = 3",
    );
    assert_eq!(messages(), [""; 0]);

    // The owner adds a key under FORCE: the server looks at no row, and the key is valid.
    database.migrate("ALTER TABLE invoices DROP CONSTRAINT by_announcement; ALTER TABLE projects ADD UNIQUE (org_id, id); UPDATE invoices SET total = 1");
    database.ask(
        "SET ROLE table_registry_migrator;
         ALTER TABLE invoices ADD CONSTRAINT by_own_project FOREIGN KEY (org_id, total) REFERENCES projects (org_id, id)",
    );
    let valid = "SELECT convalidated FROM pg_constraint WHERE conname = 'by_own_project'";
    assert_eq!(database.ask(valid).trim(), "t");
    assert_eq!(
        messages(),
        ["1 row of table `invoices` refers to no row of the same tenant in `projects`"]
    );
    database.migrate("ALTER TABLE invoices DROP CONSTRAINT by_own_project; UPDATE invoices SET total = 3");

    let report = compared(&url.replace("postgres:s3cret", "table_registry_migrator:s3cret"));
    assert_eq!((report.code, report.stdout.as_str()), (2, ""), "{}", report.all());
    assert!(
        report
            .stderr
            .contains("row-level security hides rows from role `table_registry_migrator`"),
        "{}",
        report.all()
    );
}

#[test]
fn indexes_for_the_policies() {
    let crate_ = crate_();
    let report = crate_.run(&["sql", "--indexes"]);
    assert_eq!(report.code, 0, "{}", report.all());
    snapbox::assert_data_eq!(
        report.stdout,
        snapbox::str![[r#"
-- @generated by `cargo table-registry sql --indexes` from the registry of `shapes`; do not edit.
-- Run it statement by statement, outside a transaction, as the owner of the tables, or give each statement a migration of
-- its own. Leave CONCURRENTLY out for a partitioned table, and beside CREATE TABLE. To rebuild an index that a failure left
-- invalid, use `--diff`.

CREATE INDEX CONCURRENTLY IF NOT EXISTS "announcements__org_id_tenant_idx" ON "public"."announcements" ("org_id");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "audit_logs__org_id_tenant_idx" ON "public"."audit_logs" ("org_id");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "comments__task_id_tenant_idx" ON "public"."comments" ("task_id");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "invoices__org_id_tenant_idx" ON "public"."invoices" ("org_id");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "measurements__org_id_tenant_idx" ON "public"."measurements" ("org_id");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "outbox__org_id_tenant_idx" ON "public"."outbox" ("org_id");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "projects__org_id_tenant_idx" ON "public"."projects" ("org_id");
CREATE INDEX CONCURRENTLY IF NOT EXISTS "tasks__project_id_tenant_idx" ON "public"."tasks" ("project_id");

"#]]
    );
    if !has_server() {
        return;
    }
    let database = shared().database(SHAPES);
    let url = database.url();
    let difference = || crate_.run(&["sql", "--indexes", "--diff", "--database-url", &url]);
    assert_eq!(difference().all(), "-- exit 0\n");
    database.migrate(
        "DROP INDEX projects_org_id_idx, tasks_project_id_idx, measurements_org_id_idx;
         CREATE INDEX ON measurements_2026_01 (org_id)",
    );
    let report = difference();
    assert_eq!(report.code, 1, "{}", report.all());
    snapbox::assert_data_eq!(
        report.stdout.clone(),
        snapbox::str![[r#"
-- @generated by `cargo table-registry sql --indexes --diff` from the registry of `shapes`; do not edit.
-- Run it statement by statement, outside a transaction, as the owner of the tables, or give each statement a migration of
-- its own. Leave CONCURRENTLY out for a partitioned table, and beside CREATE TABLE. To rebuild an index that a failure left
-- invalid, use `--diff`.

CREATE INDEX "measurements__org_id_tenant_idx" ON "public"."measurements" ("org_id");
CREATE INDEX CONCURRENTLY "projects__org_id_tenant_idx" ON "public"."projects" ("org_id");
CREATE INDEX CONCURRENTLY "tasks__project_id_tenant_idx" ON "public"."tasks" ("project_id");

"#]]
    );
    assert_eq!(database.ask(&report.stdout), "");
    assert_eq!(difference().all(), "-- exit 0\n");
}
