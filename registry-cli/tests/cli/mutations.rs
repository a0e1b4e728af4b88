//! Faults planted in the migrations of a schema with every shape of tenancy: each is found by its code, and the probe
//! shows it where made-up rows can.

use crate::harness::Crate;
use crate::tenancy::{POLICY, crate_, migrations};
use crate::verify::{findings, has_server, verify_migrations};

const TENANT: &str = "(SELECT nullif(current_setting('app.org_id', true), '')::uuid)";

/// The findings after a change: code, table and object, and whether the probe showed it.
fn found(change: &str) -> Vec<(String, bool)> {
    found_in(&crate_(), change)
}

fn found_in(crate_: &Crate, change: &str) -> Vec<(String, bool)> {
    migrations(crate_);
    crate_.write("migrations/4_change.sql", &change.replace("TENANT", TENANT));
    let report = verify_migrations(crate_, &["--probe", "--format", "json"]);
    let found = findings(&report);
    let rows = found.iter().map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or("-").to_string();
        let code = format!("{} {} {}", text("code"), text("table"), text("object"));
        (code, one["facts"].to_string().contains("probe: "))
    });
    rows.collect()
}

/// One test for each change: what is found, and whether the probe shows it.
macro_rules! mutations {
    ($($name:ident: $change:literal => $expected:literal, $by_probe:literal;)*) => {
        $(
            #[test]
            fn $name() {
                if has_server() {
                    assert_eq!(found($change), [($expected.to_string(), $by_probe)]);
                }
            }
        )*
    };
}

mutations! {
    a_key_gives_rows_to_everybody:
        "ALTER TABLE announcements ADD CONSTRAINT of_org FOREIGN KEY (org_id) REFERENCES tenants (id) ON DELETE SET NULL NOT VALID"
        => "cross-tenant-reference announcements of_org", false;
    a_policy_is_dropped: "DROP POLICY tenant_isolation ON invoices" => "missing-policy invoices -", false;
    a_branch_is_widened:
        "ALTER POLICY tenant_isolation ON invoices USING (org_id = TENANT OR total IS NOT NULL)"
        => "open-policy invoices tenant_isolation", true;
    the_parent_is_taken_out: "ALTER POLICY tenant_isolation ON tasks USING (project_id IS NOT NULL)"
        => "open-policy tasks tenant_isolation", true;
    a_comparison_is_turned: "ALTER POLICY tenant_isolation ON invoices USING (org_id <= TENANT)"
        => "open-policy invoices tenant_isolation", true;
    another_setting:
        "ALTER POLICY tenant_isolation ON invoices USING (org_id::text = coalesce((SELECT current_setting('app.tenant_id', true)), org_id::text))"
        => "open-policy invoices tenant_isolation", true;
    null_opens:
        "ALTER POLICY tenant_isolation ON invoices USING ((SELECT nullif(current_setting('app.org_id', true), '')) IS NULL OR org_id = TENANT)"
        => "open-policy invoices tenant_isolation", true;
    a_policy_for_one_command: "CREATE POLICY more ON outbox FOR DELETE TO app USING (event IS NOT NULL)"
        => "open-policy outbox more", true;
    rows_may_be_given_away: "ALTER POLICY tenant_isolation ON invoices WITH CHECK (org_id IS NOT NULL)"
        => "open-policy invoices tenant_isolation", true;
    shared_rows_are_written: "CREATE POLICY more ON announcements FOR UPDATE TO app USING (org_id IS NULL)"
        => "open-policy announcements more", true;
    row_security_is_off: "ALTER TABLE invoices DISABLE ROW LEVEL SECURITY" => "rls-disabled invoices -", true;
    a_partition_is_open: "ALTER TABLE measurements_2026_01 DISABLE ROW LEVEL SECURITY"
        => "unprotected-child measurements measurements_2026_01", true;
    a_privilege_on_evidence: "GRANT UPDATE ON audit_logs TO app"
        => "append-only-privilege audit_logs app", false;
    a_trigger_is_dropped: "DROP TRIGGER table_registry_append_only ON audit_logs"
        => "missing-trigger audit_logs -", false;
    a_role_that_ignores_policies: "ALTER ROLE app BYPASSRLS" => "privileged-app-role - app", true;
    the_owner_is_not_bound: "ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY"
        => "rls-not-forced invoices table_registry_migrator", false;
    a_policy_reads_its_own_table:
        "CREATE POLICY more ON invoices AS RESTRICTIVE TO app USING (EXISTS (SELECT FROM invoices i WHERE i.total = invoices.total))"
        => "recursive-policy invoices more", true;
    a_parent_that_cannot_be_read: "REVOKE SELECT ON projects FROM app; REVOKE SELECT (id, org_id) ON projects FROM app"
        => "unreadable-parent comments app", true;
    // An error is no refusal.
    a_function_that_the_role_may_not_call:
        "CREATE SCHEMA auth; CREATE FUNCTION auth.org() RETURNS uuid LANGUAGE sql STABLE AS $$ SELECT TENANT $$;
         REVOKE EXECUTE ON FUNCTION auth.org() FROM PUBLIC;
         ALTER POLICY tenant_isolation ON invoices USING (org_id = (SELECT auth.org()))"
        => "uncallable-function invoices auth.org()", true;
    an_expression_that_fails:
        "ALTER POLICY tenant_isolation ON invoices USING (org_id = TENANT AND 1 / (SELECT 0) = 1)"
        => "probe-failed invoices app", false;
    a_table_that_only_another_role_may_use:
        "CREATE ROLE inner_app; ALTER ROLE app NOINHERIT; GRANT inner_app TO app; REVOKE ALL ON outbox FROM app;
         GRANT SELECT, INSERT ON outbox TO inner_app; ALTER POLICY tenant_isolation ON outbox TO app, inner_app"
        => "probe-untried outbox -", false;
    a_policy_for_what_may_be_used_after_all: "DROP POLICY tenant_isolation ON outbox; REVOKE ALL ON outbox FROM app; GRANT INSERT (event) ON outbox TO app"
        => "missing-policy outbox -", false;
}

