//! `sql` and `verify` on a real PostgreSQL server.
//!
//! Most test cases plant one fault in a small schema, in a database of their own. The others use the ERP example.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use crate::harness::{Crate, Report, copy, program, repository};
use crate::server::{Database, Server, Template, binaries, shared, version};

/// Whether there is a server to test with. CI has to have one.
pub fn has_server() -> bool {
    let found = binaries().is_some();
    assert!(
        found || env::var_os("CI").is_none_or(|ci| ci != "true"),
        "there are no PostgreSQL binaries"
    );
    if !found {
        eprintln!("skipped: there are no PostgreSQL binaries on this machine");
    }
    found
}

/// A copy of the ERP example that a test may change.
pub fn erp() -> Crate {
    let made = Crate::empty();
    made.manifest("erp");
    let example = repository().join("examples/erp");
    copy(&example.join("src"), &made.path().join("src"));
    copy(&example.join("migrations"), &made.path().join("migrations"));
    for file in ["table-registry.toml", "revoke.toml"] {
        fs::copy(example.join(file), made.path().join(file)).unwrap();
    }
    made
}

/// Verifies the migrations of a crate. The throwaway server writes a lot of data that nobody keeps, so its directory
/// is in memory.
pub fn verify_migrations(crate_: &Crate, more: &[&str]) -> Report {
    let mut command = program();
    if Path::new("/dev/shm").is_dir() {
        command.env("TMPDIR", "/dev/shm");
    }
    command.args(["verify", "--migrations", "migrations"]).args(more);
    Report::new(command.current_dir(crate_.path()).output().unwrap())
}

pub fn findings(report: &Report) -> Vec<serde_json::Value> {
    let json: serde_json::Value =
        serde_json::from_str(&report.stdout).unwrap_or_else(|_| panic!("{}", report.all()));
    json["findings"].as_array().unwrap().clone()
}

/// One line for each finding: code, table, object.
pub fn lines(findings: &[serde_json::Value]) -> Vec<String> {
    let text = |value: &serde_json::Value| value.as_str().unwrap_or("-").to_string();
    let line = |one: &serde_json::Value| {
        format!(
            "{} {} {}",
            text(&one["code"]),
            text(&one["table"]),
            text(&one["object"])
        )
    };
    findings.iter().map(line).collect()
}

/// The database of the ERP example, with all its migrations.
pub const ERP: Template = Template {
    name: "erp",
    migrations: || {
        let names = ["0001_schema", "0002_app_role", "0003_table_registry"];
        names
            .map(|name| erp().read(&format!("migrations/{name}.sql")))
            .into()
    },
};

/// Tables of the ERP example, and a child of one of them: enough for test cases about one table.
const SMALL_SCHEMA: &str = r#"
use chrono::{DateTime, NaiveDateTime, Utc};
use rust_decimal::Decimal;
use serde_json::Value;
use table_registry::table;
use uuid::Uuid;

#[table]
pub struct Contacts {
    pub id: Uuid,
    pub org_id: String,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
    pub created_by: String,
    pub version: i32,
    pub is_deleted: bool,
    pub deleted_at: Option<DateTime<Utc>>,
    pub custom_data: Value,
    pub name: String,
    pub email: Option<String>,
}

#[table]
pub struct Warehouses {
    pub id: Uuid,
    pub org_id: String,
    pub code: String,
    pub parent_warehouse_id: Option<Uuid>,
    pub is_group: bool,
}

#[table]
pub struct ActivityTypes {
    pub id: Uuid,
    pub org_id: String,
    pub activity_type: String,
    pub billing_rate: Option<Decimal>,
}

#[table]
pub struct ActivityCosts {
    pub id: Uuid,
    pub org_id: String,
    pub activity_type: Uuid,
    pub costing_rate: Option<Decimal>,
}

#[table(tenant = through(activity_type -> activity_types))]
pub struct ActivityRates {
    pub id: Uuid,
    pub activity_type: Uuid,
}

#[table(kind = system)]
pub struct Users {
    pub id: Uuid,
    pub name: String,
    pub created_at: NaiveDateTime,
}

#[table(kind = evidence)]
pub struct AuditLogs {
    pub id: Uuid,
    pub org_id: String,
    pub batch_id: Option<Uuid>,
    pub ip: Option<String>,
    pub reason: Option<String>,
    pub diff: Option<Value>,
    pub created_at: DateTime<Utc>,
}
"#;

const SMALL_POLICY: &str = r#"
[tenancy]
column = "org_id"
setting = "app.org_id"

[exempt]
search_backfill_state = "worker-only, created by a migration"

[database]
app_roles = ["erp_app"]
append_only_trigger = true
"#;

const SMALL_TABLES: &str = "
CREATE TABLE contacts (
    id uuid PRIMARY KEY, org_id text NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    created_by text NOT NULL, version integer NOT NULL, is_deleted boolean NOT NULL, deleted_at timestamptz,
    custom_data jsonb NOT NULL, name text NOT NULL, email text
);
CREATE TABLE warehouses (
    id uuid PRIMARY KEY, org_id text NOT NULL, code text NOT NULL, parent_warehouse_id uuid, is_group boolean NOT NULL
);
CREATE TABLE activity_types (
    id uuid PRIMARY KEY, org_id text NOT NULL, activity_type text NOT NULL, billing_rate numeric
);
CREATE TABLE activity_costs (
    id uuid PRIMARY KEY, org_id text NOT NULL, activity_type uuid NOT NULL, costing_rate numeric
);
CREATE TABLE activity_rates (id uuid PRIMARY KEY, activity_type uuid NOT NULL REFERENCES activity_types);
CREATE TABLE users (id uuid PRIMARY KEY, name text NOT NULL, created_at timestamp NOT NULL);
CREATE TABLE audit_logs (
    id uuid PRIMARY KEY, org_id text NOT NULL, batch_id uuid, ip text, reason text, diff jsonb,
    created_at timestamptz NOT NULL
);
CREATE TABLE search_backfill_state (id bigint PRIMARY KEY);
CREATE INDEX by_tenant ON contacts (org_id);
CREATE INDEX ON warehouses (org_id);
CREATE INDEX ON activity_types (org_id);
CREATE INDEX ON activity_costs (org_id);
CREATE INDEX ON activity_rates (activity_type);
CREATE INDEX ON audit_logs (org_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO erp_app;
REVOKE ALL ON search_backfill_state FROM erp_app;
";

/// The database of the small schema, with the registry's migration.
pub const SMALL: Template = Template {
    name: "small",
    migrations: || vec![SMALL_TABLES.to_string(), small().run(&["sql"]).stdout],
};

pub fn small() -> Crate {
    small_with("", "")
}

/// The small schema with a changed policy file.
fn small_with(from: &str, to: &str) -> Crate {
    let made = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        ("src/schema/mod.rs", SMALL_SCHEMA),
        ("revoke.toml", "update_delete = [\"audit_logs\"]\n"),
    ]);
    assert!(SMALL_POLICY.contains(from));
    made.write("table-registry.toml", &SMALL_POLICY.replacen(from, to, 1));
    made.manifest("small");
    made
}

pub fn verify_database(crate_: &Crate, database: &Database<'_>, more: &[&str]) -> Report {
    let url = database.url();
    crate_.run(&[&["verify", "--format", "json", "--database-url", &url], more].concat())
}

/// Plants a fault, and expects that it is the only finding, and that the suggested statement fixes it.
#[track_caller]
fn planted(server: &Server, crate_: &Crate, sql: &str, expected: &str) {
    let database = server.database(SMALL);
    database.migrate(sql);
    let report = verify_database(crate_, &database, &[]);
    let found = findings(&report);
    assert_eq!(lines(&found), [expected], "{}", report.all());
    assert_eq!(
        report.code,
        i32::from(found[0]["severity"] == "error"),
        "{}",
        report.all()
    );
    let fix = found[0]["fix"].as_str().unwrap();
    // What destroys data is described in words, never as a statement that somebody may run.
    for destructive in [
        "DROP COLUMN",
        "DROP TABLE",
        "DROP SCHEMA",
        "DELETE FROM",
        "TRUNCATE TABLE",
    ] {
        assert!(!fix.contains(destructive), "{fix}");
    }
    if let Some(command) = found[0]["command"].as_str() {
        fixed_by(&server.copy(&database), crate_, command);
    }
    let is_sql = fix.ends_with(';') && fix.starts_with(|c: char| c.is_ascii_uppercase());
    if is_sql && !fix.contains('…') {
        apply(&database, fix);
        let report = verify_database(crate_, &database, &[]);
        assert_eq!(lines(&findings(&report)), [""; 0], "{fix}\n{}", report.all());
    }
}

/// Expects that the statements which a command prints fix a database.
#[track_caller]
fn fixed_by(database: &Database<'_>, crate_: &Crate, command: &str) {
    let url = database.url();
    let arguments: Vec<&str> = command.split(' ').chain(["--database-url", &url]).collect();
    let difference = crate_.run(&arguments);
    assert_eq!(difference.code, 1, "{}", difference.all());
    apply(database, &difference.stdout);
    let report = verify_database(crate_, database, &[]);
    assert_eq!(lines(&findings(&report)), [""; 0], "{command}\n{}", report.all());
}

/// Runs a fix as it is printed: CONCURRENTLY needs to be outside a transaction.
#[track_caller]
fn apply(database: &Database<'_>, fix: &str) {
    if fix.contains("CONCURRENTLY") {
        assert_eq!(database.ask(fix), "", "{fix}");
    } else {
        database.migrate(fix);
    }
}

/// Makes a change that looks like a fault, and expects that nothing is found and that the server refuses every
/// attempt.
#[track_caller]
fn sound(sql: &str) {
    let database = shared().database(SMALL);
    database.migrate(sql);
    let report = verify_database(&small(), &database, &["--probe"]);
    assert_eq!(lines(&findings(&report)), [""; 0], "{}", report.all());
    assert_eq!(report.code, 0);
    assert!(
        report.stderr.contains("of which the server allowed 0"),
        "{}",
        report.all()
    );
}

/// Whether there is a server of this version or newer.
pub fn has_server_since(first: u32) -> bool {
    has_server() && version() >= first
}

/// One test for each fault: `name: sql => finding`, or `name since version: …` for features that older servers lack.
/// A fault that changes a role needs a server of its own.
macro_rules! faults {
    (on $server:expr; $($name:ident $(since $version:literal)?: $sql:literal => $expected:literal;)*) => {
        $(
            #[test]
            fn $name() {
                if has_server_since(0 $(+ $version)?) {
                    planted($server, &small(), $sql, $expected);
                }
            }
        )*
    };
}

/// One test for each change that looks like a fault but is not.
macro_rules! no_faults {
    ($($name:ident $(since $version:literal)?: $sql:literal;)*) => {
        $(
            #[test]
            fn $name() {
                if has_server_since(0 $(+ $version)?) {
                    sound($sql);
                }
            }
        )*
    };
}

