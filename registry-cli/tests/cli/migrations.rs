//! Migrations, run as production runs them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::harness::{Crate, Report, program};
use crate::server::{binaries, version};
use crate::verify::{findings, has_server, verify_migrations};

const SCHEMA: &str = "
use table_registry::table;

#[table]
pub struct Projects { pub id: i64, pub org_id: i64, pub name: String }
";

const POLICY: &str = "
[tenancy]
column = \"org_id\"
setting = \"app.org_id\"

[database]
app_roles = [\"app\"]
owner = \"app_owner\"
";

const TABLES: &str =
    "CREATE TABLE projects (id bigint PRIMARY KEY, org_id bigint NOT NULL, name text NOT NULL);
CREATE INDEX ON projects (org_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON projects TO app;
";

/// A crate whose first migration makes the table, and whose second one is that of the registry.
fn shop() -> Crate {
    let made = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        ("src/schema/mod.rs", SCHEMA),
        ("table-registry.toml", POLICY),
        ("revoke.toml", ""),
        ("migrations/1_tables.sql", TABLES),
    ]);
    made.manifest("shop");
    made.write("migrations/2_registry.sql", &made.run(&["sql"]).stdout);
    made
}

/// A crate, and the policy file with a change.
fn change_policy(crate_: &Crate, from: &str, to: &str) {
    let text = crate_.read("table-registry.toml");
    assert!(text.contains(from));
    crate_.write("table-registry.toml", &text.replacen(from, to, 1));
}

fn codes(report: &Report) -> Vec<String> {
    let all = findings(report);
    let line = |one: &serde_json::Value| {
        let text = |key: &str| one[key].as_str().unwrap_or("-").to_string();
        format!("{} {} {}", text("code"), text("table"), text("object"))
    };
    all.iter().map(line).collect()
}

fn verify(crate_: &Crate, more: &[&str]) -> Report {
    verify_migrations(crate_, &[&["--format", "json"], more].concat())
}

#[track_caller]
fn fails_with(crate_: &Crate, more: &[&str], parts: &[&str]) {
    let report = verify(crate_, more);
    assert_eq!((report.code, report.stdout.as_str()), (2, ""), "{}", report.all());
    for part in parts {
        assert!(report.stderr.contains(part), "{part}\n{}", report.all());
    }
}

/// Production lets a superuser do this, so the checks have to see it.
#[test]
fn a_privilege_that_only_a_superuser_may_grant() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    crate_.write(
        "migrations/3_files.sql",
        "GRANT EXECUTE ON FUNCTION pg_read_file(text) TO app;\n\nGRANT UPDATE ON pg_class TO app;\n",
    );
    let report = verify(&crate_, &[]);
    assert_eq!(
        codes(&report),
        [
            "server-privilege - EXECUTE on pg_read_file(text)",
            "server-privilege - UPDATE on pg_class"
        ],
        "{}",
        report.all()
    );
    for part in [
        "2 statements need a superuser",
        "`migrations/3_files.sql:3`: `GRANT UPDATE ON pg_class TO app`: no privileges were granted",
    ] {
        assert!(report.stderr.contains(part), "{part}\n{}", report.all());
    }
}