/// The server refuses, which is what it should do.
#[test]
fn a_table_that_nobody_may_use() {
    if !has_server() {
        return;
    }
    assert_eq!(found("REVOKE ALL ON outbox FROM app"), []);
    assert_eq!(
        found("DROP POLICY tenant_isolation ON outbox; REVOKE ALL ON outbox FROM app"),
        []
    );
}

/// The role that the policy file names logs in, and is not one of the application.
#[test]
fn an_owner_that_logs_in() {
    if !has_server() {
        return;
    }
    let crate_ = crate_();
    let policy = POLICY.replace(
        "[database]\n",
        "[database]\nowner = \"deployer\"\nsetup = [\"roles.sql\"]\n",
    );
    assert!(policy.contains("deployer"));
    crate_.write("table-registry.toml", &policy);
    crate_.write(
        "roles.sql",
        "CREATE ROLE deployer LOGIN; CREATE ROLE app NOLOGIN;",
    );
    assert_eq!(found_in(&crate_, "SELECT 1"), []);
    crate_.write(
        "roles.sql",
        "CREATE ROLE deployer LOGIN; CREATE ROLE app NOLOGIN; CREATE ROLE web LOGIN;",
    );
    assert_eq!(
        found_in(&crate_, "SELECT 1"),
        [("unused-app-role - app".to_string(), false)]
    );
}

/// A row that cannot be made up is an error with the constraint, and a value in the policy file helps.
#[test]
fn a_value_that_nobody_can_guess() {
    if !has_server() {
        return;
    }
    let domain = "CREATE DOMAIN iban AS text CHECK (value ~ '^CH[0-9]{19}$'); ALTER TABLE projects ALTER COLUMN name TYPE iban";
    let crate_ = crate_();
    assert_eq!(
        found_in(&crate_, domain),
        [("probe-untried projects -".to_string(), false)]
    );
    let value = "\n[database.probe]\n\"projects.name\" = \"'CH9300762011623852957'\"\n";
    crate_.write("table-registry.toml", &format!("{POLICY}{value}"));
    assert_eq!(found_in(&crate_, domain), []);
}