faults! {
    on shared();

    table_is_missing: "DROP TABLE contacts" => "missing-table contacts -";
    table_is_a_view: "DROP TABLE contacts; CREATE VIEW contacts AS SELECT 1 AS one" => "missing-table contacts -";
    table_is_not_registered: "CREATE TABLE forgotten (id int)" => "unregistered-table - forgotten";
    table_with_a_parent_elsewhere: "CREATE SCHEMA h; CREATE TABLE h.base (id int);
        CREATE TABLE forgotten () INHERITS (h.base)" => "unregistered-table - forgotten";
    table_is_a_foreign_table: "DROP TABLE contacts; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE FOREIGN TABLE contacts (id uuid) SERVER s" => "missing-table contacts -";
    foreign_table: "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE FOREIGN TABLE forgotten (id int) SERVER s" => "unregistered-table - forgotten";
    exempt_table_is_missing: "DROP TABLE search_backfill_state"
        => "missing-exempt-table search_backfill_state -";

    rls_is_off: "ALTER TABLE contacts DISABLE ROW LEVEL SECURITY" => "rls-disabled contacts -";
    rls_was_never_on: "ALTER TABLE contacts DISABLE ROW LEVEL SECURITY, NO FORCE ROW LEVEL SECURITY;
        DROP POLICY tenant_isolation ON contacts" => "rls-disabled contacts -";
    rls_is_not_forced: "ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY" => "rls-not-forced contacts table_registry_migrator";

    no_policy: "DROP POLICY tenant_isolation ON contacts" => "missing-policy contacts -";
    no_policy_for_a_command: "DROP POLICY tenant_isolation ON contacts;
        CREATE POLICY r ON contacts FOR SELECT TO erp_app USING (org_id = (SELECT current_setting('app.org_id')));
        CREATE POLICY a ON contacts FOR INSERT TO erp_app WITH CHECK (org_id = (SELECT current_setting('app.org_id')));
        CREATE POLICY w ON contacts FOR UPDATE TO erp_app USING (org_id = (SELECT current_setting('app.org_id'))) WITH CHECK (org_id = (SELECT current_setting('app.org_id')))"
        => "missing-policy contacts erp_app";
    policies_for_other_roles: "ALTER POLICY tenant_isolation ON contacts TO clerk"
        => "missing-policy contacts erp_app";
    only_a_restrictive_policy: "DROP POLICY tenant_isolation ON contacts;
        CREATE POLICY r ON contacts AS RESTRICTIVE TO erp_app USING (org_id = 'a') WITH CHECK (org_id = 'a')"
        => "missing-policy contacts erp_app";

    policy_of_an_earlier_tenancy: "CREATE POLICY tenant_isolation_select ON contacts FOR SELECT TO erp_app
        USING (org_id = (SELECT nullif(current_setting('app.org_id', true), '')))"
        => "outdated-policy contacts tenant_isolation_select";

    policy_is_true: "CREATE POLICY open ON contacts USING (true) WITH CHECK (org_id = 'a')"
        => "open-policy contacts open";
    policy_compares_constants: "CREATE POLICY open ON contacts FOR SELECT TO erp_app USING (1 = 1)"
        => "open-policy contacts open";
    policy_compares_a_column_with_itself: "CREATE POLICY open ON contacts FOR DELETE USING (org_id = org_id)"
        => "open-policy contacts open";
    policy_asks_for_any_tenant: "CREATE POLICY open ON contacts FOR SELECT USING (org_id IS NOT NULL)"
        => "open-policy contacts open";
    policy_has_a_way_out: "ALTER POLICY tenant_isolation ON contacts
        USING (org_id = (SELECT current_setting('app.org_id', true)) OR true)"
        => "open-policy contacts tenant_isolation";
    policy_checks_nothing_of_new_rows: "ALTER POLICY tenant_isolation ON contacts WITH CHECK (true)"
        => "open-policy contacts tenant_isolation";
    policy_is_open_without_a_tenant: "ALTER POLICY tenant_isolation ON contacts USING
        ((SELECT current_setting('app.org_id', true)) IS NULL OR org_id = (SELECT current_setting('app.org_id', true)))"
        => "open-policy contacts tenant_isolation";
    policy_selects_true: "CREATE POLICY open ON contacts FOR SELECT USING ((SELECT true))"
        => "open-policy contacts open";
    policy_asks_for_any_row: "CREATE POLICY open ON contacts FOR SELECT USING (NOT (id IS NULL))"
        => "open-policy contacts open";
    policy_for_rows_of_every_tenant: "CREATE POLICY hide ON contacts FOR SELECT TO erp_app USING (deleted_at IS NULL)"
        => "open-policy contacts hide";
    policy_for_whoever_asks: "CREATE POLICY open ON contacts FOR SELECT TO erp_app USING (current_user = 'erp_app')"
        => "open-policy contacts open";
    policy_compares_another_table_with_itself: "CREATE POLICY open ON contacts FOR SELECT TO erp_app
        USING (EXISTS (SELECT 1 FROM warehouses WHERE org_id = org_id))" => "open-policy contacts open";
    policy_falls_back_to_the_row: "CREATE POLICY open ON contacts FOR SELECT TO erp_app
        USING (org_id = coalesce(nullif((SELECT current_setting('app.org_id', true)), ''), org_id))" => "open-policy contacts open";
    restrictive_policy_without_tenant: "ALTER POLICY tenant_isolation ON contacts USING (true);
        CREATE POLICY hide ON contacts AS RESTRICTIVE TO erp_app USING (deleted_at IS NULL) WITH CHECK (deleted_at IS NULL)"
        => "open-policy contacts tenant_isolation";
    both_clauses_are_open: "CREATE POLICY open ON contacts TO erp_app USING (true) WITH CHECK (1 < 2)"
        => "open-policy contacts open";
    restrictive_policy_restricts_reading_alone: "DROP POLICY tenant_isolation ON contacts;
        CREATE POLICY broad ON contacts TO erp_app USING (true) WITH CHECK (true);
        CREATE POLICY narrow ON contacts AS RESTRICTIVE TO erp_app
            USING (org_id = (SELECT current_setting('app.org_id', true))) WITH CHECK (true)"
        => "open-policy contacts broad";
    policy_for_rows_of_whoever_asks: "CREATE POLICY own_rows ON contacts FOR SELECT TO erp_app USING (created_by = current_user)"
        => "open-policy contacts own_rows";
    open_policy_below_a_restrictive_one: "CREATE POLICY broad ON warehouses FOR SELECT TO erp_app USING (true);
        CREATE POLICY narrow ON warehouses AS RESTRICTIVE TO erp_app
            USING (org_id = (SELECT current_setting('app.org_id', true))) WITH CHECK (org_id = (SELECT current_setting('app.org_id', true)))"
        => "single-layer warehouses broad";
    open_policy_for_all_below_a_restrictive_one: "ALTER POLICY tenant_isolation ON activity_costs TO PUBLIC USING (true) WITH CHECK (true);
        CREATE POLICY iso ON activity_costs AS RESTRICTIVE TO erp_app USING (org_id = (SELECT current_setting('app.org_id', true)))
            WITH CHECK (org_id = (SELECT current_setting('app.org_id', true)))"
        => "single-layer activity_costs tenant_isolation";
    open_policy_below_a_restrictive_one_for_each_command: "CREATE POLICY broad ON activity_types TO erp_app USING (true) WITH CHECK (true);
        CREATE POLICY r ON activity_types AS RESTRICTIVE FOR SELECT USING (org_id = (SELECT current_setting('app.org_id', true)));
        CREATE POLICY a ON activity_types AS RESTRICTIVE FOR INSERT WITH CHECK (org_id = (SELECT current_setting('app.org_id', true)));
        CREATE POLICY w ON activity_types AS RESTRICTIVE FOR UPDATE USING (org_id = (SELECT current_setting('app.org_id', true)))
            WITH CHECK (org_id = (SELECT current_setting('app.org_id', true)));
        CREATE POLICY d ON activity_types AS RESTRICTIVE FOR DELETE USING (org_id = (SELECT current_setting('app.org_id', true)))"
        => "single-layer activity_types broad";
    restrictive_policy_restricts_nothing: "CREATE POLICY narrow ON contacts AS RESTRICTIVE TO erp_app USING (org_id IS NOT NULL)"
        => "single-layer contacts narrow";
    policy_lets_nothing_through: "CREATE POLICY none ON contacts FOR DELETE TO erp_app USING (org_id = 'a' AND org_id IS NULL)"
        => "dead-policy contacts none";
    policy_has_neither_clause: "CREATE POLICY none ON contacts FOR UPDATE TO erp_app" => "dead-policy contacts none";
    insert_policy_without_a_check: "CREATE POLICY none ON contacts FOR INSERT TO erp_app" => "dead-policy contacts none";
    policy_calls_a_function_that_cannot_be_followed: "CREATE FUNCTION is_mine(o text) RETURNS boolean LANGUAGE plpgsql STABLE
        AS $$ BEGIN PERFORM 1; RETURN o = current_setting('app.org_id', true); END $$;
        CREATE POLICY mine ON contacts FOR SELECT TO erp_app USING (is_mine(org_id))"
        => "unproven-policy contacts mine";
    policy_has_a_way_out_by_a_setting: "ALTER POLICY tenant_isolation ON contacts
        USING (org_id = (SELECT current_setting('app.org_id', true)) OR (SELECT current_setting('app.is_admin', true)) = 'on')"
        => "open-policy contacts tenant_isolation";
    policy_has_a_way_out_by_a_function: "CREATE FUNCTION is_admin() RETURNS boolean LANGUAGE sql STABLE
            AS $$ SELECT current_setting('app.is_admin', true) = 'on' $$;
        ALTER POLICY tenant_isolation ON contacts USING (org_id = (SELECT current_setting('app.org_id', true)) OR (SELECT is_admin()))"
        => "open-policy contacts tenant_isolation";
    insert_is_open: "CREATE POLICY open ON contacts FOR INSERT WITH CHECK (true)" => "open-policy contacts open";
    policy_of_a_partition_is_open: "CREATE TABLE child () INHERITS (contacts);
        ALTER TABLE child ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
        CREATE POLICY open ON child FOR SELECT USING (true); GRANT SELECT ON child TO erp_app"
        => "open-policy contacts open";
    policy_has_no_check: "DROP POLICY tenant_isolation ON contacts;
        CREATE POLICY own ON contacts TO erp_app USING (org_id = (SELECT current_setting('app.org_id')))" => "policy-without-check contacts own";

    app_owns_a_table: "ALTER TABLE contacts OWNER TO erp_app" => "app-role-owns-table - erp_app";
    app_owns_a_child: "CREATE TABLE child () INHERITS (contacts);
        ALTER TABLE child ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY, OWNER TO erp_app"
        => "app-role-owns-table - erp_app";
    app_owns_the_database since 15: "ALTER DATABASE :DBNAME OWNER TO erp_app"
        => "app-role-owns-table - pg_database_owner";
    app_owns_the_schema: "ALTER SCHEMA public OWNER TO erp_app" => "app-role-owns-table - erp_app";

    update_is_granted: "GRANT UPDATE ON audit_logs TO erp_app" => "append-only-privilege audit_logs erp_app";
    all_changes_are_granted: "GRANT UPDATE, DELETE, TRUNCATE ON audit_logs TO erp_app" => "append-only-privilege audit_logs erp_app";
    truncate_is_granted: "GRANT TRUNCATE ON audit_logs TO erp_app" => "append-only-privilege audit_logs erp_app";
    delete_is_granted_to_all: "GRANT DELETE ON audit_logs TO PUBLIC" => "append-only-privilege audit_logs PUBLIC";
    a_column_is_granted: "GRANT UPDATE (reason, ip) ON audit_logs TO erp_app"
        => "append-only-privilege audit_logs erp_app";
    a_table_and_a_column_are_granted: "GRANT UPDATE ON audit_logs TO erp_app; GRANT UPDATE (reason) ON audit_logs TO erp_app"
        => "append-only-privilege audit_logs erp_app";
    granted_further: "GRANT UPDATE ON audit_logs TO erp_app WITH GRANT OPTION;
        SET ROLE erp_app; GRANT UPDATE ON audit_logs TO clerk; RESET ROLE"
        => "append-only-privilege audit_logs erp_app";
    another_grantor: "GRANT UPDATE ON audit_logs TO clerk WITH GRANT OPTION;
        SET ROLE clerk; GRANT UPDATE ON audit_logs TO erp_app; RESET ROLE"
        => "append-only-privilege audit_logs erp_app";
    default_privileges: "ALTER DEFAULT PRIVILEGES GRANT SELECT, UPDATE, DELETE ON TABLES TO erp_app"
        => "default-privilege - erp_app";
    default_privileges_to_read_and_insert: "ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT ON TABLES TO erp_app"
        => "default-privilege - erp_app";
    default_privileges_that_no_policy_binds: "ALTER DEFAULT PRIVILEGES GRANT TRIGGER, REFERENCES ON TABLES TO erp_app"
        => "default-privilege - erp_app";
    default_privileges_of_a_schema: "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT ALL ON TABLES TO PUBLIC"
        => "default-privilege - PUBLIC";

    truncate_is_granted_on_a_table_with_policies: "GRANT TRUNCATE ON contacts TO erp_app" => "unbound-privilege contacts erp_app";
    trigger_is_granted: "GRANT TRIGGER ON contacts TO erp_app" => "unbound-privilege contacts erp_app";
    trigger_is_granted_to_all: "GRANT TRIGGER, TRUNCATE ON contacts TO PUBLIC" => "unbound-privilege contacts PUBLIC";
    references_to_a_column_are_granted: "GRANT REFERENCES (id) ON contacts TO erp_app" => "unbound-privilege contacts erp_app";
    trigger_on_an_append_only_table: "GRANT TRIGGER, REFERENCES ON audit_logs TO erp_app" => "unbound-privilege audit_logs erp_app";
    trigger_of_another_grantor: "GRANT TRIGGER ON contacts TO clerk WITH GRANT OPTION;
        SET ROLE clerk; GRANT TRIGGER ON contacts TO erp_app; RESET ROLE" => "unbound-privilege contacts erp_app";
    truncate_of_a_child: "CREATE TABLE child () INHERITS (contacts); GRANT TRUNCATE ON child TO erp_app;
        ALTER TABLE child ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY" => "unprotected-child contacts child";
    trigger_on_a_parent: "CREATE SCHEMA h; CREATE TABLE h.root (org_id text NOT NULL); ALTER TABLE contacts INHERIT h.root;
        GRANT TRIGGER ON h.root TO erp_app" => "unprotected-parent contacts h.root";

    copy_in_another_schema: "CREATE SCHEMA archive; CREATE TABLE archive.contacts_2025 AS SELECT * FROM contacts;
        GRANT USAGE ON SCHEMA archive TO erp_app; GRANT SELECT ON archive.contacts_2025 TO erp_app"
        => "unregistered-table - archive.contacts_2025";
    copy_for_everybody: "CREATE SCHEMA archive; CREATE TABLE archive.old (LIKE audit_logs); GRANT USAGE ON SCHEMA archive TO PUBLIC;
        GRANT INSERT ON archive.old TO PUBLIC" => "unregistered-table - archive.old";
    table_that_the_search_path_finds_first: "CREATE SCHEMA erp_app; CREATE TABLE erp_app.contacts (LIKE contacts);
        GRANT USAGE ON SCHEMA erp_app TO erp_app; GRANT SELECT, INSERT ON erp_app.contacts TO erp_app"
        => "unregistered-table - erp_app.contacts";
    view_of_a_copy: "CREATE SCHEMA archive; CREATE TABLE archive.old AS SELECT * FROM contacts;
        CREATE VIEW old_contacts AS SELECT * FROM archive.old; GRANT SELECT ON old_contacts TO erp_app"
        => "unregistered-table - archive.old";
    view_of_a_view_of_a_copy: "CREATE SCHEMA archive; CREATE TABLE archive.old AS SELECT * FROM contacts;
        CREATE VIEW archive.inner_view AS SELECT * FROM archive.old; CREATE VIEW v AS SELECT * FROM archive.inner_view;
        GRANT SELECT ON v TO PUBLIC" => "unregistered-table - archive.old";
    materialized_view_of_a_copy: "CREATE SCHEMA archive; CREATE TABLE archive.old AS SELECT * FROM contacts;
        CREATE MATERIALIZED VIEW m AS SELECT * FROM archive.old; GRANT SELECT ON m TO erp_app"
        => "unregistered-table - archive.old";
    table_of_another_schema: "CREATE SCHEMA billing; CREATE TABLE billing.plans (id int); GRANT USAGE ON SCHEMA billing TO erp_app;
        GRANT SELECT ON billing.plans TO erp_app" => "unregistered-table - billing.plans";
    columns_of_another_schema: "CREATE SCHEMA billing; CREATE TABLE billing.plans (id int); GRANT USAGE ON SCHEMA billing TO erp_app;
        GRANT SELECT (id) ON billing.plans TO erp_app" => "unregistered-table - billing.plans";
    partition_of_another_schema: "CREATE SCHEMA archive; CREATE TABLE archive.old (org_id text) PARTITION BY LIST (org_id);
        CREATE TABLE archive.old_a PARTITION OF archive.old FOR VALUES IN ('a');
        GRANT USAGE ON SCHEMA archive TO erp_app; GRANT SELECT ON archive.old_a TO erp_app" => "unregistered-table - archive.old_a";
    foreign_table_of_another_schema: "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE SCHEMA h; CREATE FOREIGN TABLE h.far (id int) SERVER s; GRANT USAGE ON SCHEMA h TO erp_app;
        GRANT SELECT ON h.far TO erp_app" => "unregistered-table - h.far";
    target_of_an_audit_trigger: "CREATE SCHEMA audit; CREATE TABLE audit.history (org_id text, data jsonb);
        CREATE FUNCTION audit.note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN INSERT INTO audit.history VALUES (NEW.org_id, to_jsonb(NEW)); RETURN NEW; END $$;
        CREATE TRIGGER note AFTER INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION audit.note();
        GRANT USAGE ON SCHEMA audit TO erp_app; GRANT SELECT ON audit.history TO erp_app"
        => "unregistered-table - audit.history";
    exempt_table_with_tenants: "ALTER TABLE search_backfill_state ADD org_id text; GRANT SELECT ON search_backfill_state TO erp_app"
        => "exempt-tenant-table search_backfill_state search_backfill_state";

    app_creates_in_the_schema: "GRANT CREATE ON SCHEMA public TO erp_app" => "create-privilege - CREATE on schema public";
    everybody_creates_in_the_schema: "GRANT CREATE ON SCHEMA public TO PUBLIC" => "create-privilege - CREATE on schema public";
    app_creates_in_a_schema_of_its_name: "CREATE SCHEMA erp_app AUTHORIZATION erp_app"
        => "create-privilege - CREATE on schema erp_app";
    app_creates_in_a_schema_of_its_search_path: "CREATE SCHEMA tools; GRANT USAGE, CREATE ON SCHEMA tools TO erp_app;
        ALTER DATABASE :DBNAME SET search_path = tools, public" => "create-privilege - CREATE on schema tools";
    app_creates_schemas: "GRANT CREATE ON DATABASE :DBNAME TO erp_app" => "create-privilege - CREATE on database";
    app_records_migrations: "CREATE TABLE _sqlx_migrations (id int); GRANT SELECT, INSERT, UPDATE ON _sqlx_migrations TO erp_app"
        => "bookkeeping-privilege - _sqlx_migrations";
    app_records_migrations_elsewhere: "CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id int);
        GRANT USAGE ON SCHEMA drizzle TO erp_app; GRANT ALL ON ALL TABLES IN SCHEMA drizzle TO PUBLIC"
        => "bookkeeping-privilege - drizzle.__drizzle_migrations";
    app_reads_any_file: "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO erp_app"
        => "server-privilege - EXECUTE on pg_read_file(text)";
    everybody_reads_any_file: "GRANT EXECUTE ON FUNCTION pg_read_binary_file(text) TO PUBLIC"
        => "server-privilege - EXECUTE on pg_read_binary_file(text)";
    app_imports_files: "GRANT EXECUTE ON FUNCTION lo_import(text) TO erp_app" => "server-privilege - EXECUTE on lo_import(text)";
    app_reads_statistics: "GRANT SELECT ON pg_statistic TO erp_app" => "server-privilege - SELECT on pg_statistic";
    app_changes_the_catalogs: "GRANT UPDATE ON pg_class TO erp_app" => "server-privilege - UPDATE on pg_class";
    app_connects_elsewhere: "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE USER MAPPING FOR PUBLIC SERVER s; GRANT USAGE ON FOREIGN SERVER s TO erp_app" => "server-privilege - USAGE on s";
    app_has_large_objects: "SELECT lo_create(7); ALTER LARGE OBJECT 7 OWNER TO erp_app"
        => "server-privilege - SELECT on large objects";
    tenant_of_the_database: "ALTER DATABASE :DBNAME SET app.org_id = '2'" => "default-tenant - app.org_id";
    tenant_of_the_role_in_the_database: "ALTER ROLE erp_app IN DATABASE :DBNAME SET app.org_id = '2'" => "default-tenant - app.org_id";
    app_cannot_connect: "REVOKE CONNECT ON DATABASE :DBNAME FROM PUBLIC" => "idle-app-role - erp_app";
    partitions_with_the_privileges_of_the_table: "CREATE SCHEMA partman; CREATE TABLE partman.part_config (parent_table text,
            template_table text, inherit_privileges boolean);
        INSERT INTO partman.part_config VALUES ('public.contacts', 'partman.t', true)" => "partman-privileges contacts -";

    trigger_is_gone: "DROP TRIGGER table_registry_append_only ON audit_logs" => "missing-trigger audit_logs -";
    trigger_is_disabled: "ALTER TABLE audit_logs DISABLE TRIGGER table_registry_append_only"
        => "missing-trigger audit_logs -";
    trigger_of_another_schema: "CREATE SCHEMA h; DROP TRIGGER table_registry_append_only ON audit_logs;
        CREATE FUNCTION h.table_registry_append_only() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER table_registry_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit_logs
            FOR EACH STATEMENT EXECUTE FUNCTION h.table_registry_append_only()" => "missing-trigger audit_logs -";
    trigger_of_one_column: "DROP TRIGGER table_registry_append_only ON audit_logs;
        CREATE TRIGGER table_registry_append_only BEFORE UPDATE OF reason OR DELETE OR TRUNCATE ON audit_logs
            FOR EACH STATEMENT EXECUTE FUNCTION table_registry_append_only()" => "missing-trigger audit_logs -";
    delete_cascades: "CREATE TABLE _sqlx_migrations (id uuid PRIMARY KEY);
        ALTER TABLE audit_logs ADD CONSTRAINT by_batch FOREIGN KEY (batch_id)
        REFERENCES _sqlx_migrations ON DELETE CASCADE" => "cascade-into-append-only audit_logs by_batch";
    delete_sets_null: "CREATE TABLE _sqlx_migrations (id uuid PRIMARY KEY);
        ALTER TABLE audit_logs ADD CONSTRAINT by_batch FOREIGN KEY (batch_id)
        REFERENCES _sqlx_migrations ON DELETE SET NULL" => "cascade-into-append-only audit_logs by_batch";
    delete_sets_one_column_null since 15: "CREATE TABLE _sqlx_migrations (id uuid PRIMARY KEY);
        ALTER TABLE audit_logs ADD CONSTRAINT by_batch FOREIGN KEY (batch_id)
        REFERENCES _sqlx_migrations ON DELETE SET NULL (batch_id) DEFERRABLE"
        => "cascade-into-append-only audit_logs by_batch";
    update_sets_default: "CREATE TABLE _sqlx_migrations (id uuid PRIMARY KEY);
        ALTER TABLE audit_logs ADD CONSTRAINT by_batch FOREIGN KEY (batch_id)
        REFERENCES _sqlx_migrations ON UPDATE SET DEFAULT ON DELETE RESTRICT"
        => "cascade-into-append-only audit_logs by_batch";

    child_without_rls: "CREATE TABLE child () INHERITS (contacts); GRANT SELECT ON child TO erp_app"
        => "unprotected-child contacts child";
    child_is_not_forced: "CREATE TABLE child () INHERITS (contacts); GRANT SELECT ON child TO erp_app;
        ALTER TABLE child ENABLE ROW LEVEL SECURITY" => "unprotected-child contacts child";
    grandchild: "CREATE TABLE child () INHERITS (contacts); CREATE TABLE grandchild () INHERITS (child);
        GRANT SELECT ON grandchild TO erp_app" => "unprotected-child contacts grandchild";
    child_without_trigger: "CREATE TABLE child () INHERITS (audit_logs)" => "unprotected-child audit_logs child";
    child_on_another_server: "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE FOREIGN TABLE child () INHERITS (contacts) SERVER s; GRANT SELECT ON child TO erp_app"
        => "unprotected-child contacts child";
    parent_without_rls: "CREATE SCHEMA h; CREATE TABLE h.root (org_id text NOT NULL);
        ALTER TABLE contacts INHERIT h.root; GRANT USAGE ON SCHEMA h TO erp_app; GRANT SELECT ON h.root TO erp_app"
        => "unprotected-parent contacts h.root";
    parent_of_append_only_table: "CREATE SCHEMA h; CREATE TABLE h.root (org_id text NOT NULL);
        ALTER TABLE audit_logs INHERIT h.root; GRANT USAGE ON SCHEMA h TO erp_app; GRANT DELETE ON h.root TO erp_app"
        => "unprotected-parent audit_logs h.root";
    child_of_append_only_table: "CREATE TABLE child () INHERITS (audit_logs);
        ALTER TABLE child ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY; GRANT DELETE ON child TO erp_app"
        => "unprotected-child audit_logs child";

    view_of_a_superuser: "CREATE VIEW v AS SELECT * FROM contacts; ALTER VIEW v OWNER TO postgres;
        GRANT SELECT ON v TO erp_app" => "definer-view contacts v";
    view_of_an_owner_who_sees_all: "CREATE POLICY own ON contacts TO table_registry_migrator USING (true) WITH CHECK (true);
        CREATE VIEW v AS SELECT * FROM contacts; GRANT SELECT ON v TO erp_app" => "definer-view contacts v";
    view_of_a_view: "CREATE VIEW v AS SELECT * FROM contacts; ALTER VIEW v OWNER TO postgres;
        CREATE VIEW w AS SELECT * FROM v; ALTER VIEW w OWNER TO postgres; GRANT SELECT ON w TO erp_app"
        => "definer-view contacts v";
    view_changes_an_append_only_table: "CREATE VIEW v AS SELECT * FROM audit_logs; GRANT UPDATE ON v TO erp_app"
        => "definer-view audit_logs v";
    materialized_view: "CREATE MATERIALIZED VIEW m AS SELECT * FROM contacts; GRANT SELECT ON m TO erp_app"
        => "materialized-view contacts m";
    view_of_a_materialized_view: "CREATE MATERIALIZED VIEW m AS SELECT * FROM contacts;
        CREATE VIEW v AS SELECT * FROM m; GRANT SELECT ON v TO erp_app" => "materialized-view contacts m";
    function_of_a_superuser: "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER
        AS 'SELECT count(*) FROM contacts'; ALTER FUNCTION f() OWNER TO postgres" => "definer-function contacts f()";
    function_reads_a_view: "CREATE VIEW v AS SELECT * FROM contacts; ALTER VIEW v OWNER TO postgres;
        CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM v'"
        => "definer-function contacts f()";
    function_reads_a_child: "CREATE TABLE child () INHERITS (contacts);
        CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM child';
        ALTER FUNCTION f() OWNER TO postgres" => "definer-function contacts f()";
    function_truncates_a_list: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
        AS $$ BEGIN TRUNCATE users, audit_logs; END $$" => "definer-function audit_logs f()";
    function_upserts: "CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER
        AS 'INSERT INTO audit_logs (id) VALUES (NULL) ON CONFLICT (id) DO UPDATE SET reason = NULL'"
        => "definer-function audit_logs f()";
    function_formats: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
        AS $$ BEGIN EXECUTE format('DELETE FROM %I', 'audit_logs'); END $$" => "definer-function audit_logs f()";
    function_reads_what_it_is_given: "CREATE FUNCTION f() RETURNS SETOF json LANGUAGE plpgsql SECURITY DEFINER
        AS $$ BEGIN RETURN QUERY EXECUTE 'SELECT to_json(x) FROM ' || 'contacts' || ' x'; END $$;
        ALTER FUNCTION f() OWNER TO postgres" => "definer-function contacts f()";
    function_of_a_policy: "CREATE FUNCTION is_mine(o text) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER SET search_path = public, pg_temp
        AS 'SELECT EXISTS (SELECT 1 FROM contacts WHERE org_id = o)'; ALTER FUNCTION is_mine(text) OWNER TO postgres;
        CREATE POLICY mine ON contacts FOR SELECT TO erp_app
            USING (org_id = (SELECT current_setting('app.org_id')) AND is_mine(org_id))"
        => "definer-function contacts is_mine(text)";
    procedure_deletes: "CREATE PROCEDURE p() LANGUAGE plpgsql SECURITY DEFINER
        AS $$ BEGIN DELETE FROM audit_logs; END $$" => "definer-function audit_logs p()";
    function_with_a_standard_body since 14: "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER
        BEGIN ATOMIC SELECT count(*) FROM contacts; END; ALTER FUNCTION f() OWNER TO postgres"
        => "definer-function contacts f()";
    function_deletes: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
        AS $$ BEGIN EXECUTE 'DELETE FROM public.audit_logs'; END $$" => "definer-function audit_logs f()";
    function_writes_the_tenant_that_it_is_given: "CREATE FUNCTION f(o text) RETURNS void LANGUAGE sql SECURITY DEFINER
            AS 'INSERT INTO audit_logs (id, org_id, created_at) VALUES (gen_random_uuid(), o, now())';
        ALTER FUNCTION f(text) OWNER TO postgres" => "definer-function audit_logs f(text)";
    function_empties_what_refers_to_a_table: "ALTER TABLE warehouses ADD FOREIGN KEY (parent_warehouse_id) REFERENCES users;
        CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER AS 'TRUNCATE users CASCADE'"
        => "definer-function warehouses f()";
    trigger_writes_another_tenant: "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN INSERT INTO audit_logs (id, org_id, created_at) VALUES (NEW.id, NEW.name, now()); RETURN NEW; END $$;
        ALTER FUNCTION f() OWNER TO postgres; CREATE TRIGGER t AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()"
        => "definer-function audit_logs f()";
    trigger_of_a_view_writes_what_it_is_given: "CREATE VIEW v AS SELECT id, org_id FROM audit_logs; GRANT INSERT ON v TO erp_app;
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN INSERT INTO audit_logs (id, org_id, created_at) VALUES (NEW.id, NEW.org_id, now()); RETURN NEW; END $$;
        ALTER FUNCTION f() OWNER TO postgres; CREATE TRIGGER t INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION f()"
        => "definer-function audit_logs f()";
    trigger_of_a_table_that_a_key_empties: "CREATE SCHEMA side; CREATE TABLE side.signups (user_id uuid REFERENCES users ON DELETE CASCADE);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN DELETE FROM audit_logs; RETURN OLD; END $$; REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC;
        CREATE TRIGGER t AFTER DELETE ON side.signups FOR EACH ROW EXECUTE FUNCTION f()" => "definer-function audit_logs f()";
    trigger_function_that_may_be_attached: "CREATE SCHEMA side; CREATE TABLE side.signups (id uuid);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
            AS $$ BEGIN DELETE FROM audit_logs; RETURN OLD; END $$;
        CREATE TRIGGER t AFTER DELETE ON side.signups FOR EACH ROW EXECUTE FUNCTION f()" => "definer-function audit_logs f()";
    rule_inserts: "ALTER TABLE users OWNER TO postgres; CREATE RULE r AS ON INSERT TO users DO ALSO
            INSERT INTO audit_logs (id, org_id, created_at) VALUES (NEW.id, NEW.name, now())" => "rewrite-rule audit_logs r";
    function_runs_what_it_is_given: "CREATE FUNCTION f(t text) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN EXECUTE format('TRUNCATE %I', t); END $$" => "unproven-function - f(text)";
    function_in_a_language_that_is_not_read: "CREATE FUNCTION f() RETURNS timestamptz LANGUAGE internal STABLE SECURITY DEFINER AS 'now'"
        => "unproven-function - f()";
    function_switches_policies_off: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN ALTER TABLE public.contacts DISABLE ROW LEVEL SECURITY; END $$" => "definer-function contacts f()";
    procedure_unforces_policies: "CREATE PROCEDURE p() LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN DO $x$ BEGIN ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY; END $x$; END $$" => "definer-function contacts p()";
    function_drops_a_policy: "CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER
            AS 'DROP POLICY tenant_isolation ON contacts'" => "definer-function contacts f()";
    trigger_drops_a_trigger: "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN ALTER TABLE audit_logs DISABLE TRIGGER ALL; RETURN NEW; END $$;
        CREATE TRIGGER t AFTER INSERT ON users FOR EACH ROW EXECUTE FUNCTION f()" => "definer-function audit_logs f()";
    function_frees_the_application: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN EXECUTE 'ALTER ROLE erp_app BYPASSRLS'; END $$; ALTER FUNCTION f() OWNER TO postgres"
        => "definer-function activity_costs f()";
    function_switches_triggers_off: "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN PERFORM set_config('session_replication_role', 'replica', false); END $$; ALTER FUNCTION f() OWNER TO postgres"
        => "definer-function activity_costs f()";
    function_exports_a_query: "CREATE FUNCTION f() RETURNS xml LANGUAGE sql SECURITY DEFINER
            AS $$ SELECT query_to_xml('SELECT * FROM contacts', true, true, '') $$; ALTER FUNCTION f() OWNER TO postgres"
        => "definer-function contacts f()";
    function_exports_a_table: "CREATE FUNCTION f() RETURNS xml LANGUAGE sql SECURITY DEFINER
            AS $$ SELECT table_to_xml('contacts', true, true, '') $$; ALTER FUNCTION f() OWNER TO postgres"
        => "definer-function contacts f()";
    function_runs_a_query_that_it_is_given: "CREATE FUNCTION f(q text) RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
            AS $$ SELECT word FROM ts_stat(q) $$; ALTER FUNCTION f(text) OWNER TO postgres" => "unproven-function - f(text)";
    function_reads_a_file_that_it_is_given: "CREATE FUNCTION f(name text) RETURNS text LANGUAGE sql SECURITY DEFINER
            AS $$ SELECT pg_read_file(name) $$; ALTER FUNCTION f(text) OWNER TO postgres" => "unproven-function - f(text)";
    function_that_is_a_built_in_one: "CREATE FUNCTION f(text) RETURNS text LANGUAGE internal AS 'pg_read_file_all'"
        => "unproven-function - f(text)";
    aggregate_calls_what_the_app_may_not_execute: "CREATE FUNCTION f(bigint, int) RETURNS bigint LANGUAGE sql SECURITY DEFINER
            AS 'SELECT count(*) FROM contacts'; ALTER FUNCTION f(bigint, int) OWNER TO postgres;
        REVOKE EXECUTE ON FUNCTION f(bigint, int) FROM PUBLIC;
        CREATE AGGREGATE leak(int) (SFUNC = f, STYPE = bigint); ALTER AGGREGATE leak(int) OWNER TO postgres"
        => "definer-function contacts f(bigint, integer)";
    function_reads_statistics: "CREATE FUNCTION f() RETURNS SETOF text LANGUAGE sql SECURITY DEFINER
            AS 'SELECT most_common_vals::text FROM pg_stats'; ALTER FUNCTION f() OWNER TO postgres" => "definer-function activity_costs f()";
    view_shows_statistics: "CREATE VIEW v AS SELECT stavalues1::text AS a FROM pg_statistic; ALTER VIEW v OWNER TO postgres;
        GRANT SELECT ON v TO erp_app" => "server-privilege - SELECT on v";
    app_owns_what_a_materialized_view_calls: "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION f() OWNER TO erp_app;
        CREATE MATERIALIZED VIEW m AS SELECT f()" => "app-role-owns-function - f()";
    materialized_view_of_a_function: "CREATE FUNCTION f() RETURNS SETOF contacts LANGUAGE sql AS 'SELECT * FROM public.contacts';
        CREATE MATERIALIZED VIEW m AS SELECT id FROM f(); GRANT SELECT ON m TO erp_app" => "materialized-view contacts m";
    materialized_view_of_a_query: "CREATE MATERIALIZED VIEW m AS SELECT query_to_xml('SELECT * FROM public.contacts', true, true, '') AS x;
        GRANT SELECT ON m TO erp_app" => "materialized-view contacts m";
    built_in_function_is_leakproof: "ALTER FUNCTION pg_catalog.int4div(int, int) LEAKPROOF"
        => "leakproof-function - pg_catalog.int4div(integer, integer)";
    language_is_made_trusted: "UPDATE pg_language SET lanpltrusted = true WHERE lanname = 'c'" => "server-privilege - USAGE on c";
    triggers_are_off_in_the_database: "ALTER DATABASE :DBNAME SET session_replication_role = replica"
        => "server-privilege - session_replication_role = replica";
    triggers_are_off_for_the_application: "ALTER ROLE erp_app IN DATABASE :DBNAME SET session_replication_role = replica"
        => "server-privilege - session_replication_role = replica";
    global_row_takes_rows_along: "ALTER TABLE warehouses ADD CONSTRAINT by_user FOREIGN KEY (parent_warehouse_id)
        REFERENCES users ON DELETE CASCADE" => "cross-tenant-reference warehouses by_user";
    global_key_changes_rows: "ALTER TABLE warehouses ADD CONSTRAINT by_user FOREIGN KEY (parent_warehouse_id)
        REFERENCES users ON UPDATE CASCADE" => "cross-tenant-reference warehouses by_user";
    app_owns_the_function_of_an_event_trigger: "CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
        CREATE EVENT TRIGGER e ON ddl_command_end WHEN TAG IN ('CREATE TYPE') EXECUTE FUNCTION on_ddl();
        ALTER FUNCTION on_ddl() OWNER TO erp_app" => "app-role-owns-function - on_ddl()";
    app_owns_what_a_definer_calls: "CREATE FUNCTION inner_one() RETURNS int LANGUAGE sql AS 'SELECT 1';
        ALTER FUNCTION inner_one() OWNER TO erp_app;
        CREATE FUNCTION f() RETURNS int LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS 'SELECT public.inner_one()'"
        => "app-role-owns-function - inner_one()";
    function_without_a_search_path: "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM users'"
        => "mutable-search-path - f()";
    function_that_finds_temporary_tables: "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = public
            AS 'SELECT count(*) FROM users'" => "mutable-search-path - f()";
    function_of_a_policy_that_finds_temporary_tables: "CREATE FUNCTION is_mine(o text) RETURNS boolean LANGUAGE sql STABLE
            AS $$ SELECT o = current_setting('app.org_id', true) AND EXISTS (SELECT FROM users) $$;
        CREATE POLICY mine ON contacts AS RESTRICTIVE FOR SELECT TO erp_app USING (is_mine(org_id))"
        => "mutable-search-path - is_mine(text)";
    app_owns_a_function_of_a_policy: "CREATE FUNCTION is_mine(o text) RETURNS boolean LANGUAGE sql STABLE
            AS $$ SELECT o = current_setting('app.org_id', true) $$; ALTER FUNCTION is_mine(text) OWNER TO erp_app;
        CREATE POLICY mine ON contacts AS RESTRICTIVE FOR SELECT TO erp_app USING (is_mine(org_id))"
        => "app-role-owns-function - is_mine(text)";
    app_owns_the_function_of_a_trigger: "CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
        ALTER FUNCTION stamp() OWNER TO erp_app; CREATE TRIGGER t BEFORE INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION stamp()"
        => "app-role-owns-function - stamp()";
    policy_calls_what_the_app_may_not_execute: "CREATE FUNCTION is_mine(o text) RETURNS boolean LANGUAGE sql STABLE
            AS $$ SELECT o = current_setting('app.org_id', true) $$; REVOKE EXECUTE ON FUNCTION is_mine(text) FROM PUBLIC;
        CREATE POLICY mine ON contacts AS RESTRICTIVE FOR SELECT TO erp_app USING (is_mine(org_id))"
        => "uncallable-function contacts is_mine(text)";
    policy_calls_into_a_schema_that_the_app_may_not_use: "CREATE SCHEMA h; CREATE FUNCTION h.own() RETURNS text LANGUAGE sql STABLE
            AS $$ SELECT current_setting('app.org_id', true) $$;
        CREATE FUNCTION is_mine(o text) RETURNS boolean LANGUAGE sql STABLE AS $$ SELECT o = h.own() $$;
        CREATE POLICY mine ON contacts AS RESTRICTIVE FOR SELECT TO erp_app USING (is_mine(org_id))"
        => "uncallable-function contacts h.own()";
    function_is_leakproof: "CREATE FUNCTION is_cheap(i integer) RETURNS boolean LANGUAGE plpgsql IMMUTABLE LEAKPROOF COST 0.0001
            AS $$ BEGIN RAISE NOTICE '%', i; RETURN i < 10; END $$" => "leakproof-function - is_cheap(integer)";
    view_shows_nobody_anything since 15: "CREATE VIEW v AS SELECT * FROM contacts; GRANT SELECT ON v TO erp_app"
        => "empty-view contacts v";
    view_that_the_search_path_finds_first: "CREATE SCHEMA erp_app; GRANT USAGE ON SCHEMA erp_app TO erp_app;
        CREATE VIEW erp_app.contacts AS SELECT * FROM public.contacts; GRANT SELECT ON erp_app.contacts TO erp_app"
        => "unregistered-table - erp_app.contacts";
    rule_deletes: "CREATE RULE r AS ON INSERT TO users DO ALSO DELETE FROM audit_logs"
        => "rewrite-rule audit_logs r";
    rule_with_an_odd_name: "CREATE RULE \"a DO b\" AS ON INSERT TO users DO ALSO DELETE FROM audit_logs"
        => "rewrite-rule audit_logs a DO b";

    parent_that_cannot_be_read: "REVOKE SELECT ON activity_types FROM erp_app"
        => "unreadable-parent activity_rates erp_app";
    parent_without_a_key: "ALTER TABLE activity_types DROP CONSTRAINT activity_types_pkey CASCADE"
        => "ambiguous-parent activity_rates activity_types";
    key_without_the_tenant: "ALTER TABLE activity_costs ADD CONSTRAINT by_type FOREIGN KEY (activity_type)
        REFERENCES activity_types ON DELETE RESTRICT DEFERRABLE" => "cross-tenant-reference activity_costs by_type";
    key_without_the_tenant_cascades: "ALTER TABLE activity_costs ADD CONSTRAINT by_type FOREIGN KEY (activity_type)
        REFERENCES activity_types ON DELETE CASCADE" => "cross-tenant-reference activity_costs by_type";
    key_to_the_same_table_sets_null since 15: "ALTER TABLE warehouses ADD CONSTRAINT by_parent FOREIGN KEY (parent_warehouse_id)
        REFERENCES warehouses ON DELETE SET NULL" => "cross-tenant-reference warehouses by_parent";
    key_from_a_tenant_to_a_child: "ALTER TABLE activity_costs ADD CONSTRAINT by_rate FOREIGN KEY (activity_type)
        REFERENCES activity_rates" => "cross-tenant-reference activity_costs by_rate";
    key_that_is_not_validated: "CREATE UNIQUE INDEX ON activity_types (org_id, id);
        ALTER TABLE activity_costs ADD CONSTRAINT by_type FOREIGN KEY (activity_type) REFERENCES activity_types;
        ALTER TABLE activity_costs ADD FOREIGN KEY (org_id, activity_type) REFERENCES activity_types (org_id, id) NOT VALID"
        => "cross-tenant-reference activity_costs by_type";
    policy_reads_a_setting_for_each_row: "ALTER POLICY tenant_isolation ON contacts
        USING (org_id = nullif(current_setting('app.org_id', true), ''))" => "per-row-call contacts tenant_isolation";
    policy_calls_a_function_for_each_row: "CREATE SCHEMA auth; GRANT USAGE ON SCHEMA auth TO erp_app;
        CREATE FUNCTION auth.org() RETURNS text LANGUAGE sql STABLE AS $$ SELECT current_setting('app.org_id', true) $$;
        ALTER POLICY tenant_isolation ON contacts USING (org_id = auth.org())
            WITH CHECK (org_id = auth.org() AND EXISTS (SELECT 1 FROM warehouses w WHERE w.org_id = auth.org()))"
        => "per-row-call contacts tenant_isolation";
    policy_calls_a_volatile_function: "CREATE FUNCTION is_clerk() RETURNS boolean LANGUAGE sql
            AS $$ SELECT current_setting('app.clerk', true) = 'on' $$;
        CREATE POLICY clerks ON contacts AS RESTRICTIVE FOR SELECT TO erp_app USING (is_clerk())" => "per-row-call contacts clerks";
    tenant_column_without_an_index: "DROP INDEX by_tenant; CREATE INDEX ON contacts (id, org_id);
        CREATE INDEX ON contacts (org_id) WHERE NOT is_deleted; CREATE INDEX ON contacts (lower(org_id));
        CREATE INDEX ON contacts USING brin (org_id)" => "missing-tenant-index contacts org_id";
    reference_without_an_index: "DROP INDEX activity_rates_activity_type_idx"
        => "missing-tenant-index activity_rates activity_type";

    tenant_column_is_missing: "ALTER TABLE contacts DROP COLUMN org_id CASCADE;
        CREATE POLICY own ON contacts TO erp_app USING (created_by = current_user) WITH CHECK (created_by = current_user)"
        => "missing-tenant-column contacts org_id";
    tenant_column_may_be_null: "ALTER TABLE contacts ALTER org_id DROP NOT NULL"
        => "nullable-tenant-column contacts org_id";
    column_is_missing: "ALTER TABLE contacts DROP COLUMN email" => "missing-column contacts email";
    column_is_extra: "ALTER TABLE contacts ADD COLUMN fax text" => "extra-column contacts fax";
    column_has_another_type: "ALTER TABLE contacts ALTER version TYPE bigint"
        => "column-type-mismatch contacts version";
    column_has_an_array_type: "ALTER TABLE contacts ALTER email TYPE text[] USING ARRAY[email]"
        => "column-type-mismatch contacts email";
    column_has_a_domain_over_another_type: "CREATE DOMAIN number AS bigint; CREATE DOMAIN counter AS number CHECK (VALUE > 0);
        ALTER TABLE contacts ALTER version TYPE counter" => "column-type-mismatch contacts version";
    column_may_be_null: "ALTER TABLE contacts ALTER name DROP NOT NULL" => "column-type-mismatch contacts name";
}