/// Under FORCE, a later migration of the owner changes no row.
#[test]
fn a_data_migration_that_changes_no_row() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    let report = verify(&crate_, &["--probe"]);
    assert_eq!((codes(&report), report.code), (vec![], 0), "{}", report.all());
    crate_.write(
        "migrations/3_slug.sql",
        "ALTER TABLE projects ADD COLUMN slug text;\n\nUPDATE projects SET slug = lower(name);\n",
    );
    change_policy(
        &crate_,
        "[database]\n",
        "[lints.allow.missing-required-column]\n[database]\n",
    );
    change_policy(&crate_, "owner =", "levels.extra-column = \"allow\"\nowner =");
    let report = verify(&crate_, &[]);
    assert_eq!(
        codes(&report),
        ["blind-migration projects 3_slug.sql"],
        "{}",
        report.all()
    );
    assert_eq!(report.code, 0);
    let found = &findings(&report)[0];
    assert_eq!(
        found["message"],
        "`UPDATE` in migration `3_slug.sql` changes no row of `projects`"
    );
    assert_eq!(
        found["facts"][0],
        "`migrations/3_slug.sql:3`: `UPDATE projects SET slug = lower(name)`"
    );

    // Accepted, as it has been run in production.
    let policy = crate_.read("table-registry.toml");
    let exception = "[[database.allow.blind-migration]]\ntable = \"projects\"\nmigration = \"3_slug.sql\"\nreason = \"run again by 4\"\n";
    crate_.write("table-registry.toml", &format!("{policy}{exception}"));
    assert_eq!(codes(&verify(&crate_, &[])), [""; 0]);

    // What the finding suggests.
    crate_.write("table-registry.toml", &policy);
    crate_.write(
        "migrations/3_slug.sql",
        "ALTER TABLE projects ADD COLUMN slug text;\nALTER TABLE projects NO FORCE ROW LEVEL SECURITY;\n\
         UPDATE projects SET slug = lower(name);\nALTER TABLE projects FORCE ROW LEVEL SECURITY;\n",
    );
    assert_eq!(codes(&verify(&crate_, &[])), [""; 0]);
}

#[test]
fn a_seed_that_policies_refuse() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    crate_.write(
        "migrations/3_seed.sql",
        "-- The first project.\nINSERT INTO projects (id, org_id, name)\nVALUES (1, 1, 'demo');\n",
    );
    let version = format!("the server is PostgreSQL {}", version());
    fails_with(
        &crate_,
        &[],
        &[
            "migration `migrations/3_seed.sql` cannot be applied",
            "`migrations/3_seed.sql:2`: new row violates row-level security policy for table \"projects\"",
            "`app_owner` is no superuser: under FORCE ROW LEVEL SECURITY, the policies of a table bind its owner, too",
            "NO FORCE ROW LEVEL SECURITY",
            &version,
        ],
    );
    // A role without a name in the policy file is bound in the same way.
    change_policy(&crate_, "owner = \"app_owner\"\n", "");
    fails_with(&crate_, &[], &["`table_registry_migrator` is no superuser"]);
}

/// The server rejects such a text as a whole, before it runs anything of it.
#[test]
fn a_statement_that_cannot_be_parsed() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    for (text, place, error) in [
        (
            "SELECT 1;\nCREATE TABEL notes (id bigint);\n",
            "`migrations/3_notes.sql:2`",
            "syntax error at or near \"TABEL\"",
        ),
        (
            "SELECT 1;\nSELECT 1 +;\n",
            "`migrations/3_notes.sql:2`",
            "syntax error",
        ),
    ] {
        crate_.write("migrations/3_notes.sql", text);
        fails_with(&crate_, &[], &["cannot be applied", place, error]);
    }
}

#[test]
fn what_only_a_superuser_may_run() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    crate_.write(
        "migrations/0_roles.sql",
        "CREATE ROLE app LOGIN;\nDO $$ BEGIN CREATE ROLE reporting; END $$;\n\
         ALTER DEFAULT PRIVILEGES FOR ROLE reporting GRANT SELECT ON TABLES TO app;\nSELECT 1;\n",
    );
    crate_.write(
        "migrations/3_more.sql",
        "CREATE TABLE notes (id bigint); ALTER TABLE notes OWNER TO reporting; ALTER TABLE notes ADD COLUMN a text;\n\
         DROP TABLE notes;\nCREATE PUBLICATION everything FOR ALL TABLES;\n",
    );
    let report = verify(&crate_, &["--probe"]);
    let expected = (vec!["default-privilege - app".to_string()], 0);
    assert_eq!((codes(&report), report.code), expected, "{}", report.all());
    for part in [
        "statements need a superuser",
        "`migrations/0_roles.sql:1`: `CREATE ROLE app LOGIN`: permission denied to create role",
        "`migrations/0_roles.sql:2`: `DO $$",
        "`migrations/3_more.sql:3`: `CREATE PUBLICATION everything FOR ALL TABLES`",
        "`app_owner` has to be a member of `reporting`",
    ] {
        assert!(report.stderr.contains(part), "{part}\n{}", report.all());
    }
    assert!(!report.stderr.contains("SELECT 1"), "{}", report.all());
}

