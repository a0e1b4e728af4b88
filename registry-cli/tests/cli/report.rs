//! What `verify` prints for people: findings of one code together, each at the place where it is fixed.

use crate::harness::{Crate, Report};
use crate::server::{Database, shared};
use crate::verify::{ERP, SMALL, erp, findings, has_server, lines, small, verify_database};

/// What a person reads.
fn verify(crate_: &Crate, database: &Database<'_>, more: &[&str]) -> Report {
    let url = database.url();
    crate_.run(&[&["verify", "--database-url", &url], more].concat())
}

/// The output of the command that the report of a group suggests.
fn suggested(crate_: &Crate, database: &Database<'_>, report: &Report) -> String {
    let behind = report.stderr.split("help: `cargo table-registry ").nth(1);
    let command = behind.expect("a command").split('`').next().unwrap();
    let command = command.replace('…', &database.url());
    let output = crate_.run(&command.split(' ').collect::<Vec<_>>());
    assert_eq!(output.code, 1, "{}", output.all());
    output.stdout
}

const ALL_TABLES: &str = "
DO $$ DECLARE t regclass; BEGIN
    FOR t IN SELECT oid FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace LOOP
        EXECUTE format('ALTER TABLE %s DISABLE ROW LEVEL SECURITY', t);
    END LOOP;
END $$;
";

#[test]
fn row_level_security_is_off_on_all_tables_of_the_erp() {
    if !has_server() {
        return;
    }
    let crate_ = erp();
    let database = shared().database(ERP);
    database.migrate(ALL_TABLES);
    let json = findings(&verify_database(&crate_, &database, &[]));
    let tables: Vec<&str> = json.iter().filter_map(|one| one["table"].as_str()).collect();
    assert!(tables.len() > 160, "{}", lines(&json).join("\n"));

    let report = verify(&crate_, &database, &[]);
    assert_eq!((report.code, report.stdout.as_str()), (1, ""), "{}", report.all());
    assert!(report.stderr.lines().count() <= 80, "{}", report.all());
    assert!(
        report.stderr.lines().all(|line| line.chars().count() <= 100),
        "{}",
        report.all()
    );
    let words: Vec<&str> = report.stderr.split([' ', ',', '\n']).collect();
    for table in &tables {
        assert!(words.contains(table), "{table}\n{}", report.all());
    }
    let counted = format!("{} errors rls-disabled", tables.len());
    assert!(report.stderr.contains(&counted), "{}", report.all());

    let verbose = verify(&crate_, &database, &["--verbose"]);
    assert!(verbose.stderr.matches("--> src/schema/").count() == tables.len());

    database.migrate(&suggested(&crate_, &database, &report));
    let report = verify(&crate_, &database, &[]);
    assert_eq!((report.code, report.stdout.as_str()), (0, ""), "{}", report.all());
}

/// The same for migrations: the command prints a migration, which is added.
#[test]
fn the_migration_that_fixes_a_group() {
    if !has_server() {
        return;
    }
    let crate_ = erp();
    crate_.write("migrations/0004_off.sql", ALL_TABLES);
    let report = crate::verify::verify_migrations(&crate_, &[]);
    assert_eq!(report.code, 1);
    assert!(report.stderr.lines().count() <= 80, "{}", report.all());
    let behind = report
        .stderr
        .split("help: `cargo table-registry ")
        .nth(1)
        .unwrap();
    let command: Vec<&str> = behind.split('`').next().unwrap().split(' ').collect();
    crate_.write("migrations/0005_fix.sql", &crate_.run(&command).stdout);
    let report = crate::verify::verify_migrations(&crate_, &[]);
    assert_eq!(report.code, 0, "{}", report.all());
}

#[test]
fn a_group_names_all_and_says_what_they_share_once() {
    if !has_server() {
        return;
    }
    let crate_ = small();
    let database = shared().database(SMALL);
    database.migrate(
        "ALTER TABLE contacts ADD COLUMN fax text, ADD COLUMN telex text; ALTER TABLE warehouses ADD COLUMN note text;
         DROP INDEX by_tenant; DROP INDEX warehouses_org_id_idx; CREATE TABLE forgotten (id int)",
    );
    let report = verify(&crate_, &database, &[]);
    let text = report.stderr.replace(database.name(), "case");
    snapbox::assert_data_eq!(text, snapbox::file!["report/groups.txt"].raw());

    // CREATE INDEX CONCURRENTLY is outside a transaction.
    let behind = report
        .stderr
        .split("help: `cargo table-registry ")
        .nth(1)
        .unwrap();
    let command = behind.split('`').next().unwrap().replace('…', &database.url());
    let indexes = crate_.run(&command.split(' ').collect::<Vec<_>>());
    assert_eq!(database.ask(&indexes.stdout), "", "{}", indexes.all());
    let left = lines(&findings(&verify_database(&crate_, &database, &[])));
    assert!(
        left.iter().all(|line| !line.starts_with("missing-tenant-index")),
        "{left:?}"
    );
}

/// The file, line and column of each finding, as GitHub gets them.
fn places(crate_: &Crate, database: &Database<'_>) -> Vec<String> {
    let report = verify(crate_, database, &["--format", "github"]);
    let places = report
        .stdout
        .lines()
        .map(|line| line.split("::").nth(1).unwrap().to_string());
    places.collect()
}