faults! {
    on &Server::start();

    app_is_superuser: "ALTER ROLE erp_app SUPERUSER" => "privileged-app-role - erp_app";
    app_bypasses_rls: "ALTER ROLE erp_app BYPASSRLS" => "privileged-app-role - erp_app";
    app_replicates: "ALTER ROLE erp_app REPLICATION" => "privileged-app-role - erp_app";
    app_can_become_superuser: "CREATE ROLE root SUPERUSER; GRANT root TO erp_app" => "privileged-app-role - root";
    app_can_bypass_rls_over_two_roles: "CREATE ROLE b BYPASSRLS; CREATE ROLE g NOINHERIT;
        GRANT b TO g; ALTER ROLE erp_app NOINHERIT; GRANT g TO erp_app" => "privileged-app-role - b";
    app_reads_files: "GRANT pg_read_server_files TO erp_app" => "privileged-app-role - pg_read_server_files";
    app_can_become_owner: "GRANT table_registry_migrator TO erp_app" => "app-role-owns-table - table_registry_migrator";
    update_is_granted_to_a_group: "CREATE ROLE g; GRANT g TO erp_app; GRANT UPDATE ON audit_logs TO g"
        => "append-only-privilege audit_logs g";
    update_by_set_role: "CREATE ROLE g; GRANT g TO erp_app; ALTER ROLE erp_app NOINHERIT;
        GRANT UPDATE ON audit_logs TO g" => "append-only-privilege audit_logs g";
    writes_all_data since 14: "GRANT pg_write_all_data TO erp_app" => "privileged-app-role - pg_write_all_data";
    materialized_view_for_a_group: "CREATE ROLE g; GRANT g TO erp_app;
        CREATE MATERIALIZED VIEW m AS SELECT * FROM contacts; GRANT SELECT ON m TO g" => "materialized-view contacts m";
    reads_all_data since 14: "GRANT pg_read_all_data TO erp_app" => "server-privilege - SELECT on pg_statistic";
    triggers_by_set_role: "CREATE ROLE g; GRANT g TO erp_app; ALTER ROLE erp_app NOINHERIT; GRANT TRIGGER ON contacts TO g"
        => "unbound-privilege contacts g";
    parameter_is_granted since 15: "GRANT SET ON PARAMETER session_replication_role TO erp_app"
        => "server-privilege - SET on session_replication_role";
    configuration_is_granted since 15: "GRANT ALTER SYSTEM ON PARAMETER log_statement TO PUBLIC"
        => "server-privilege - ALTER SYSTEM on log_statement";
    tenant_of_the_role: "ALTER ROLE erp_app SET app.org_id = '2'" => "default-tenant - app.org_id";
    tenant_of_a_role_that_logs_in: "ALTER ROLE reporting LOGIN; ALTER ROLE reporting SET app.org_id = '2'"
        => "default-tenant - app.org_id";
    tenant_of_all_roles: "ALTER ROLE ALL SET app.org_id = '2'" => "default-tenant - app.org_id";
    nobody_logs_in_as_the_application: "CREATE ROLE web LOGIN" => "unused-app-role - erp_app";
}