#[test]
fn roles_that_migrations_name() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    crate_.write(
        "migrations/3_grants.sql",
        "GRANT SELECT ON projects TO metabase;\nCREATE POLICY m ON projects TO metabase USING (false);\n\
         CREATE TABLE old (id bigint);\nALTER TABLE old OWNER TO archivist;\nDROP TABLE old;\nGRANT SELECT ON projects TO apq;\n",
    );
    let report = verify(&crate_, &[]);
    for part in [
        "warning: 3 roles of the migrations are made up",
        "`migrations/3_grants.sql:1` names `metabase`\n",
        "`migrations/3_grants.sql:4` names `archivist`",
        "`migrations/3_grants.sql:6` names `apq`, and the policy file names `app`: is one of them misspelt?",
    ] {
        assert!(report.stderr.contains(part), "{part}\n{}", report.all());
    }
    // A setup file creates them.
    crate_.write("ci/roles.sql", "CREATE ROLE metabase; CREATE ROLE apq;\n");
    crate_.write(
        "ci/more.sql",
        "CREATE ROLE archivist; CREATE ROLE app_owner LOGIN; GRANT archivist TO app_owner;\n",
    );
    change_policy(&crate_, "owner =", "setup = [\"ci/roles.sql\"]\nowner =");
    let report = verify(&crate_, &["--setup", "ci/more.sql"]);
    assert!(!report.stderr.contains("made up"), "{}", report.all());
    assert!(!report.stderr.contains("has to be a member"), "{}", report.all());
}

#[test]
fn setup_files_prepare_the_server() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    crate_.write(
        "migrations/1_tables.sql",
        &format!("{TABLES}CREATE TRIGGER t BEFORE INSERT ON projects FOR EACH ROW EXECUTE FUNCTION shared.touch();\n"),
    );
    fails_with(
        &crate_,
        &[],
        &[
            "`migrations/1_tables.sql:4`: schema \"shared\" does not exist",
            "a file of `setup`",
        ],
    );
    let setup = "CREATE SCHEMA shared;\nGRANT USAGE ON SCHEMA shared TO PUBLIC;\n\
        CREATE FUNCTION shared.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;\n";
    crate_.write("ci/shared.sql", setup);
    let report = verify(&crate_, &["--setup", "ci/shared.sql"]);
    assert_eq!(report.code, 0, "{}", report.all());
    crate_.write(
        "ci/broken.sql",
        "SELECT 1;\nCREATE ROLE app_owner;\nDROP TABLE nothing;\n",
    );
    fails_with(
        &crate_,
        &["--setup", "ci/shared.sql", "--setup", "ci/broken.sql"],
        &[
            "setup file `ci/broken.sql` cannot be run",
            "`ci/broken.sql:3`: table \"nothing\" does not exist",
        ],
    );
    fails_with(
        &crate_,
        &["--setup", "ci/missing.sql"],
        &["`ci/missing.sql` cannot be read"],
    );
    crate_.write("ci/psql.sql", "SELECT 1;\n\\i other.sql\n");
    fails_with(
        &crate_,
        &["--setup", "ci/psql.sql"],
        &["`ci/psql.sql:2`: `\\i` is a command of `psql`"],
    );
}