#[test]
fn a_value_for_a_column_that_is_not_there() {
    if !has_server() {
        return;
    }
    let crate_ = crate_();
    crate_.write(
        "table-registry.toml",
        &format!("{POLICY}\n[database.probe]\n\"projects.nam\" = \"'x'\"\n"),
    );
    assert_eq!(
        found_in(&crate_, "SELECT 1"),
        [("probe-untried projects -".to_string(), false)]
    );
}

/// Rows that migrations add are not those of the probe.
#[test]
fn rows_of_migrations() {
    if !has_server() {
        return;
    }
    let seeds = "
        ALTER TABLE tenants NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE projects NO FORCE ROW LEVEL SECURITY;
        ALTER TABLE announcements NO FORCE ROW LEVEL SECURITY;
        SET session_replication_role = replica;
        INSERT INTO tenants SELECT '00000000-0000-4000-8000-000000000002', 'a';
        INSERT INTO users VALUES (1, 'a'), (2, 'b');
        INSERT INTO projects VALUES (1, '00000000-0000-4000-8000-000000000001', 'a');
        INSERT INTO announcements VALUES (1000, NULL, 'welcome');
        RESET session_replication_role;
        ALTER TABLE tenants FORCE ROW LEVEL SECURITY;
        ALTER TABLE projects FORCE ROW LEVEL SECURITY;
        ALTER TABLE announcements FORCE ROW LEVEL SECURITY;";
    assert_eq!(found(seeds), []);
}

/// What is in the way of a row, and says nothing about tenants, is taken away in the throwaway server.
#[test]
fn constraints_triggers_and_types() {
    if !has_server() {
        return;
    }
    let change = "
        CREATE TYPE state AS ENUM ('open', 'closed');
        CREATE DOMAIN final_state AS state CHECK (value <> 'open');
        CREATE TYPE price AS (amount numeric, currency text);
        CREATE DOMAIN positive_price AS price CHECK ((value).amount IS NULL OR (value).amount > 0);
        CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no rows here'; END $$;
        ALTER TABLE invoices
            ADD CHECK (total > 1000000), ADD state state NOT NULL, ADD many text[] NOT NULL, ADD period tstzrange NOT NULL,
            ADD address inet NOT NULL, ADD code varchar(2) NOT NULL UNIQUE, ADD is_open boolean NOT NULL,
            ADD double bigint GENERATED ALWAYS AS (total * 2) STORED, ADD number bigint GENERATED ALWAYS AS IDENTITY,
            ADD final final_state NOT NULL, ADD price price NOT NULL, ADD positive positive_price NOT NULL, ADD prices price[] NOT NULL,
            ADD at timestamptz NOT NULL, ADD data jsonb NOT NULL, ADD place point NOT NULL,
            ADD EXCLUDE USING gist (period WITH &&);
        CREATE TRIGGER refuse BEFORE INSERT ON outbox EXECUTE FUNCTION refuse();
        ALTER TABLE invoices NO FORCE ROW LEVEL SECURITY;
        UPDATE invoices SET total = total;
        ALTER TABLE invoices FORCE ROW LEVEL SECURITY;";
    let others: Vec<String> = found(change)
        .into_iter()
        .map(|(code, _)| code)
        .filter(|code| !code.starts_with("extra-column "))
        .collect();
    assert_eq!(others, [""; 0]);
}

/// Leaky policies, each on a table of its own, and whether made-up rows show the leak. The others need a value, a setting
/// or an identity that nobody would make up without looking at the policy.
const LEAKS: &[(&str, bool)] = &[
    ("USING (org_id >= TENANT)", true),
    ("USING (org_id <= TENANT)", true),
    ("USING (org_id <> TENANT)", true),
    (
        "USING (org_id IS NOT NULL AND current_setting('app.org_id', true) <> '')",
        true,
    ),
    ("USING (org_id = TENANT OR body IS NOT NULL)", true),
    (
        "USING (CASE WHEN body IS NULL THEN true ELSE org_id = TENANT END)",
        true,
    ),
    ("USING (valid_until > now())", false),
    ("USING (lower(status) = 'public')", false),
    ("USING (author = current_user)", false),
    ("USING (session_user = 'app' AND org_id IS NOT NULL)", true),
    ("USING (auth.org() IS NULL OR org_id = auth.org())", true),
    (
        "USING (org_id = current_setting('app.tenant_id', true)::bigint)",
        false,
    ),
    (
        "USING (org_id = TENANT OR current_setting('app.org_id', true) = '1')",
        false,
    ),
    (
        "USING (org_id::text LIKE current_setting('app.org_id', true) || '%')",
        true,
    ),
    (
        "USING (EXISTS (SELECT FROM projects p WHERE p.org_id = TENANT))",
        true,
    ),
    ("FOR DELETE USING (org_id = TENANT OR body IS NOT NULL)", true),
    ("FOR INSERT WITH CHECK (org_id IS NOT NULL)", true),
    (
        "FOR UPDATE USING (org_id = TENANT) WITH CHECK (org_id IS NOT NULL)",
        true,
    ),
];