/// Such a comment does not hide the rest of the statement.
#[test]
fn a_policy_that_ends_in_a_comment() {
    if !has_server() {
        return;
    }
    let tenant = "org_id = (SELECT nullif(current_setting('app.org_id', true), '')) -- mine";
    let policy = |command: &str, using: &str, check: &str| {
        let clause = |key: &str, text: &str| match text {
            "" => String::new(),
            text => format!("{key} = \"{text}\"\n"),
        };
        let (using, check) = (clause("using", using), clause("check", check));
        format!(
            "[[tenancy.policies]]\ntable = \"contacts\"\nfor = \"{command}\"\n{using}{check}reason = \"why\"\n"
        )
    };
    let policies = [
        policy("select", tenant, ""),
        policy("insert", "", tenant),
        policy("update", tenant, tenant),
        policy("delete", tenant, ""),
    ];
    planted(
        shared(),
        &small_with("[database]\n", &format!("{}[database]\n", policies.concat())),
        "DROP POLICY tenant_isolation ON contacts",
        "missing-policy contacts -",
    );
}

#[test]
fn role_is_missing() {
    if !has_server() {
        return;
    }
    let (server, crate_) = (
        Server::start(),
        small_with("[\"erp_app\"]", "[\"erp_app\", \"worker\"]"),
    );
    let database = server.database(SMALL);
    let found = || findings(&verify_database(&crate_, &database, &[]));
    assert_eq!(lines(&found()), ["missing-app-role - worker"]);
    database.migrate(found()[0]["fix"].as_str().unwrap());
    assert_eq!(lines(&found()), ["idle-app-role - worker"]);
}