#[test]
fn the_order_and_the_transactions_of_a_tool() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    let registry = crate_.read("migrations/2_registry.sql");
    // Diesel drops the dashes, so that the older migration without dashes comes first.
    crate_.write("diesel/20140101000000_tables/up.sql", TABLES);
    crate_.write("diesel/2017-01-01-000000_registry/up.sql", &registry);
    crate_.write(
        "diesel/2017-01-01-000000_registry/down.sql",
        "DROP TABLE projects;",
    );
    crate_.write(
        "diesel/2018-01-01-000000_all/up.sql",
        "GRANT SELECT ON ALL TABLES IN SCHEMA public TO app;",
    );
    let verify_in = |directory: &str| {
        let report = crate_.run(&["verify", "--migrations", directory, "--format", "json"]);
        (report.code, report)
    };
    let (code, report) = verify_in("diesel");
    assert_eq!(code, 0, "{}", report.all());
    // sqlx runs each file in a transaction.
    crate_.write(
        "migrations/3_index.sql",
        "CREATE INDEX CONCURRENTLY ON projects (name);\n",
    );
    fails_with(
        &crate_,
        &[],
        &[
            "`migrations/3_index.sql:1`: CREATE INDEX CONCURRENTLY cannot run inside a transaction block",
            "sqlx runs each migration in a transaction",
            "whose first line is `-- no-transaction`",
        ],
    );
    crate_.write(
        "migrations/3_index.sql",
        "-- no-transaction\nCREATE INDEX CONCURRENTLY ON projects (name);\n",
    );
    let report = verify(&crate_, &[]);
    assert_eq!(report.code, 0, "{}", report.all());
    crate_.write(
        "rust/src/m20220101_000001_create.rs",
        "use sea_orm_migration::prelude::*;\n",
    );
    let (code, report) = verify_in("rust");
    assert_eq!(code, 2);
    assert!(report.stderr.contains("are Rust programs"), "{}", report.all());
}

/// Directories that pretend to hold another version of the server.
#[test]
fn the_version_of_the_server_can_be_chosen() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    let other = tempfile::tempdir().unwrap();
    for name in ["initdb", "postgres", "pg_ctl", "pg_isready"] {
        let file = other.path().join(name);
        fs::write(&file, "#!/bin/sh\necho 'postgres (PostgreSQL) 99.1'\n").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }
    let path = format!(
        "{}:{}:{}",
        other.path().display(),
        binaries().unwrap().display(),
        std::env::var("PATH").unwrap()
    );
    let run = |version: &str| {
        let mut command = program();
        command.env("PATH", &path).current_dir(crate_.path());
        if Path::new("/dev/shm").is_dir() {
            command.env("TMPDIR", "/dev/shm");
        }
        command.args([
            "verify",
            "--migrations",
            "migrations",
            "--postgres-version",
            version,
        ]);
        Report::new(command.output().unwrap())
    };
    let installed = version();
    let report = run(&installed.to_string());
    assert_eq!(report.code, 0, "{}", report.all());
    for (version, part) in [
        ("0", "PostgreSQL 0 is not supported"),
        ("9.6", "PostgreSQL 9.6 is not supported"),
        ("98", "PostgreSQL 98 is not supported"),
        ("abc", "`abc` is not a version of PostgreSQL"),
    ] {
        let report = run(version);
        assert_eq!(report.code, 2, "{}", report.all());
        for part in [part, "installed: ", "name a major version from 13 to 18"] {
            assert!(report.stderr.contains(part), "{part}\n{}", report.all());
        }
    }
    let other = if installed == 13 { "14" } else { "13" };
    let report = run(other);
    assert_eq!(report.code, 2);
    assert!(
        report
            .stderr
            .contains(&format!("PostgreSQL {other} is not installed on this machine")),
        "{}",
        report.all()
    );
    assert!(
        report.stderr.contains("installed: ")
            && report.stderr.contains(&format!("{installed}"))
            && report.stderr.contains(", 99"),
        "{}",
        report.all()
    );
}

/// `sql --diff` with what the migrations make, and the migration that it writes.
#[track_caller]
fn assert_nothing_to_do(report: &Report) {
    assert_eq!((report.code, report.stdout.as_str()), (0, ""), "{}", report.all());
}

