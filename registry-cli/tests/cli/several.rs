//! Several crates that share a database, and several databases that should be the same.

use crate::harness::{Crate, Report};
use crate::server::{Server, Template, shared};
use crate::verify::{findings, has_server, verify_migrations};

const POLICY: &str = "
[tenancy]
column = \"org_id\"
setting = \"app.org_id\"

[database]
app_roles = [\"app\"]
";

fn schema(table: &str) -> String {
    format!("use table_registry::table;\n#[table]\npub struct {table} {{ pub id: i64, pub org_id: i64 }}\n")
}

const TABLES: &str = "
CREATE TABLE invoices (id bigint PRIMARY KEY, org_id bigint NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, org_id bigint NOT NULL);
CREATE INDEX ON invoices (org_id);
CREATE INDEX ON orders (org_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
";

/// Two crates with a table each, and the migrations of their database.
fn workspace() -> Crate {
    let made = Crate::workspace(&[("billing", schema("Invoices")), ("sales", schema("Orders"))]);
    for member in ["billing", "sales"] {
        made.write(&format!("{member}/table-registry.toml"), POLICY);
        let sql = made.run(&["sql", "-p", member]);
        assert_eq!(sql.code, 0, "{}", sql.all());
        made.write(&format!("migrations/{member}.sql"), &sql.stdout);
    }
    made.write("migrations/1.sql", TABLES);
    made
}

fn codes(report: &Report) -> Vec<String> {
    let all = findings(report);
    let line = |one: &serde_json::Value| {
        let text = |key: &str| one[key].as_str().unwrap_or("-").to_string();
        let databases = one["databases"].as_array().unwrap().iter();
        let names: Vec<&str> = databases.map(|name| name.as_str().unwrap()).collect();
        format!(
            "{} {} {} {}",
            text("code"),
            text("table"),
            text("object"),
            names.join("+")
        )
    };
    all.iter().map(|one| line(one).trim_end().to_string()).collect()
}

#[test]
fn crates_that_share_a_database() {
    if !has_server() {
        return;
    }
    let made = workspace();
    let verify = |more: &[&str]| verify_migrations(&made, &[&["--format", "json"], more].concat());
    // Each alone does not know the table of the other.
    assert_eq!(
        codes(&verify(&["-p", "billing"])),
        ["unregistered-table - orders"]
    );
    for together in [&["-p", "billing", "-p", "sales"][..], &[], &["--workspace"]] {
        let report = verify(together);
        assert_eq!((codes(&report), report.code), (vec![], 0), "{}", report.all());
        assert!(report.stderr.contains("2 tables of `verify`"), "{}", report.all());
    }
    // A fault is found in the crate that has it.
    made.write(
        "migrations/x.sql",
        "ALTER TABLE orders DISABLE ROW LEVEL SECURITY;",
    );
    let report = verify_migrations(&made, &[]);
    assert_eq!(report.code, 1, "{}", report.all());
    assert!(
        report.stderr.contains("sales/src/schema/mod.rs:3"),
        "{}",
        report.all()
    );
    // A type of the second crate is looked up in the files of the second crate.
    made.write("sales/src/schema/ids.rs", "pub type OrgId = uuid::Uuid;\n");
    let orders = schema("Orders").replace("org_id: i64", "org_id: ids::OrgId");
    made.write("sales/src/schema/mod.rs", &format!("pub mod ids;\n{orders}"));
    made.write("migrations/x.sql", "SELECT 1;");
    let alone = codes(&verify(&["-p", "sales"]));
    assert!(
        alone.contains(&"column-type-mismatch orders org_id".to_string()),
        "{alone:?}"
    );
    assert_eq!(
        codes(&verify(&["-p", "billing", "-p", "sales"])),
        ["column-type-mismatch orders org_id"]
    );
    made.write("sales/src/schema/mod.rs", &schema("Orders"));
    // One crate may exempt what the other one registers.
    made.write("migrations/x.sql", "SELECT 1;");
    made.write(
        "billing/table-registry.toml",
        &format!("{POLICY}[exempt]\norders = \"of the crate `sales`\"\n"),
    );
    assert_eq!(codes(&verify(&[])), [""; 0]);
}

#[test]
fn policy_files_that_contradict_each_other() {
    let made = workspace();
    let fails_with = |parts: &[&str]| {
        let report = made.run(&["verify", "--database-url", "postgres://localhost:1/x"]);
        assert_eq!((report.code, report.stdout.as_str()), (2, ""), "{}", report.all());
        for part in parts {
            assert!(report.stderr.contains(part), "{part}\n{}", report.all());
        }
    };
    for (from, to, setting) in [
        (
            "app.org_id",
            "app.tenant",
            "`setting`: `\"app.org_id\"` and `\"app.tenant\"`",
        ),
        (
            "[\"app\"]",
            "[\"web\"]",
            "`app_roles`: `[\"app\"]` and `[\"web\"]`",
        ),
        (
            "[database]\n",
            "[database]\nschema = \"sales\"\n",
            "`schema`: `\"public\"` and `\"sales\"`",
        ),
        (
            "[database]\n",
            "[database]\nforce_rls = false\n",
            "`force_rls`: `true` and `false`",
        ),
    ] {
        made.write("sales/table-registry.toml", &POLICY.replace(from, to));
        fails_with(&[
            "`billing/table-registry.toml` and `sales/table-registry.toml` say different things about one database",
            setting,
            "name one with `-p`",
        ]);
    }
    made.write("sales/table-registry.toml", POLICY);
    made.write(
        "sales/src/schema/mod.rs",
        "use table_registry::table;\n#[table(kind = system)]\npub struct Invoices { pub id: i64 }\n",
    );
    fails_with(&["both register `invoices`, and not in the same way"]);
}

/// Production, and what should be copies of it.
#[test]
fn several_databases() {
    const COPY: Template = Template {
        name: "copies",
        migrations: || {
            let made = workspace();
            let of = |member| made.read(&format!("migrations/{member}.sql"));
            vec![TABLES.to_string(), of("billing"), of("sales")]
        },
    };
    if !has_server() {
        return;
    }
    let made = workspace();
    let databases = [(); 3].map(|()| shared().database(COPY));
    let urls = databases.each_ref().map(crate::server::Database::url);
    let verify = |more: &[&str]| {
        let urls = urls.iter().flat_map(|url| ["--database-url", url]);
        let arguments: Vec<&str> = ["verify"]
            .into_iter()
            .chain(urls)
            .chain(more.iter().copied())
            .collect();
        made.run(&arguments)
    };
    let json = || verify(&["--format", "json", "--probe"]);
    let report = json();
    assert_eq!((codes(&report), report.code), (vec![], 0), "{}", report.all());
    assert_eq!(
        report.stderr.matches("Verified 2 tables").count(),
        3,
        "{}",
        report.all()
    );
    // What all lack stands once; what differs names the databases.
    for database in &databases {
        database.migrate("DROP INDEX orders_org_id_idx");
    }
    databases[1].migrate("ALTER TABLE invoices DISABLE ROW LEVEL SECURITY");
    let name = |url: &str| {
        url.split('/')
            .nth(3)
            .unwrap()
            .split('?')
            .next()
            .unwrap()
            .to_string()
    };
    let second = name(&urls[1]);
    let report = json();
    assert_eq!(
        codes(&report),
        [
            format!("rls-disabled invoices - {second}"),
            "missing-tenant-index orders org_id".to_string()
        ],
        "{}",
        report.all()
    );
    assert_eq!(report.code, 1);
    let report = verify(&[]);
    assert!(
        report.stderr.contains(&format!("only in `{second}`")),
        "{}",
        report.all()
    );
    assert!(!report.all().contains("s3cret"), "{}", report.all());

    // Databases of the same name are told apart by their servers.
    let other = Server::start();
    let copy = other.database(COPY);
    let report = made.run(&[
        "verify",
        "--format",
        "json",
        "--database-url",
        &urls[1],
        "--database-url",
        &copy.url(),
    ]);
    assert!(
        codes(&report)
            .iter()
            .any(|line| line.starts_with("rls-disabled invoices - ")),
        "{}",
        report.all()
    );
    assert!(!report.all().contains("s3cret"), "{}", report.all());
}