no_faults! {
    tables_of_migration_tools: "CREATE TABLE _sqlx_migrations (id uuid PRIMARY KEY); CREATE TABLE __drizzle_migrations (id int)";
    column_has_a_domain: "CREATE DOMAIN counter AS integer CHECK (VALUE > 0); ALTER TABLE contacts ALTER version TYPE counter";
    table_in_a_schema_of_no_struct: "CREATE SCHEMA other; CREATE TABLE other.free (id int)";

    view_of_its_caller_that_the_search_path_finds_first since 15: "CREATE SCHEMA erp_app; GRANT USAGE ON SCHEMA erp_app TO erp_app;
        CREATE VIEW erp_app.contacts WITH (security_invoker) AS SELECT * FROM public.contacts; GRANT SELECT ON erp_app.contacts TO erp_app";
    table_that_nobody_may_use: "DROP POLICY tenant_isolation ON contacts; REVOKE ALL ON contacts FROM erp_app";
    policy_calls_a_volatile_function_of_the_row: "CREATE FUNCTION is_mine(o text) RETURNS boolean LANGUAGE sql
            AS $$ SELECT o = current_setting('app.org_id', true) $$;
        CREATE POLICY mine ON contacts AS RESTRICTIVE FOR SELECT TO erp_app USING (is_mine(org_id))";
    trigger_that_the_application_does_not_fire: "CREATE SCHEMA side; CREATE TABLE side.signups (id uuid, user_id uuid REFERENCES users ON DELETE SET NULL);
        CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$ BEGIN
            UPDATE contacts SET is_deleted = true; EXECUTE format('DELETE FROM %I', NEW.id); RETURN NEW; END $$;
        ALTER FUNCTION f() OWNER TO postgres; CREATE TRIGGER t AFTER INSERT OR DELETE ON side.signups FOR EACH ROW EXECUTE FUNCTION f()";
    view_of_no_table: "CREATE VIEW plain AS SELECT 1 AS one; GRANT SELECT ON plain TO erp_app";
    view_of_an_owner_whom_policies_bind: "CREATE VIEW own AS SELECT * FROM contacts; GRANT SELECT ON own TO erp_app;
        CREATE POLICY reports ON contacts FOR SELECT TO table_registry_migrator
            USING (org_id = (SELECT nullif(current_setting('app.org_id', true), '')))";
    foreign_table_that_belongs_to_no_tenant: "DROP TABLE users; CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE FOREIGN TABLE users (id uuid NOT NULL, name text NOT NULL, created_at timestamp NOT NULL) SERVER s";
    template_of_partitions: "CREATE SCHEMA partman; CREATE TABLE template_public_contacts (LIKE contacts);
        CREATE TABLE partman.part_config (parent_table text, template_table text, inherit_privileges boolean);
        INSERT INTO partman.part_config VALUES ('public.contacts', 'public.template_public_contacts', false)";
    policies_that_are_meant_to_refuse: "CREATE POLICY n1 ON contacts FOR DELETE TO erp_app USING (false);
        CREATE POLICY n2 ON contacts FOR INSERT TO erp_app WITH CHECK (1 = 0); CREATE POLICY n3 ON warehouses TO erp_app USING (NULL);
        CREATE POLICY n4 ON warehouses FOR UPDATE TO erp_app USING (false) WITH CHECK (false)";
    table_that_refuses_a_command: "DROP POLICY tenant_isolation ON warehouses;
        CREATE POLICY r ON warehouses FOR SELECT TO erp_app USING (org_id = (SELECT nullif(current_setting('app.org_id', true), '')));
        CREATE POLICY a ON warehouses FOR INSERT TO erp_app WITH CHECK (false);
        CREATE POLICY w ON warehouses FOR UPDATE TO erp_app USING (false); CREATE POLICY d ON warehouses FOR DELETE TO erp_app USING (NULL)";
    triggers_of_other_names_that_refuse: "DROP TRIGGER table_registry_append_only ON audit_logs; CREATE SCHEMA guard;
        CREATE FUNCTION guard.no_changes() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            RAISE EXCEPTION 'audit_logs is append-only' USING ERRCODE = '42501'; RETURN NULL; END $$;
        CREATE TRIGGER no_update BEFORE UPDATE OR DELETE ON audit_logs FOR EACH ROW EXECUTE FUNCTION guard.no_changes();
        CREATE TRIGGER no_truncate BEFORE TRUNCATE ON audit_logs FOR EACH STATEMENT EXECUTE FUNCTION guard.no_changes()";
    trigger_function_copies_the_tenant: "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
            AS $$ BEGIN INSERT INTO audit_logs (id, org_id, reason, created_at) VALUES (gen_random_uuid(), NEW.org_id, TG_OP, now());
                RETURN NEW; END $$;
        ALTER FUNCTION note() OWNER TO postgres;
        CREATE TRIGGER note AFTER INSERT OR UPDATE ON contacts FOR EACH ROW EXECUTE FUNCTION note()";
    trigger_function_copies_the_tenants_of_a_statement: "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = public, pg_temp AS $$ BEGIN INSERT INTO audit_logs (id, org_id, created_at)
                SELECT gen_random_uuid(), added.org_id, now() FROM added; RETURN NULL; END $$;
        ALTER FUNCTION note() OWNER TO postgres;
        CREATE TRIGGER note AFTER INSERT ON contacts REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note()";
    function_that_stays_within_the_tenant: "CREATE FUNCTION archive(what uuid) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = public, pg_temp AS $$ DECLARE own text := nullif(current_setting('app.org_id', true), ''); BEGIN
                UPDATE contacts SET is_deleted = true WHERE contacts.id = what AND contacts.org_id = own;
                INSERT INTO audit_logs (id, org_id, created_at) VALUES (what, own, now()); END $$;
        ALTER FUNCTION archive(uuid) OWNER TO postgres";
    rule_that_copies_the_tenant: "CREATE RULE r AS ON INSERT TO contacts DO ALSO
            INSERT INTO audit_logs (id, org_id, created_at) VALUES (NEW.id, NEW.org_id, NEW.created_at)";
    view_that_nobody_may_read: "CREATE VIEW hidden AS SELECT * FROM contacts; ALTER VIEW hidden OWNER TO postgres";
    view_in_a_schema_that_nobody_enters: "CREATE SCHEMA inside; CREATE VIEW inside.all_contacts AS SELECT * FROM contacts;
        ALTER VIEW inside.all_contacts OWNER TO postgres; GRANT SELECT ON inside.all_contacts TO erp_app";
    view_that_asks_for_the_rights_of_its_user since 15: "CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM contacts;
        GRANT ALL ON invoker TO PUBLIC";
    view_of_an_invoker_view since 15: "CREATE VIEW invoker WITH (security_invoker) AS SELECT * FROM contacts;
        CREATE VIEW outer_view AS SELECT * FROM invoker; ALTER VIEW outer_view OWNER TO postgres; GRANT SELECT ON outer_view TO erp_app";
    view_of_an_owner_who_may_not_read: "CREATE VIEW v AS SELECT * FROM contacts; ALTER VIEW v OWNER TO backup; GRANT SELECT ON v TO erp_app";
    view_of_a_view_that_its_owner_may_not_read: "CREATE VIEW inner_view AS SELECT * FROM contacts; ALTER VIEW inner_view OWNER TO postgres;
        CREATE VIEW outer_view AS SELECT * FROM inner_view; ALTER VIEW outer_view OWNER TO backup; GRANT SELECT ON outer_view TO erp_app";
    view_for_inserts_with_a_trigger: "CREATE VIEW v AS SELECT * FROM contacts; ALTER VIEW v OWNER TO postgres; GRANT INSERT ON v TO erp_app;
        CREATE FUNCTION into_contacts() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO contacts SELECT NEW.*; RETURN NEW; END $$;
        CREATE TRIGGER t INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION into_contacts()";
    view_of_a_function_of_its_caller: "CREATE FUNCTION mine() RETURNS SETOF contacts LANGUAGE sql STABLE AS 'SELECT * FROM contacts';
        CREATE VIEW v AS SELECT * FROM mine(); ALTER VIEW v OWNER TO postgres; GRANT SELECT ON v TO erp_app";
    materialized_view_that_nobody_may_read: "CREATE MATERIALIZED VIEW hidden_copy AS SELECT * FROM contacts";

    privileges_of_a_role_that_bypasses_rls: "GRANT SELECT ON ALL TABLES IN SCHEMA public TO backup";
    privileges_of_a_member_of_the_application: "GRANT UPDATE ON audit_logs TO reporting";
    what_no_policy_binds_of_another_role: "GRANT ALL ON contacts TO clerk";
    what_no_policy_binds_of_a_table_without_tenants: "GRANT ALL ON users TO erp_app";
    copy_that_nobody_may_read: "CREATE SCHEMA archive; CREATE TABLE archive.old AS SELECT * FROM contacts; GRANT USAGE ON SCHEMA archive TO erp_app";
    view_of_a_copy_that_its_owner_may_not_read: "CREATE SCHEMA archive; CREATE TABLE archive.old AS SELECT * FROM contacts;
        CREATE VIEW v AS SELECT * FROM archive.old; ALTER VIEW v OWNER TO clerk; GRANT SELECT ON v TO erp_app";
    exempt_table_with_tenants_of_a_worker: "ALTER TABLE search_backfill_state ADD org_id text; GRANT SELECT ON search_backfill_state TO clerk";
    records_of_migrations_that_the_application_reads: "CREATE TABLE _sqlx_migrations (id int); GRANT SELECT ON _sqlx_migrations TO erp_app";
    foreign_server_without_a_mapping: "CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w;
        CREATE USER MAPPING FOR clerk SERVER s; GRANT USAGE ON FOREIGN SERVER s TO erp_app";
    settings_without_a_tenant: "ALTER DATABASE :DBNAME SET app.org_id = ''; ALTER ROLE clerk IN DATABASE :DBNAME SET app.org_id = '2';
        ALTER ROLE erp_app IN DATABASE :DBNAME SET app.locale = 'de'";
    partitions_without_privileges: "CREATE SCHEMA partman; CREATE TABLE partman.part_config (parent_table text,
            template_table text, inherit_privileges boolean);
        INSERT INTO partman.part_config VALUES ('public.contacts', 'partman.t', false), ('public.users', 'partman.t', true)";
    default_privileges_of_another_role: "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO backup";

    open_policy_of_another_role: "CREATE POLICY everything ON contacts TO backup USING (true) WITH CHECK (true)";
    policy_of_another_role_for_any_row: "CREATE POLICY sees_all ON contacts TO backup USING (id IS NOT NULL)";
    trigger_function_inserts: "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN INSERT INTO audit_logs (id) VALUES (NEW.id); RETURN NEW; END $$;
        ALTER FUNCTION note() OWNER TO postgres";
    trigger_function_changes_its_own_table: "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = public, pg_temp AS $$ BEGIN
            EXECUTE format('UPDATE %I SET version = version + 1', tg_table_name);
            INSERT INTO audit_logs (reason) VALUES ('touched'); RETURN NULL; END $$;
        CREATE TRIGGER touch AFTER INSERT ON contacts FOR EACH ROW EXECUTE FUNCTION touch()";
    trigger_function_without_a_trigger: "CREATE FUNCTION unused() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN DELETE FROM audit_logs; RETURN NULL; END $$";
    function_that_nobody_may_call: "CREATE FUNCTION shut() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM contacts';
        ALTER FUNCTION shut() OWNER TO postgres; REVOKE EXECUTE ON FUNCTION shut() FROM PUBLIC";
    function_in_a_schema_that_nobody_enters: "CREATE SCHEMA inside; CREATE FUNCTION inside.helper() RETURNS bigint LANGUAGE sql
            SECURITY DEFINER AS 'SELECT count(*) FROM public.contacts'; ALTER FUNCTION inside.helper() OWNER TO postgres";
    function_with_an_alias_named_like_a_table: "CREATE SCHEMA other; CREATE TABLE other.free (id int);
        CREATE FUNCTION count_free() RETURNS bigint LANGUAGE sql SECURITY DEFINER
            AS 'SELECT count(*) AS contacts FROM other.free'; ALTER FUNCTION count_free() OWNER TO postgres";
    function_with_a_common_table_named_like_a_table: "CREATE FUNCTION counted() RETURNS bigint LANGUAGE sql SECURITY DEFINER
            AS 'WITH contacts AS (SELECT 1) SELECT count(*) FROM contacts'; ALTER FUNCTION counted() OWNER TO postgres";
    function_that_names_a_table_in_a_message: "CREATE FUNCTION refuse() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            AS $$ BEGIN RAISE EXCEPTION 'cannot UPDATE audit_logs'; END $$";
    function_with_a_standard_body_inserts since 14: "CREATE FUNCTION add_note() RETURNS void LANGUAGE sql SECURITY DEFINER
            BEGIN ATOMIC INSERT INTO audit_logs (reason) SELECT 'why'; END";

    foreign_key_that_restricts: "CREATE TABLE _sqlx_migrations (id uuid PRIMARY KEY);
        ALTER TABLE audit_logs ADD FOREIGN KEY (batch_id) REFERENCES _sqlx_migrations ON DELETE RESTRICT";
    key_with_the_tenant: "CREATE UNIQUE INDEX ON activity_types (id, org_id);
        ALTER TABLE activity_costs ADD FOREIGN KEY (org_id, activity_type) REFERENCES activity_types (org_id, id) ON DELETE CASCADE";
    two_keys_of_which_one_holds_the_tenant: "CREATE UNIQUE INDEX ON warehouses (id, org_id);
        ALTER TABLE warehouses ADD FOREIGN KEY (parent_warehouse_id) REFERENCES warehouses,
            ADD FOREIGN KEY (org_id, parent_warehouse_id) REFERENCES warehouses (org_id, id)";
    key_to_a_system_table: "ALTER TABLE warehouses ADD FOREIGN KEY (parent_warehouse_id) REFERENCES users ON DELETE RESTRICT";
    key_to_a_system_table_from_which_nobody_deletes: "REVOKE DELETE ON users FROM erp_app;
        ALTER TABLE warehouses ADD FOREIGN KEY (parent_warehouse_id) REFERENCES users ON DELETE CASCADE";
    function_that_changes_no_protection: "CREATE FUNCTION prepare() RETURNS void LANGUAGE plpgsql SECURITY DEFINER
            SET search_path = public, pg_temp AS $$ BEGIN
            CREATE TEMP TABLE scratch (id int); CREATE INDEX ON public.contacts (name); GRANT SELECT ON public.contacts TO erp_app;
            PERFORM ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, ''b''::tsquery'); END $$";
    aggregate_of_a_harmless_function: "CREATE FUNCTION add(int, int) RETURNS int LANGUAGE sql IMMUTABLE SECURITY DEFINER AS 'SELECT $1 + $2';
        CREATE AGGREGATE total(int) (SFUNC = add, STYPE = int)";
    settings_of_another_role_and_usual_ones: "ALTER ROLE reporting IN DATABASE :DBNAME SET session_replication_role = replica;
        ALTER ROLE erp_app IN DATABASE :DBNAME SET row_security = off; ALTER ROLE erp_app IN DATABASE :DBNAME SET search_path = public";
    view_of_visible_statistics: "CREATE VIEW x AS SELECT attname, most_common_vals::text AS a FROM pg_stats;
        ALTER VIEW x OWNER TO postgres; GRANT SELECT ON x TO erp_app";
    view_that_runs_a_query_as_its_caller: "CREATE VIEW x AS SELECT query_to_xml('SELECT * FROM contacts', true, true, '') AS all_rows;
        ALTER VIEW x OWNER TO postgres; GRANT SELECT ON x TO erp_app";
    built_in_function_that_is_not_leakproof: "ALTER FUNCTION pg_catalog.texteq(text, text) NOT LEAKPROOF";
    event_trigger_of_the_owner: "CREATE FUNCTION on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
        CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION on_ddl(); DROP EVENT TRIGGER e";
    unique_key_that_leaves_the_tenant_out: "ALTER TABLE contacts ADD UNIQUE (email)";
    policy_that_calls_with_the_row: "CREATE FUNCTION is_own(o text) RETURNS boolean LANGUAGE sql STABLE
            AS $$ SELECT o = current_setting('app.org_id', true) $$;
        ALTER POLICY tenant_isolation ON contacts USING (is_own(org_id) AND created_at < now())";
    index_of_the_primary_key: "DROP INDEX by_tenant; ALTER TABLE contacts DROP CONSTRAINT contacts_pkey, ADD PRIMARY KEY (org_id, id)";

    rule_that_notifies: "CREATE RULE quiet AS ON INSERT TO users DO ALSO NOTIFY users";
    rule_that_does_nothing: "CREATE RULE never AS ON UPDATE TO audit_logs DO INSTEAD NOTHING";
    child_that_nobody_may_read: "CREATE TABLE old_contacts () INHERITS (contacts); REVOKE ALL ON old_contacts FROM erp_app";
    tenant_column_that_a_constraint_keeps_from_null: "ALTER TABLE warehouses ALTER org_id DROP NOT NULL, ADD CHECK (org_id IS NOT NULL)";
}

