//! `matrix`: what each role reaches on a real server, held to a committed file.

use std::fs;
use std::path::Path;

use crate::harness::{Crate, Report, copy, program, repository};
use crate::server::{Template, shared};
use crate::verify::has_server;

const FILE: &str = "table-registry.matrix.toml";

/// A copy of the example with every shape, which a test may change.
fn tenancy() -> Crate {
    let made = Crate::empty();
    made.manifest("tenancy");
    let example = repository().join("examples/tenancy");
    for directory in ["src", "migrations"] {
        copy(&example.join(directory), &made.path().join(directory));
    }
    for file in ["table-registry.toml", "revoke.toml", FILE] {
        if example.join(file).exists() {
            fs::copy(example.join(file), made.path().join(file)).unwrap();
        }
    }
    made
}

/// Observes the migrations of a crate. The throwaway server writes a lot that nobody keeps, so it is in memory.
fn of_migrations(crate_: &Crate, more: &[&str]) -> Report {
    let mut command = program();
    if Path::new("/dev/shm").is_dir() {
        command.env("TMPDIR", "/dev/shm");
    }
    command.args(["matrix", "--migrations", "migrations"]).args(more);
    Report::new(command.current_dir(crate_.path()).output().unwrap())
}

/// The line of the file about a table and a command.
fn line_of(crate_: &Crate, table: &str, command: &str) -> usize {
    let text = crate_.read(FILE);
    let about = format!("table = \"{table}\", command = \"{command}\"");
    text.lines().position(|line| line.contains(&about)).unwrap() + 1
}

/// The level and the line of each difference.
fn places(report: &Report) -> Vec<(String, usize)> {
    let mut places = Vec::new();
    let mut level = "";
    for line in report.stderr.lines() {
        if let Some((first, _)) = line.split_once(": ") {
            level = if matches!(first, "error" | "warning") {
                first
            } else {
                level
            };
        }
        if let Some(place) = line.trim().strip_prefix(&format!("--> {FILE}:")) {
            let line = place.split(':').next().unwrap().parse().unwrap();
            places.push((level.to_string(), line));
        }
    }
    places.sort();
    places
}

#[test]
fn the_matrix_of_every_shape_is_the_committed_one() {
    if !has_server() {
        return;
    }
    let crate_ = tenancy();
    assert_eq!(
        crate_.run(&["sql"]).stdout,
        crate_.read("migrations/0002_table_registry.sql")
    );
    fs::remove_file(crate_.path().join(FILE)).ok();
    let report = of_migrations(&crate_, &["--write", FILE]);
    assert_eq!((report.code, report.stdout.as_str()), (0, ""), "{}", report.all());
    let example = snapbox::Data::read_from(&repository().join("examples/tenancy").join(FILE), None).raw();
    snapbox::Assert::new()
        .action_env("SNAPSHOTS")
        .eq(crate_.read(FILE), example);

    let report = of_migrations(&crate_, &["--check", FILE]);
    assert_eq!((report.code, report.stdout.as_str()), (0, ""), "{}", report.all());
    assert!(
        report.stderr.contains("80 lines of `table-registry.matrix.toml`"),
        "{}",
        report.all()
    );
    let report = crate::verify::verify_migrations(&crate_, &["--probe"]);
    assert_eq!(report.code, 0, "{}", report.all());
}