#[test]
fn the_difference_to_the_migrations() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    let run = |arguments: &[&str]| crate_.run(&[&["sql"], arguments].concat());
    let difference = ["--diff", "--migrations", "migrations"];
    assert_nothing_to_do(&run(&difference));
    crate_.write(
        "migrations/3_more.sql",
        "ALTER TABLE projects NO FORCE ROW LEVEL SECURITY;",
    );
    let report = run(&difference);
    assert_eq!(report.code, 1, "{}", report.all());
    assert!(
        report
            .stdout
            .contains("ALTER TABLE \"public\".\"projects\" FORCE ROW LEVEL SECURITY;"),
        "{}",
        report.all()
    );
    let lenient = run(&[&difference[..], &["--exit-zero"]].concat());
    assert_eq!(
        (lenient.code, lenient.stdout.as_str()),
        (0, report.stdout.as_str())
    );

    let written = run(&[&difference[..], &["--write", "migrations"]].concat());
    assert_eq!(
        (written.code, written.stdout.as_str()),
        (0, ""),
        "{}",
        written.all()
    );
    assert_eq!(crate_.read("migrations/4_table_registry.sql"), report.stdout);
    assert_nothing_to_do(&run(&difference));
    let files = crate_.files();
    let again = run(&[&difference[..], &["--write", "migrations"]].concat());
    assert_eq!(again.code, 0, "{}", again.all());
    assert!(
        again
            .stderr
            .contains("nothing to write: the database lacks nothing"),
        "{}",
        again.all()
    );
    assert_eq!(crate_.files(), files);

    let indexes = [&difference[..], &["--indexes"]].concat();
    assert_nothing_to_do(&run(&indexes));
    crate_.write("migrations/5_index.sql", "DROP INDEX projects_org_id_idx;");
    assert_eq!(run(&indexes).code, 1);
    assert_eq!(run(&[&indexes[..], &["--exit-zero"]].concat()).code, 0);
}

#[test]
fn a_migration_of_the_tool() {
    let crate_ = shop();
    let run = |arguments: &[&str]| crate_.run(&[&["sql"], arguments].concat());
    let (up, down) = (run(&[]).stdout, run(&["--down"]).stdout);
    crate_.write("diesel/2024-01-01-000000_tables/up.sql", TABLES);
    let report = run(&["--write", "diesel"]);
    assert_eq!((report.code, report.stdout.as_str()), (0, ""), "{}", report.all());
    assert_eq!(crate_.read("diesel/2024-01-01-000001_table_registry/up.sql"), up);
    assert_eq!(
        crate_.read("diesel/2024-01-01-000001_table_registry/down.sql"),
        down
    );
    // The second run has nothing to add.
    let files = crate_.files();
    let report = run(&["--write", "diesel"]);
    assert_eq!(report.code, 0, "{}", report.all());
    assert!(
        report
            .stderr
            .contains("nothing to write: the last migration that this program wrote has the same content"),
        "{}",
        report.all()
    );
    assert_eq!(crate_.files(), files);

    crate_.write("refinery/V7__tables.sql", TABLES);
    assert_eq!(run(&["--write", "refinery"]).code, 0);
    assert_eq!(crate_.read("refinery/V8__table_registry.sql"), up);
    crate_.write("drizzle/meta/_journal.json", "{\"entries\": []}");
    let files = crate_.files();
    for (arguments, text) in [
        (&["--write", "drizzle"][..], "drizzle-kit generate --custom"),
        (&["--write", "nothing"], "cannot be read"),
        (
            &["--write", "nothing"],
            "let your tool create the first migration",
        ),
        (&["--write", "diesel", "--down"], "cannot be used with"),
        (&["--migrations", "diesel"], "add `--diff`"),
        (&["--exit-zero"], "--diff"),
    ] {
        let report = run(arguments);
        assert_eq!((report.code, report.stdout.as_str()), (2, ""), "{}", report.all());
        assert!(report.stderr.contains(text), "{}", report.all());
    }
    assert_eq!(crate_.files(), files);
}