#[test]
fn findings_about_a_column_are_at_its_field() {
    if !has_server() {
        return;
    }
    let crate_ = small();
    let schema = crate_.read("src/schema/mod.rs");
    let place = |table: &str, field: &str| {
        let lines = schema
            .lines()
            .enumerate()
            .skip_while(|(_, line)| !line.contains(table));
        let mut fields = lines.filter_map(|(at, line)| Some((at, line.find(&format!("pub {field}:"))? + 5)));
        let (line, column) = fields.next().unwrap();
        format!("file=src/schema/mod.rs,line={},col={column}", line + 1)
    };
    for (code, sql, table, field) in [
        (
            "missing-column",
            "ALTER TABLE contacts DROP COLUMN email",
            "Contacts",
            "email",
        ),
        (
            "missing-column",
            "ALTER TABLE contacts RENAME COLUMN version TO revision",
            "Contacts",
            "version",
        ),
        (
            "column-type-mismatch",
            "ALTER TABLE contacts ALTER version TYPE bigint",
            "Contacts",
            "version",
        ),
        (
            "column-type-mismatch",
            "ALTER TABLE contacts ALTER name DROP NOT NULL",
            "Contacts",
            "name",
        ),
        (
            "nullable-tenant-column",
            "ALTER TABLE warehouses ALTER org_id DROP NOT NULL",
            "Warehouses",
            "org_id",
        ),
        (
            "missing-tenant-index",
            "DROP INDEX warehouses_org_id_idx",
            "Warehouses",
            "org_id",
        ),
        (
            "missing-tenant-index",
            "DROP INDEX activity_rates_activity_type_idx",
            "ActivityRates",
            "activity_type",
        ),
        (
            "cross-tenant-reference",
            "ALTER TABLE activity_costs ADD FOREIGN KEY (activity_type) REFERENCES activity_types",
            "ActivityCosts",
            "activity_type",
        ),
    ] {
        let database = shared().database(SMALL);
        database.migrate(sql);
        let expected = format!("title={code},{}", place(table, field));
        let found = places(&crate_, &database);
        assert!(
            found.len() == 1 && found[0].ends_with(&expected),
            "{sql}\n{found:?}\n{expected}"
        );
    }
}

/// Each rename is one finding, and the statement in it takes it back.
#[test]
fn renames_are_one_finding_each() {
    if !has_server() {
        return;
    }
    let crate_ = small();
    for (sql, expected, message) in [
        (
            "ALTER TABLE contacts RENAME TO people",
            "missing-table contacts -",
            "table `contacts` looks renamed to `people`",
        ),
        (
            "CREATE SCHEMA archive; ALTER TABLE contacts SET SCHEMA archive",
            "missing-table contacts -",
            "table `contacts` looks moved to `archive.contacts`",
        ),
        (
            "ALTER TABLE contacts RENAME COLUMN version TO revision",
            "missing-column contacts version",
            "column `version` of table `contacts` looks renamed to `revision`",
        ),
    ] {
        let database = shared().database(SMALL);
        database.migrate(sql);
        let found = findings(&verify_database(&crate_, &database, &[]));
        assert_eq!(lines(&found), [expected]);
        assert_eq!(found[0]["message"], message);
        let fix = found[0]["fix"].as_str().unwrap();
        database.migrate(&fix[fix.find("ALTER TABLE").unwrap()..]);
        assert_eq!(
            lines(&findings(&verify_database(&crate_, &database, &[]))),
            [""; 0],
            "{fix}"
        );
    }
}

/// The column is added to a table with rows: the statements stop where the rows need a value, and lose nothing.
#[test]
fn a_column_is_added_to_a_table_with_rows() {
    if !has_server() {
        return;
    }
    let crate_ = small();
    let database = shared().database(SMALL);
    database.migrate(
        "ALTER TABLE warehouses DROP COLUMN is_group;
         INSERT INTO warehouses VALUES (gen_random_uuid(), 'a', 'x'), (gen_random_uuid(), 'b', 'y')",
    );
    let found = findings(&verify_database(&crate_, &database, &[]));
    assert_eq!(lines(&found), ["missing-column warehouses is_group"]);
    let fix = found[0]["fix"].as_str().unwrap();
    let answer = database.ask(&format!("\\set ON_ERROR_STOP 1\nBEGIN;\n{fix}\nCOMMIT;"));
    assert!(answer.contains("contains null values"), "{answer}");
    assert_eq!(database.ask("SELECT count(*) FROM warehouses"), "2");
    let (add, require) = fix.split_once("\n--").unwrap();
    let (_, require) = require.split_once('\n').unwrap();
    database.migrate(&format!(
        "{add} UPDATE warehouses SET is_group = false; {require}"
    ));
    assert_eq!(
        lines(&findings(&verify_database(&crate_, &database, &[]))),
        [""; 0]
    );
}

/// Thirty tables without a column: a list of places instead of thirty excerpts.
#[test]
fn many_findings_of_a_lint_are_one() {
    let structs = (1..=30).map(|number| {
        format!("#[table_registry::table]\npub struct Items{number} {{\n    pub id: i64,\n    pub org_id: i64,\n}}\n")
    });
    let crate_ = Crate::with(&[
        (
            "src/lib.rs",
            "pub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
        ),
        ("src/schema/mod.rs", &structs.collect::<String>()),
        (
            "table-registry.toml",
            "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n",
        ),
        ("revoke.toml", ""),
    ]);
    crate_.manifest("items");
    let report = crate_.run(&["lint"]);
    assert!(report.stderr.lines().count() < 60, "{}", report.all());
    for number in 1..=30 {
        let place = format!("Items{number} (src/schema/mod.rs:{})", number * 5 - 3);
        assert!(report.stderr.contains(&place), "{place}\n{}", report.all());
    }
    assert!(
        report.stderr.contains("30 warnings missing-required-column"),
        "{}",
        report.all()
    );
    let verbose = crate_.run(&["lint", "--verbose"]);
    assert!(verbose.stderr.matches("--> src/schema/mod.rs").count() >= 30);
    let github = crate_.run(&["lint", "--format", "github"]);
    assert!(github.stdout.lines().count() >= 30);
}