#[test]
fn access_that_became_wider_is_refused_at_its_line() {
    if !has_server() {
        return;
    }
    let crate_ = tenancy();
    crate_.write(
        "migrations/0003_wider.sql",
        "CREATE POLICY read_all ON invoices FOR SELECT TO app USING (true);
         GRANT UPDATE ON audit_logs TO app;
         GRANT TRUNCATE ON comments TO app;
         GRANT DELETE ON countries TO app;
         CREATE POLICY early ON subscriptions FOR DELETE TO app
             USING (nullif(current_setting('app.org_id', true), '') IS NULL);
         CREATE POLICY others ON stock.shelves FOR INSERT TO app WITH CHECK (org_id IS NOT NULL);
         CREATE POLICY ours ON announcements FOR UPDATE TO app USING (org_id IS NULL) WITH CHECK (org_id IS NULL);
         REVOKE DELETE ON projects FROM app;",
    );
    let report = of_migrations(&crate_, &["--check", FILE]);
    let mut expected: Vec<(String, usize)> = [
        ("invoices", "select"),
        ("audit_logs", "update"),
        ("comments", "truncate"),
        ("countries", "delete"),
        ("stock.shelves", "insert"),
        ("announcements", "update"),
    ]
    .map(|(table, command)| ("error".to_string(), line_of(&crate_, table, command)))
    .to_vec();
    // A DELETE without a condition needs no policy for SELECT.
    expected.push(("error".to_string(), line_of(&crate_, "subscriptions", "delete")));
    expected.push(("warning".to_string(), line_of(&crate_, "projects", "delete")));
    expected.sort();
    assert_eq!(places(&report), expected, "{}", report.all());
    assert_eq!(report.code, 1, "{}", report.all());
    let place = format!("--> {FILE}:{}:5", line_of(&crate_, "invoices", "select"));
    let start = report.stderr.find(&place).unwrap();
    let text = &report.stderr[..start + 900];
    for part in [
        "error: SELECT on table `invoices` as role `app` reaches more rows than this line says",
        "= note: the line says own, the server shows own, others, unset",
        "= note: `others`: rows of another tenant",
        "diagnostic code `stale-matrix`",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn access_that_became_narrower_is_said() {
    if !has_server() {
        return;
    }
    let crate_ = tenancy();
    crate_.write(
        "migrations/0003_narrower.sql",
        "REVOKE DELETE ON projects FROM app; ALTER POLICY tenant_isolation ON invoices WITH CHECK (false);",
    );
    let report = of_migrations(&crate_, &["--check", FILE]);
    let expected = [
        ("invoices", "insert"),
        ("invoices", "update"),
        ("projects", "delete"),
    ];
    let mut expected =
        expected.map(|(table, command)| ("warning".to_string(), line_of(&crate_, table, command)));
    expected.sort();
    assert_eq!(places(&report), expected, "{}", report.all());
    assert_eq!(report.code, 0, "{}", report.all());
}

#[test]
fn a_matrix_of_which_nothing_was_observed_fails() {
    if !has_server() {
        return;
    }
    let crate_ = tenancy();
    crate_.write(
        "migrations/0003_boot.sql",
        "REVOKE ALL ON ALL TABLES IN SCHEMA public, stock FROM app",
    );
    for more in [&[][..], &["--check", FILE], &["--write", "new.toml"]] {
        let report = of_migrations(&crate_, more);
        assert_eq!(report.code, 2, "{}", report.all());
        let message = "error: no role reached a row of any table, so the matrix would show nothing";
        assert!(report.stderr.contains(message), "{}", report.all());
    }
    assert!(!crate_.has("new.toml"));
}

#[test]
fn a_role_that_the_database_lacks() {
    if !has_server() {
        return;
    }
    let crate_ = tenancy();
    let policy = crate_.read("table-registry.toml");
    let added = policy.replace("app_roles = [\"app\"]", "app_roles = [\"app\", \"no_such_role\"]");
    crate_.write("table-registry.toml", &added);
    let database = shared().database(TENANCY);
    let report = crate_.run(&["matrix", "--database-url", &database.url()]);
    assert_eq!(report.code, 2, "{}", report.all());
    assert!(
        report.stderr.contains("no role `no_such_role`"),
        "{}",
        report.all()
    );
}

/// The database of the example, with rows of two tenants.
const TENANCY: Template = Template {
    name: "tenancy",
    migrations: || {
        let crate_ = tenancy();
        let names = ["0001_tables", "0002_table_registry"];
        let migrations = names.map(|name| crate_.read(&format!("migrations/{name}.sql")));
        migrations.into_iter().chain([ROWS.to_string()]).collect()
    },
};

const ROWS: &str = "
INSERT INTO orgs VALUES ('00000000-0000-0000-0000-00000000000a', 'a'), ('00000000-0000-0000-0000-00000000000b', 'b');
INSERT INTO projects SELECT row_number() OVER (ORDER BY id), id, name FROM orgs;
INSERT INTO tasks SELECT id, id, name FROM projects;
INSERT INTO invoices SELECT id, 1, 1 FROM orgs;
INSERT INTO announcements VALUES (1, NULL, 'all'), (2, '00000000-0000-0000-0000-00000000000a', 'a');
INSERT INTO countries VALUES ('CH', 'Switzerland');
";

/// In a database that others use, nothing is written, and what cannot be known is marked.
#[test]
fn an_existing_database() {
    if !has_server() {
        return;
    }
    let crate_ = tenancy();
    let database = shared().database(TENANCY);
    let url = database.url();
    let matrix = |more: &[&str]| crate_.run(&[&["matrix", "--database-url", &url], more].concat());
    let report = matrix(&[]);
    assert_eq!(report.code, 0, "{}", report.all());
    snapbox::assert_data_eq!(report.stdout, snapbox::file!["matrix/live.txt"].raw());
    let report = matrix(&["--format", "markdown"]);
    assert!(
        report.stdout.starts_with("| role | table | select |"),
        "{}",
        report.all()
    );
    let report = matrix(&["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&report.stdout).unwrap();
    assert_eq!(json["access"].as_array().unwrap().len(), 80);

    assert_eq!(matrix(&["--write", "live.toml"]).code, 0);
    assert_eq!(matrix(&["--check", "live.toml"]).code, 0);
    database.migrate("ALTER TABLE invoices DISABLE ROW LEVEL SECURITY");
    let report = matrix(&["--check", "live.toml"]);
    assert_eq!(report.code, 1, "{}", report.all());
    for command in ["SELECT", "INSERT", "UPDATE", "DELETE"] {
        let message = format!("error: {command} on table `invoices` as role `app` reaches more rows");
        assert!(report.stderr.contains(&message), "{}", report.all());
    }
    assert_eq!(report.stderr.matches("error: ").count(), 5, "{}", report.all());
}

#[test]
fn files_that_are_missing_or_broken() {
    if !has_server() {
        return;
    }
    let crate_ = tenancy();
    let database = shared().database(TENANCY);
    let url = database.url();
    let check = |file: &str| crate_.run(&["matrix", "--database-url", &url, "--check", file]);
    let report = check("missing.toml");
    assert_eq!(report.code, 2);
    assert!(
        report.stderr.contains("`missing.toml` cannot be read"),
        "{}",
        report.all()
    );
    assert!(report.stderr.contains("matrix --write FILE"), "{}", report.all());
    // The file is read before anything is run.
    let run_nowhere = |file: &str| {
        let url = "postgres://app@127.0.0.1:1/nowhere";
        crate_.run(&["matrix", "--database-url", url, "--check", file])
    };
    let report = run_nowhere("missing.toml");
    assert!(
        report.stderr.contains("`missing.toml` cannot be read"),
        "{}",
        report.all()
    );
    crate_.write("other.toml", "access = 1\n");
    let report = run_nowhere("other.toml");
    assert!(
        report.code == 2 && report.stderr.contains("other.toml"),
        "{}",
        report.all()
    );
    crate_.write(
        "broken.toml",
        "access = [\n    { role = \"app\", table = \"tasks\" },\n]\n",
    );
    let report = check("broken.toml");
    assert_eq!(report.code, 2);
    assert!(report.stderr.contains("at broken.toml:2:5"), "{}", report.all());
    // A file without lines says that nothing is reached.
    crate_.write("empty.toml", "access = []\n");
    let report = check("empty.toml");
    assert_eq!(report.code, 1, "{}", report.all());
    assert!(
        report
            .stderr
            .contains("error: `empty.toml` has no line for SELECT on table `countries` as role `app`"),
        "{}",
        report.all()
    );
}