#[test]
fn leaks_that_made_up_rows_show() {
    if !has_server() {
        return;
    }
    let tenant = "(SELECT nullif(current_setting('app.org_id', true), '')::bigint)";
    let leaks = || LEAKS.iter().enumerate();
    let structs = leaks().map(|(at, _)| {
        format!(
            "#[table(name = \"leak_{at:02}\")] pub struct Leak{at} {{ pub id: i64, pub org_id: i64, pub body: Option<String>, \
             pub status: String, pub author: String, pub valid_until: Timestamp }}\n"
        )
    });
    let tables = leaks().map(|(at, (policy, _))| {
        let policy = policy.replace("TENANT", tenant);
        let (command, expression) = match policy.strip_prefix("FOR ").and_then(|rest| rest.split_once(' ')) {
            Some((command, expression)) => (format!("FOR {command}"), expression.to_string()),
            None => (String::new(), policy),
        };
        format!(
            "CREATE TABLE leak_{at:02} (id bigint PRIMARY KEY, org_id bigint NOT NULL, body text, status text NOT NULL,
                 author text NOT NULL, valid_until timestamptz NOT NULL);
             ALTER TABLE leak_{at:02} ENABLE ROW LEVEL SECURITY; ALTER TABLE leak_{at:02} FORCE ROW LEVEL SECURITY;
             CREATE POLICY leak ON leak_{at:02} {command} TO app {expression};\n"
        )
    });
    let schema = SCHEMA_OF_LEAKS.to_string() + &structs.collect::<String>();
    let grants = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;";
    let sql = SQL_OF_LEAKS.to_string() + &tables.collect::<String>() + grants;
    let crate_ = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        ("src/schema/mod.rs", &schema),
        (
            "table-registry.toml",
            "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n[database]\napp_roles = [\"app\"]\n",
        ),
        ("revoke.toml", ""),
    ]);
    crate_.manifest("leaks");
    crate_.write("migrations/1_leaks.sql", &sql);
    let report = verify_migrations(&crate_, &["--probe", "--format", "json"]);
    let found = findings(&report);
    let shown = LEAKS.iter().enumerate().map(|(at, (policy, _))| {
        let table = format!("leak_{at:02}");
        let mut open = found
            .iter()
            .filter(|one| one["code"] == "open-policy" && one["table"] == table);
        let finding = open
            .next()
            .unwrap_or_else(|| panic!("{policy} is not found: {}", report.all()));
        (*policy, finding["facts"].to_string().contains("probe: "))
    });
    assert_eq!(shown.collect::<Vec<_>>(), LEAKS);
}

const SCHEMA_OF_LEAKS: &str =
    "use table_registry::table;\n#[table] pub struct Projects { pub id: i64, pub org_id: i64 }\n";

const SQL_OF_LEAKS: &str = "CREATE ROLE app;
    CREATE TABLE projects (id bigint PRIMARY KEY, org_id bigint NOT NULL);
    ALTER TABLE projects ENABLE ROW LEVEL SECURITY; ALTER TABLE projects FORCE ROW LEVEL SECURITY;
    CREATE POLICY tenant_isolation ON projects TO app
        USING (org_id = (SELECT nullif(current_setting('app.org_id', true), '')::bigint));
    CREATE SCHEMA auth;
    CREATE FUNCTION auth.org() RETURNS bigint LANGUAGE sql STABLE
        AS $$ SELECT nullif(current_setting('app.org_id', true), '')::bigint $$;\n";