#[test]
fn app_creates_roles() {
    if has_server() && version() < 16 {
        planted(
            &Server::start(),
            &small(),
            "ALTER ROLE erp_app CREATEROLE",
            "privileged-app-role - erp_app",
        );
    }
}

/// The migration in the example is the output of `sql`, it can be run twice, and `--down` reverses it.
#[test]
fn sql_can_be_run_twice_and_reversed() {
    let crate_ = erp();
    let report = crate_.run(&["sql"]);
    assert_eq!(report.code, 0, "{}", report.all());
    assert_eq!(report.stdout, crate_.read("migrations/0003_table_registry.sql"));
    if !has_server() {
        return;
    }
    let database = shared().database(ERP);
    let verify = || lines(&findings(&verify_database(&crate_, &database, &[])));
    database.migrate(&report.stdout);
    assert_eq!(verify(), [""; 0]);
    database.migrate(&crate_.run(&["sql", "--down"]).stdout);
    let codes = verify();
    let count = |code: &str| codes.iter().filter(|line| line.starts_with(code)).count();
    assert_eq!(
        (
            count("rls-disabled"),
            count("append-only-privilege"),
            count("missing-trigger"),
            codes.len()
        ),
        (167, 11, 11, 189)
    );
    database.migrate(&report.stdout);
    assert_eq!(verify(), [""; 0]);
}

/// No name can become SQL: names with quotes, comments, dollar quotes, format placeholders and letters of other
/// scripts, and names of 63 bytes.
#[test]
fn hostile_names() {
    const MINE: &str = "org_id = (SELECT nullif(current_setting('app.org_id', true), '')::bigint) -- mine";
    let names = [
        "a\"b; DROP TABLE users; --",
        "it's $table_registry$ %s \\",
        "größe 表 /*",
        "x123456789_123456789_123456789_123456789_123456789_123456789_12",
    ];
    let crate_ = Crate::with(&[(
        "src/lib.rs",
        "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
    )]);
    crate_.manifest("hostile");
    let mut schema = String::from("use table_registry::table;\n");
    let mut migration = String::new();
    for (number, name) in names.iter().enumerate() {
        let _ = write!(
            schema,
            "#[table(name = {name:?})]\npub struct T{number} {{ pub org_id: i64 }}\n"
        );
        let quoted = name.replace('"', "\"\"");
        let _ = write!(
            migration,
            "CREATE TABLE \"{quoted}\" (org_id bigint NOT NULL) PARTITION BY HASH (org_id);\n\
             CREATE TABLE \"p{number}' %s\" PARTITION OF \"{quoted}\" FOR VALUES WITH (MODULUS 1, REMAINDER 0);\n\
             CREATE INDEX ON \"{quoted}\" (org_id);\n\
             GRANT ALL ON \"{quoted}\", \"p{number}' %s\" TO \"app; \"\"x\"\" 'y' %I\";\n"
        );
    }
    crate_.write("src/schema/mod.rs", &schema);
    crate_.write(
        "table-registry.toml",
        &format!(
            "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n\
             [[tenancy.policies]]\ntable = {0:?}\nfor = \"select\"\nusing = {MINE:?}\nreason = \"x\"\n\
             [[tenancy.policies]]\ntable = {0:?}\nfor = \"insert\"\ncheck = {MINE:?}\nreason = \"x\"\n\
             [database]\napp_roles = [\"app; \\\"x\\\" 'y' %I\"]\nappend_only_trigger = true\n",
            names[1]
        ),
    );
    crate_.write("revoke.toml", &format!("update_delete = {names:?}\n"));
    let report = crate_.run(&["sql"]);
    assert_eq!(report.code, 0, "{}", report.all());
    if !has_server() {
        return;
    }
    crate_.write("migrations/1.sql", &migration);
    let before = findings(&verify_migrations(&crate_, &["--format", "json"]));
    assert!(before.len() >= 4 * 3, "{before:?}");
    crate_.write("migrations/2.sql", &report.stdout);
    let report = verify_migrations(&crate_, &["--format", "json"]);
    assert_eq!(lines(&findings(&report)), [""; 0], "{}", report.all());
}

#[test]
fn a_check_that_cannot_run_is_a_failure() {
    let crate_ = Crate::shop();
    crate_.write(
        "table-registry.toml",
        "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n",
    );
    let report = crate_.run(&["verify"]);
    assert_eq!(report.code, 2);
    assert!(
        report.stderr.contains("names no role of the application"),
        "{}",
        report.all()
    );
    crate_.write(
        "table-registry.toml",
        "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n[database]\napp_roles = [\"app\"]\n",
    );
    let run = |arguments: &[&str]| {
        let mut command = program();
        for name in [
            "DATABASE_URL",
            "PGHOST",
            "PGHOSTADDR",
            "PGDATABASE",
            "PGUSER",
            "PGPASSWORD",
        ] {
            command.env_remove(name);
        }
        if Path::new("/dev/shm").is_dir() {
            command.env("TMPDIR", "/dev/shm");
        }
        Report::new(
            command
                .arg("verify")
                .args(arguments)
                .current_dir(crate_.path())
                .output()
                .unwrap(),
        )
    };
    let report = run(&[]);
    assert_eq!(report.code, 2);
    assert!(report.stderr.contains("no database is named"), "{}", report.all());
    let report = run(&["--database-url", "postgres://app:s3cret@127.0.0.1:1/shop"]);
    assert_eq!(report.code, 2);
    assert!(
        report.stderr.contains("cannot connect to the database"),
        "{}",
        report.all()
    );
    assert!(
        report.stderr.contains("named by the option `--database-url`"),
        "{}",
        report.all()
    );
    assert!(!report.all().contains("s3cret"), "{}", report.all());
    let several = [
        "postgres://app:s3cret@127.0.0.1:1/a",
        "mysql://app:s3cret@127.0.0.1/b",
    ];
    let report = run(&["--database-url", several[1], "--database-url", several[0]]);
    assert!(
        report.stderr.contains("named by `--database-url` number 1 of 2"),
        "{}",
        report.all()
    );
    assert!(!report.all().contains("s3cret"), "{}", report.all());
    for url in several {
        let mut command = program();
        command
            .env("DATABASE_URL", url)
            .arg("verify")
            .current_dir(crate_.path());
        let report = Report::new(command.output().unwrap());
        assert_eq!(report.code, 2, "{}", report.all());
        assert!(
            report
                .stderr
                .contains("named by the environment variable `DATABASE_URL`"),
            "{}",
            report.all()
        );
        assert!(!report.all().contains("s3cret"), "{}", report.all());
    }
    let report = run(&["--database-url", "postgres://app:s3cret@127.0.0.1:port/shop"]);
    assert_eq!(report.code, 2);
    assert!(!report.all().contains("s3cret"), "{}", report.all());
    if has_server() {
        crate_.write("migrations/1.sql", "CREATE TABLE other (id int)");
        let report = run(&["--migrations", "migrations"]);
        assert_eq!(report.code, 2);
        assert!(
            report.stderr.contains("none of the 2 registered tables"),
            "{}",
            report.all()
        );
        crate_.write(
            "migrations/1.sql",
            "CREATE SCHEMA billing; CREATE TABLE billing.invoices (id int); CREATE TABLE billing.audit_logs (id int)",
        );
        let report = run(&["--migrations", "migrations"]);
        assert!(
            report
                .stderr
                .contains("write `schema = \"billing\"`, which has 1 table of these names"),
            "{}",
            report.all()
        );
        crate_.write("migrations/1.sql", "\\connect postgres\nSELECT 1;");
        let report = run(&["--migrations", "migrations"]);
        assert_eq!(report.code, 2);
        assert!(
            report
                .stderr
                .contains("migration `migrations/1.sql` cannot be applied"),
            "{}",
            report.all()
        );
    }
    for (url, note) in [
        ("mysql://app:s3cret@localhost/shop", "`mysql` is not PostgreSQL"),
        ("app:s3cret@localhost/shop", "is not PostgreSQL"),
    ] {
        let report = run(&["--database-url", url]);
        assert_eq!(report.code, 2);
        assert!(report.stderr.contains(note), "{}", report.all());
        assert!(!report.all().contains("s3cret"), "{}", report.all());
    }
    crate_.write(
        "table-registry.toml",
        "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n[[tenancy.policies]]\ntable = \"audit_logs\"\n\
         for = \"select\"\nusing = \"true); DROP TABLE shop; --\"\nreason = \"x\"\n[database]\napp_roles = [\"app\"]\n",
    );
    for command in [&["sql"][..], &["verify", "--migrations", "migrations"]] {
        let report = crate_.run(command);
        assert_eq!((report.code, report.stdout.as_str()), (1, ""), "{}", report.all());
        assert!(
            report.stderr.contains("this is not one SQL expression"),
            "{}",
            report.all()
        );
        assert!(
            report.stderr.contains("table-registry.toml:7:"),
            "{}",
            report.all()
        );
    }
}