#[test]
fn what_was_applied_is_said() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    let report = verify(&crate_, &[]);
    let json: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    let applied = &json["applied"];
    assert_eq!(applied["migrations"], 2);
    assert_eq!(
        (applied["tool"].as_str(), applied["owner"].as_str()),
        (Some("sqlx"), Some("app_owner"))
    );
    assert!(
        report
            .stderr
            .contains("Applied 2 migrations of sqlx as `app_owner`"),
        "{}",
        report.all()
    );
    let report = crate_.run(&["sql", "--diff", "--migrations", "migrations"]);
    assert!(
        report.stderr.contains("Applied 2 migrations of sqlx"),
        "{}",
        report.all()
    );

    fails_with(
        &crate_,
        &["--data"],
        &[
            "`--data` compares the rows of an existing database",
            "`--database-url`",
        ],
    );
}

/// In production, the roles are there before anything else.
#[test]
fn setup_files_grant_to_the_roles_of_the_policy_file() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    crate_.write(
        "ci/grants.sql",
        "CREATE SCHEMA tools;\nGRANT USAGE, CREATE ON SCHEMA tools TO app_owner;\nGRANT USAGE ON SCHEMA tools TO app;\n",
    );
    let report = verify(&crate_, &["--setup", "ci/grants.sql"]);
    assert_eq!((codes(&report), report.code), (vec![], 0), "{}", report.all());
    // A file that creates them itself still may.
    crate_.write(
        "ci/roles.sql",
        "CREATE ROLE app_owner;\nDO $$ BEGIN CREATE ROLE app LOGIN; END $$;\n",
    );
    let report = verify(&crate_, &["--setup", "ci/roles.sql", "--setup", "ci/grants.sql"]);
    assert_eq!(report.code, 0, "{}", report.all());
    crate_.write("ci/typo.sql", "GRANT pg_monitor TO ap_owner;\n");
    fails_with(
        &crate_,
        &["--setup", "ci/typo.sql"],
        &["role \"ap_owner\" does not exist"],
    );
}

/// What the server advises may remove the protection that is checked here.
#[test]
fn hints_of_the_server_that_are_kept_back() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    for (sql, message, hint) in [
        (
            "ALTER TABLE projects DROP COLUMN org_id;",
            "because other objects depend on it",
            "Use DROP ... CASCADE",
        ),
        (
            "SET row_security = off; SELECT * FROM projects;",
            "query would be affected by row-level security policy",
            "To disable the policy for the table's owner",
        ),
    ] {
        crate_.write("migrations/3_change.sql", sql);
        let report = verify(&crate_, &[]);
        assert_eq!(report.code, 2, "{}", report.all());
        assert!(report.stderr.contains(message), "{}", report.all());
        assert!(!report.stderr.contains(hint), "{}", report.all());
        assert!(report.stderr.contains("help: "), "{}", report.all());
    }
}

/// PostgreSQL permits every character in a name but NUL.
#[test]
fn names_with_line_breaks() {
    if !has_server() {
        return;
    }
    let crate_ = shop();
    crate_.write(
        "migrations/3_names.sql",
        "CREATE POLICY \"a\nerror: b\" ON projects TO app USING (true);\n\
         CREATE TABLE \"c\n\x1b[31md\" (org_id bigint); GRANT SELECT ON \"c\n\x1b[31md\" TO app;\n\
         CREATE TABLE \"e\nf\" (org_id bigint); GRANT SELECT ON \"e\nf\" TO app;\n",
    );
    let report = verify_migrations(&crate_, &[]);
    assert_eq!(report.code, 1, "{}", report.all());
    for part in ["a\\nerror: b", "c\\n\\u{1b}[31md", "e\\nf"] {
        assert!(report.stderr.contains(part), "{part}\n{}", report.all());
    }
    let is_help = |line: &&str| line.contains("help: ") || line.contains("GRANT") || line.starts_with(' ');
    let mut others = report.stderr.lines().filter(|line| !is_help(line));
    assert!(
        !others.any(|line| line.starts_with("error: b")),
        "{}",
        report.all()
    );
    assert!(!report.stderr.contains('\x1b'), "{}", report.all());
}