/// Paths in messages are relative to the root of the workspace, even if another directory is the current one.
#[test]
fn migrations_are_found_from_the_current_directory() {
    let table = "use table_registry::table;\n#[table]\npub struct Users { pub id: i64 }\n";
    let crate_ = Crate::workspace(&[("api", table.to_string())]);
    crate_.write(
        "api/table-registry.toml",
        "[tenancy]\nmode = \"none\"\n[database]\napp_roles = [\"app\"]\n",
    );
    crate_.write("api/migrations/README.md", "");
    let report = crate_.run_in("api", &["verify", "--migrations", "migrations"]);
    assert_eq!(report.code, 2);
    assert!(
        report.stderr.contains("`api/migrations` contains no migrations"),
        "{}",
        report.all()
    );
}

/// After a run is killed, neither its server nor the files of the server remain.
#[test]
fn a_killed_run_leaves_nothing_behind() {
    use std::os::unix::fs::PermissionsExt;
    if !has_server() {
        return;
    }
    let crate_ = erp();
    crate_.write("migrations/0004_slow.sql", "SELECT pg_sleep(600);");
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() {
        memory
    } else {
        Path::new("/tmp")
    };
    let directory = tempfile::tempdir_in(parent).unwrap();
    // If the test runs as root, the server runs as another user, who needs access.
    fs::set_permissions(directory.path(), fs::Permissions::from_mode(0o777)).unwrap();
    let mut command = program();
    command
        .args(["verify", "--migrations", "migrations"])
        .env("TMPDIR", directory.path());
    let mut run = command
        .current_dir(crate_.path())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let files = || {
        fs::read_dir(directory.path())
            .unwrap()
            .flatten()
            .map(|entry| entry.path())
    };
    let until = |what: &str, is_met: &dyn Fn() -> bool| {
        for _ in 0..1500 {
            if is_met() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("{what}: {:?}", files().collect::<Vec<_>>());
    };
    until("no server starts", &|| {
        files().any(|path| path.join("data/postmaster.pid").exists())
    });
    run.kill().unwrap();
    run.wait().unwrap();
    until("something is left", &|| files().next().is_none());
}

#[test]
fn formats_for_github_and_code_scanning() {
    if !has_server() {
        return;
    }
    let crate_ = small();
    let database = shared().database(SMALL);
    database.migrate("ALTER TABLE contacts DISABLE ROW LEVEL SECURITY");
    let url = database.url();
    let github = crate_.run(&["verify", "--database-url", &url, "--format", "github"]);
    let start =
        "::error title=rls-disabled,file=src/schema/mod.rs,line=9,col=12::row-level security of table";
    assert!(github.stdout.starts_with(start), "{}", github.stdout);

    let sarif = crate_.run(&["verify", "--database-url", &url, "--format", "sarif"]);
    let sarif: serde_json::Value = serde_json::from_str(&sarif.stdout).unwrap();
    let result = &sarif["runs"][0]["results"][0];
    assert_eq!(
        (&sarif["version"], &result["ruleId"]),
        (&"2.1.0".into(), &"rls-disabled".into())
    );
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/schema/mod.rs");
    assert_eq!(place["region"]["startLine"], 9);
}

/// An exception suppresses the finding of its own table only, and an exception that is not needed is a finding.
#[test]
fn exceptions() {
    if !has_server() {
        return;
    }
    let crate_ = small_with(
        "append_only_trigger = true\n",
        "append_only_trigger = true\n\
         [[database.allow.rls-disabled]]\ntable = \"contacts\"\nreason = \"shared\"\n\
         [[database.allow.rls-disabled]]\ntable = \"users\"\nreason = \"shared\"\n",
    );
    let database = shared().database(SMALL);
    database.migrate(
        "ALTER TABLE contacts DISABLE ROW LEVEL SECURITY; ALTER TABLE warehouses DISABLE ROW LEVEL SECURITY",
    );
    let report = verify_database(&crate_, &database, &[]);
    let expected = ["rls-disabled warehouses -", "unused-allow users -"];
    assert_eq!(lines(&findings(&report)), expected, "{}", report.all());
    assert_eq!(report.code, 1);
}

/// An exception that names an object covers no other object of its table, and a policy that it names is shown.
#[test]
fn exceptions_name_their_objects() {
    if !has_server() {
        return;
    }
    let exceptions = "append_only_trigger = true
[[database.allow.open-policy]]
table = \"contacts\"
policy = \"read_all\"
roles = [\"erp_app\"]
reason = \"an address book for everybody\"
[[database.allow.definer-function]]
table = \"audit_logs\"
function = \"purge(integer)\"
reason = \"deletes what the law says\"
";
    let crate_ = small_with("append_only_trigger = true\n", exceptions);
    let database = shared().database(SMALL);
    database.migrate(
        "CREATE POLICY read_all ON contacts FOR SELECT TO erp_app USING (true);
         CREATE FUNCTION purge(days integer) RETURNS void LANGUAGE sql SECURITY DEFINER
             SET search_path = public, pg_temp AS 'DELETE FROM audit_logs WHERE created_at < now() - make_interval(days => days)'",
    );
    let report = verify_database(&crate_, &database, &[]);
    assert_eq!(lines(&findings(&report)), [""; 0], "{}", report.all());
    let shown =
        "Allowed open-policy: policy `read_all` of table `contacts`, FOR SELECT TO erp_app USING (true)";
    assert!(report.stderr.contains(shown), "{}", report.all());
    let json: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    let allowed = &json["allowed"];
    assert_eq!(allowed[0]["object"], "purge(integer)");
    assert_eq!(allowed[0]["reason"], "deletes what the law says");
    let policy = (&allowed[1]["scope"], &allowed[1]["expression"]);
    assert_eq!(policy, (&"FOR SELECT TO erp_app".into(), &"USING (true)".into()));

    database.migrate(
        "CREATE POLICY support ON contacts FOR SELECT TO erp_app USING (true);
         CREATE FUNCTION rewrite(id uuid) RETURNS void LANGUAGE sql SECURITY DEFINER
             AS 'UPDATE audit_logs SET reason = NULL'",
    );
    let report = verify_database(&crate_, &database, &[]);
    let expected = [
        "open-policy contacts support",
        "definer-function audit_logs rewrite(uuid)",
    ];
    assert_eq!(lines(&findings(&report)), expected, "{}", report.all());
}

/// What an exception allows, `sql` leaves as it is.
#[test]
fn sql_leaves_out_what_exceptions_name() {
    if !has_server() {
        return;
    }
    let exceptions = "append_only_trigger = true
[[database.allow.append-only-privilege]]
table = \"audit_logs\"
grantee = \"erp_app\"
reason = \"deletes what the law says\"
[[database.allow.unprotected-child]]
table = \"contacts\"
relation = \"archive\"
reason = \"read by reports\"
";
    let crate_ = small_with("append_only_trigger = true\n", exceptions);
    let database = shared().database(SMALL);
    database.migrate(
        "GRANT DELETE ON audit_logs TO erp_app; GRANT UPDATE ON audit_logs TO PUBLIC;
         CREATE TABLE archive () INHERITS (contacts); GRANT SELECT ON archive TO erp_app",
    );
    let report = verify_database(&crate_, &database, &[]);
    let expected = ["append-only-privilege audit_logs PUBLIC"];
    assert_eq!(lines(&findings(&report)), expected, "{}", report.all());
    let difference = crate_.run(&["sql", "--diff", "--database-url", &database.url()]);
    assert!(difference.stdout.contains("FROM PUBLIC"), "{}", difference.all());
    assert!(!difference.stdout.contains("archive"), "{}", difference.all());
    let down = crate_.run(&["sql", "--down"]);
    assert!(!down.stdout.contains("GRANT"), "{}", down.all());
    database.migrate(&crate_.run(&["sql"]).stdout);
    let report = verify_database(&crate_, &database, &[]);
    assert_eq!(lines(&findings(&report)), [""; 0], "{}", report.all());
    let json: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(json["allowed"].as_array().unwrap().len(), 2, "{}", report.all());
}

#[test]
fn a_role_that_works_across_tenants() {
    if !has_server() {
        return;
    }
    let role = "append_only_trigger = true
[database.roles.relay]
tenants = \"all\"
tables = [\"warehouses\"]
reason = \"moves the goods of every tenant\"
";
    let crate_ = small_with("append_only_trigger = true\n", role);
    let server = Server::start();
    let database = server.database(SMALL);
    let found = |expected: &[&str]| {
        let report = verify_database(&crate_, &database, &[]);
        assert_eq!(lines(&findings(&report)), expected, "{}", report.all());
    };
    found(&["cross-tenant-role - relay"]);
    database.migrate(
        "CREATE ROLE relay; GRANT SELECT, UPDATE ON warehouses TO relay; GRANT SELECT ON contacts TO relay;
         CREATE POLICY relay ON warehouses TO relay USING (true) WITH CHECK (true)",
    );
    found(&[]);
    database.migrate("ALTER ROLE relay BYPASSRLS");
    found(&["cross-tenant-role contacts relay"]);
    database.migrate("REVOKE SELECT ON contacts FROM relay");
    found(&[]);
    database.migrate("GRANT relay TO erp_app; ALTER ROLE relay NOBYPASSRLS");
    found(&["cross-tenant-role - relay"]);
    // The policy of the role takes the place of no policy for the application.
    database.migrate("REVOKE relay FROM erp_app; DROP POLICY tenant_isolation ON warehouses");
    let difference = crate_.run(&["sql", "--diff", "--database-url", &database.url()]);
    let missing = "CREATE POLICY \"tenant_isolation\" ON \"public\".\"warehouses\"";
    assert!(difference.stdout.contains(missing), "{}", difference.all());
}

/// What Supabase and many others grant. Both the whole migration and the difference take back what no policy binds.
#[test]
fn everything_is_granted() {
    if !has_server() {
        return;
    }
    let crate_ = small();
    for command in ["sql", "sql --diff"] {
        let database = shared().database(SMALL);
        let found = || lines(&findings(&verify_database(&crate_, &database, &[])));
        database.migrate(
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO erp_app; REVOKE ALL ON search_backfill_state FROM erp_app;
             CREATE TABLE child () INHERITS (contacts);
             ALTER TABLE child ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
             GRANT ALL ON child, contacts TO PUBLIC",
        );
        let expected = [
            "unbound-privilege activity_costs erp_app",
            "unbound-privilege activity_rates erp_app",
            "unbound-privilege activity_types erp_app",
            "unbound-privilege audit_logs erp_app",
            "unbound-privilege contacts PUBLIC",
            "unbound-privilege contacts erp_app",
            "unbound-privilege warehouses erp_app",
            "append-only-privilege audit_logs erp_app",
            "unprotected-child contacts child",
        ];
        assert_eq!(found(), expected);
        let url = database.url();
        let arguments: Vec<&str> = command.split(' ').collect();
        let connection = if command.contains("diff") {
            vec!["--database-url", &url]
        } else {
            Vec::new()
        };
        database.migrate(&crate_.run(&[arguments, connection].concat()).stdout);
        assert_eq!(found(), [""; 0], "{command}");
    }
}

#[test]
fn a_materialized_view_for_all_readers() {
    if !has_server_since(14) {
        return;
    }
    let server = Server::start();
    let database = server.database(SMALL);
    database
        .migrate("CREATE MATERIALIZED VIEW m AS SELECT * FROM contacts; GRANT pg_read_all_data TO erp_app");
    let found = findings(&verify_database(&small(), &database, &[]));
    let expected = [
        "server-privilege - SELECT on pg_statistic",
        "materialized-view contacts m",
    ];
    assert_eq!(lines(&found), expected);
    database.migrate(found[1]["fix"].as_str().unwrap());
    assert_eq!(
        lines(&findings(&verify_database(&small(), &database, &[]))),
        [""; 0]
    );
}

/// No view of the catalogs shows such a setting, but the file does, and a new session has it.
#[test]
fn a_tenant_in_the_configuration_of_the_server() {
    if !has_server() {
        return;
    }
    let server = Server::start();
    let database = server.database(SMALL);
    let file = database.ask("SHOW config_file");
    database.ask(&format!(
        "COPY (SELECT 'app.org_id = 2') TO PROGRAM 'cat >> {file}'"
    ));
    let found = || lines(&findings(&verify_database(&small(), &database, &[])));
    assert_eq!(found(), ["default-tenant - app.org_id"]);
    database.ask("SELECT pg_reload_conf()");
    assert_eq!(found(), ["default-tenant - app.org_id"]);
}

/// A table that was moved, and grants that are made when the application starts.
#[test]
fn a_moved_table_and_no_grants() {
    if !has_server() {
        return;
    }
    let database = shared().database(SMALL);
    let found = || lines(&findings(&verify_database(&small(), &database, &[])));
    database.migrate(
        "CREATE SCHEMA archive; GRANT USAGE ON SCHEMA archive TO erp_app; ALTER TABLE contacts SET SCHEMA archive",
    );
    assert_eq!(found(), ["missing-table contacts -"]);
    database.migrate(
        "ALTER TABLE archive.contacts SET SCHEMA public;
         REVOKE ALL ON activity_costs, activity_rates, activity_types, audit_logs, contacts, warehouses FROM erp_app",
    );
    assert!(
        found().contains(&"idle-app-role - erp_app".to_string()),
        "{:?}",
        found()
    );
}

/// Exceptions name one privilege, one setting, or one table.
#[test]
fn exceptions_to_ways_around() {
    if !has_server() {
        return;
    }
    let exception = |check: &str, subject: &str, object: &str| {
        format!("[[database.allow.{check}]]\n{subject}\n{object}\nreason = \"reviewed\"\n")
    };
    let exceptions = [
        exception(
            "unbound-privilege",
            "table = \"contacts\"",
            "grantee = \"erp_app\"",
        ),
        exception(
            "server-privilege",
            "role = \"erp_app\"",
            "privilege = \"EXECUTE on pg_read_file(text)\"",
        ),
        exception(
            "create-privilege",
            "role = \"erp_app\"",
            "privilege = \"CREATE on schema public\"",
        ),
        exception("default-tenant", "role = \"erp_app\"", "setting = \"app.org_id\""),
        exception(
            "bookkeeping-privilege",
            "role = \"erp_app\"",
            "relation = \"_sqlx_migrations\"",
        ),
        exception(
            "exempt-tenant-table",
            "role = \"erp_app\"",
            "relation = \"search_backfill_state\"",
        ),
    ];
    let trigger = "append_only_trigger = true\n";
    let crate_ = small_with(trigger, &format!("{trigger}{}", exceptions.concat()));
    let database = shared().database(SMALL);
    database.migrate(
        "GRANT TRUNCATE ON contacts, warehouses TO erp_app;
         GRANT EXECUTE ON FUNCTION pg_read_file(text), pg_ls_dir(text) TO erp_app;
         GRANT CREATE ON SCHEMA public TO erp_app; GRANT CREATE ON DATABASE :DBNAME TO erp_app;
         ALTER DATABASE :DBNAME SET app.org_id = '2';
         CREATE TABLE _sqlx_migrations (id int); CREATE TABLE schema_migrations (id int);
         GRANT DELETE ON _sqlx_migrations, schema_migrations TO erp_app;
         ALTER TABLE search_backfill_state ADD org_id text; GRANT SELECT ON search_backfill_state TO erp_app",
    );
    let report = verify_database(&crate_, &database, &[]);
    let expected = [
        "server-privilege - EXECUTE on pg_ls_dir(text)",
        "create-privilege - CREATE on database",
        "bookkeeping-privilege - schema_migrations",
        "unbound-privilege warehouses erp_app",
    ];
    assert_eq!(lines(&findings(&report)), expected, "{}", report.all());
    let kept = crate_.run(&["sql"]);
    let contacts = "REVOKE TRUNCATE, REFERENCES, TRIGGER ON TABLE \"public\".\"contacts\" FROM PUBLIC;";
    assert!(kept.stdout.contains(contacts), "{}", kept.stdout);
}

fn small_with_levels(levels: &str) -> Crate {
    small_with(
        "[database]\n",
        &format!("[database.levels]\n{levels}\n[database]\n"),
    )
}

#[test]
fn levels_of_checks() {
    if !has_server() {
        return;
    }
    let crate_ = small_with_levels("missing-tenant-index = \"deny\"\nextra-column = \"allow\"\n");
    let database = shared().database(SMALL);
    database.migrate("DROP INDEX by_tenant; ALTER TABLE contacts ADD COLUMN fax text");
    let report = verify_database(&crate_, &database, &[]);
    let expected = ["missing-tenant-index contacts org_id"];
    assert_eq!(lines(&findings(&report)), expected, "{}", report.all());
    assert_eq!(report.code, 1);
}

#[test]
fn unique_key_without_the_tenant() {
    if has_server() {
        planted(
            shared(),
            &small_with_levels("cross-tenant-unique = \"warn\"\n"),
            "ALTER TABLE contacts ADD UNIQUE (email)",
            "cross-tenant-unique contacts contacts_email_key",
        );
    }
}

/// A database that lacks everything, then nothing, then three things.
#[test]
fn the_diff_with_a_database() {
    if !has_server() {
        return;
    }
    let server = Server::start();
    let crate_ = erp();
    server.run("postgres", "CREATE ROLE owner");
    server.run("postgres", "CREATE DATABASE erp OWNER owner");
    // Before PostgreSQL 15, the schema is not that of the owner.
    server.run("erp", "ALTER SCHEMA public OWNER TO owner");
    for migration in ["0001_schema.sql", "0002_app_role.sql"] {
        server.run(
            "erp",
            &format!(
                "SET ROLE owner; {}",
                crate_.read(&format!("migrations/{migration}"))
            ),
        );
    }
    let url = server.url("erp");
    let difference = || crate_.run(&["sql", "--diff", "--database-url", &url]);
    let check = || crate_.run(&["verify", "--database-url", &url, "--format", "json"]);

    let report = difference();
    assert_eq!(report.code, 1, "{}", report.all());
    assert!(findings(&check()).len() > 175);
    server.run("erp", &format!("SET ROLE owner; {}", report.stdout));
    assert_eq!(difference().all(), "-- exit 0\n");
    assert_eq!(lines(&findings(&check())), [""; 0]);

    server.run(
        "erp",
        "ALTER POLICY tenant_isolation ON contacts USING (org_id = 'a');
         GRANT UPDATE (reason) ON audit_logs TO PUBLIC;
         CREATE TABLE child () INHERITS (warehouses)",
    );
    let report = difference();
    for line in [
        "REVOKE UPDATE (\"reason\") ON TABLE \"public\".\"audit_logs\" FROM PUBLIC;",
        "CREATE POLICY \"tenant_isolation\" ON \"public\".\"contacts\" TO \"erp_app\"",
        "ALTER TABLE \"public\".\"child\" FORCE ROW LEVEL SECURITY;",
    ] {
        assert!(report.stdout.contains(line), "{}", report.all());
    }
    // The first one limits the time that the others wait for a lock.
    assert_eq!(report.stdout.matches(';').count(), 7, "{}", report.all());
    server.run("erp", &report.stdout);
    assert_eq!(difference().all(), "-- exit 0\n");
}

/// Where the owner ignores policies, and where nobody may use a table, there is nothing to do.
#[test]
fn the_diff_where_nothing_would_be_safer() {
    if !has_server() {
        return;
    }
    let server = Server::start();
    let (database, crate_) = (server.database(SMALL), small());
    database.migrate(
        "ALTER TABLE contacts NO FORCE ROW LEVEL SECURITY;
         DROP POLICY tenant_isolation ON warehouses; REVOKE ALL ON warehouses FROM erp_app",
    );
    let url = database.url();
    let difference = || crate_.run(&["sql", "--diff", "--database-url", &url]);
    let found = || lines(&findings(&verify_database(&crate_, &database, &["--probe"])));
    let force = "ALTER TABLE \"public\".\"contacts\" FORCE ROW LEVEL SECURITY;";
    assert!(difference().stdout.contains(force));
    assert_eq!(found(), ["rls-not-forced contacts table_registry_migrator"]);
    database.migrate("ALTER ROLE table_registry_migrator BYPASSRLS");
    assert_eq!(difference().all(), "-- exit 0\n");
    assert_eq!(found(), [""; 0]);
    // What sees no database asks for all of it.
    assert!(crate_.run(&["sql"]).stdout.contains(force));
    database.migrate("GRANT SELECT (id) ON warehouses TO erp_app");
    assert!(difference().stdout.contains("CREATE POLICY"));
    assert_eq!(found()[0], "missing-policy warehouses -");
}

/// If the server dies during the checks, the run fails; it never passes. A lock makes the checks wait halfway.
#[test]
fn a_server_that_dies() {
    if !has_server() {
        return;
    }
    let mut server = Server::start();
    let crate_ = erp();
    let mut command = server.psql("postgres");
    command.args([
        "-c",
        "BEGIN; LOCK pg_policy IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)",
    ]);
    let mut lock = command.stderr(Stdio::null()).spawn().unwrap();
    let waiting = |how: &str| {
        let query = format!("SELECT count(*) FROM pg_stat_activity WHERE {how} AND pid <> pg_backend_pid()");
        let count = || {
            server
                .psql("postgres")
                .args(["-At", "-c", &query])
                .output()
                .unwrap()
                .stdout
        };
        for _ in 0..500 {
            if count() == b"1\n" {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("no session: {how}");
    };
    waiting("query LIKE '%pg_sleep%'");
    let url = server.url("postgres");
    let mut command = program();
    command
        .args(["verify", "--database-url", &url])
        .current_dir(crate_.path());
    let check = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    waiting("wait_event_type = 'Lock'");
    server.stop();
    let report = Report::new(check.wait_with_output().unwrap());
    lock.wait().unwrap();
    assert_eq!((report.code, report.stdout.as_str()), (2, ""), "{}", report.all());
    let first = report.stderr.lines().next().unwrap_or_default();
    assert!(
        first.starts_with("error: ") && first.ends_with(" cannot be read from the database"),
        "{}",
        report.all()
    );
    assert!(!report.all().contains("s3cret"), "{}", report.all());
}

/// Probes every table of the ERP example.
#[test]
fn probe_of_migrations() {
    if !has_server() {
        return;
    }
    let report = verify_migrations(&erp(), &["--probe", "--format", "json"]);
    assert_eq!(lines(&findings(&report)), [""; 0], "{}", report.all());
    assert!(
        report.stderr.contains("of which the server allowed 0"),
        "{}",
        report.all()
    );
}

fn probed(sql: &str) -> Vec<serde_json::Value> {
    let database = shared().database(SMALL);
    database.migrate(sql);
    findings(&verify_database(&small(), &database, &["--probe"]))
}

#[test]
fn the_probe_confirms_the_catalogs() {
    if !has_server() {
        return;
    }
    let found = probed(
        "GRANT UPDATE (reason) ON audit_logs TO erp_app; DROP TRIGGER table_registry_append_only ON audit_logs",
    );
    let expected = [
        "append-only-privilege audit_logs erp_app",
        "missing-trigger audit_logs -",
    ];
    assert_eq!(lines(&found), expected);
    let facts = found[0]["facts"].to_string();
    assert!(
        facts.contains("probe: the server let role `erp_app` run UPDATE of `reason` on table `audit_logs`"),
        "{facts}"
    );
}

/// In a database that others use, the probe runs nothing that could write, not even as the connecting role.
#[test]
fn the_probe_of_a_live_database_writes_nothing() {
    if !has_server() {
        return;
    }
    let server = Server::start();
    let database = server.database(SMALL);
    database.migrate(
        "CREATE TABLE log (x text);
         CREATE FUNCTION is_own(text) RETURNS boolean LANGUAGE plpgsql AS $$
            BEGIN INSERT INTO log VALUES (current_user); RETURN true; END $$;
         ALTER POLICY tenant_isolation ON contacts USING (is_own(org_id));
         CREATE ROLE ci LOGIN PASSWORD 's3cret' IN ROLE erp_app;
         GRANT INSERT ON log TO erp_app;
         ALTER DATABASE current_database_name SET log_min_duration_statement = 1000"
            .replace(
                "current_database_name",
                &database.ask("SELECT current_database()"),
            )
            .as_str(),
    );
    let row = "INSERT INTO contacts SELECT (jsonb_populate_record(NULL::contacts, '{
             \"id\": \"00000000-0000-0000-0000-000000000000\", \"org_id\": \"a\", \"created_at\": \"2000-01-01\",
             \"updated_at\": \"2000-01-01\", \"created_by\": \"a\", \"version\": 1,
             \"is_deleted\": false, \"custom_data\": {}, \"name\": \"a\"}')).*";
    database.migrate(row);
    let url = database.url().replace("//postgres:", "//ci:");
    let report = small().run(&["verify", "--probe", "--format", "json", "--database-url", &url]);
    let codes = findings(&report);
    assert!(
        codes.iter().any(|one| one["code"] == "probe-failed"),
        "{}",
        report.all()
    );
    assert_eq!(database.ask("SELECT count(*) FROM log"), "0");
}

/// The probe finds it even if the table is empty.
#[test]
fn the_probe_shows_what_a_policy_that_cannot_be_judged_does() {
    if !has_server() {
        return;
    }
    let opened = "CREATE FUNCTION yes(text) RETURNS boolean LANGUAGE plpgsql STABLE
             AS $$ BEGIN PERFORM 1; RETURN true; END $$;
         ALTER POLICY tenant_isolation ON contacts USING (yes(org_id));";
    let row = "INSERT INTO contacts SELECT (jsonb_populate_record(NULL::contacts, '{
             \"id\": \"00000000-0000-0000-0000-000000000000\", \"org_id\": \"a\", \"created_at\": \"2000-01-01\",
             \"updated_at\": \"2000-01-01\", \"created_by\": \"a\", \"version\": 1,
             \"is_deleted\": false, \"custom_data\": {}, \"name\": \"a\"}')).*";
    for (rows, read) in [
        ("", "SELECT, UPDATE, DELETE without a tenant (on made-up rows)"),
        (
            row,
            "SELECT without a tenant; SELECT, UPDATE, DELETE without a tenant (on made-up rows)",
        ),
    ] {
        let found = probed(&format!("{opened} {rows}"));
        assert_eq!(lines(&found), ["unproven-policy contacts tenant_isolation"]);
        let fact = format!("probe: the server let role `erp_app` run {read}");
        let facts = found[0]["facts"].as_array().unwrap();
        let last = facts.last().unwrap().as_str().unwrap();
        assert!(
            last.starts_with(&fact) && last.ends_with("on table `contacts`"),
            "{last}"
        );
    }
}
