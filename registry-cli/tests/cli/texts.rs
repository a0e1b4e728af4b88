//! The examples in the texts of the database checks, on a real server: `verify` reports only the check that the text
//! is about, and nothing after the fix.

#[path = "../../src/explain/example.rs"]
mod example;

use table_registry_engine::for_each_check;

use crate::harness::Crate;
use crate::server::{Database, Server, Template, shared, version};
use crate::verify::{findings, has_server};
use example::{LIBRARY, Part, REVOKE, TABLES, completed, find, parts};

const TENANCY: &str = "
[tenancy]
column = \"org_id\"
setting = \"app.org_id\"
";

const DATABASE: &str = "
[database]
app_roles = [\"app\"]
";

const TABLES_OF_THE_SHOP: &str = "
CREATE ROLE migrator;
CREATE ROLE worker;
CREATE TABLE users (
    id bigint PRIMARY KEY, org_id bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
);
CREATE TABLE invoices (
    id bigint PRIMARY KEY, org_id bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
);
CREATE TABLE payments (
    id bigint NOT NULL, org_id bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL
) PARTITION BY RANGE (created_at);
CREATE TABLE audit_logs (
    id bigint PRIMARY KEY, org_id bigint NOT NULL, created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    user_id bigint NOT NULL
);
CREATE INDEX ON invoices (org_id);
CREATE INDEX ON payments (org_id);
CREATE INDEX ON audit_logs (org_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
GRANT SELECT ON users TO worker, reporting;
";

/// The database under an example, after the registry's migration.
const SHOP: Template = Template {
    name: "shop",
    migrations: || vec![TABLES_OF_THE_SHOP.to_string(), shop().run(&["sql"]).stdout],
};

/// The crate under an example.
fn shop() -> Crate {
    let made = Crate::with(&[
        ("src/lib.rs", &completed("src/lib.rs", LIBRARY)),
        ("table-registry.toml", &format!("{TENANCY}{DATABASE}")),
        ("revoke.toml", REVOKE),
    ]);
    made.manifest("shop");
    for (module, text) in TABLES {
        lay_file(&made, &format!("src/schema/{module}.rs"), text);
    }
    made
}

/// Writes a file of an example. A policy file leaves out the sections that it shares with that of the crate.
fn lay_file(crate_: &Crate, path: &str, text: &str) {
    if path != "table-registry.toml" {
        return crate_.write(path, &completed(path, text));
    }
    let sections = [("[tenancy]\n", TENANCY), ("[database]\n", DATABASE)];
    let missing = sections.iter().filter(|(header, _)| !text.contains(header));
    let common: String = missing.map(|(_, section)| *section).collect();
    crate_.write(path, &format!("{common}{text}"));
}

fn lay(part: &Part<'_>, crate_: &Crate, database: &Database<'_>) {
    for block in part.blocks.iter().filter(|block| block.runs()) {
        if block.language == "sql" {
            database.migrate(block.content);
        } else {
            lay_file(crate_, block.path, block.content);
        }
    }
}

/// The codes that `verify` reports, each once.
fn codes(crate_: &Crate, database: &Database<'_>) -> Vec<String> {
    let url = database.url();
    let report = crate_.run(&["verify", "--data", "--format", "json", "--database-url", &url]);
    let mut codes: Vec<String> = findings(&report)
        .iter()
        .map(|one| one["code"].as_str().unwrap().to_string())
        .collect();
    codes.dedup();
    codes
}

fn run(code: &str, text: &str) {
    let example = find(text, "Example").unwrap();
    if example.is_prose() || !has_server() || (text.contains("(security_invoker = ") && version() < 15) {
        return;
    }
    // Roles are common to all databases of a server, so a test that changes one needs its own server.
    let own = text.contains("ALTER ROLE").then(Server::start);
    let server = own.as_ref().unwrap_or_else(|| shared());
    for part in parts(text).iter().skip(1).filter(|part| !part.is_prose()) {
        let (crate_, database) = (shop(), server.database(SHOP));
        lay(&example, &crate_, &database);
        assert_eq!(codes(&crate_, &database), [code], "the example");
        lay(part, &crate_, &database);
        assert_eq!(codes(&crate_, &database), [""; 0], "{}", part.title);
    }
}

/// One test for each check.
macro_rules! examples {
    ($($variant:ident $name:literal in $module:ident: $subject:ident, $how:ident $level:ident;)*) => {
        $(
            #[test]
            fn $module() {
                run($name, include_str!(concat!("../../src/database/checks/", stringify!($module), ".md")));
            }
        )*
    };
}

for_each_check!(examples);

#[test]
fn the_database_under_an_example_is_sound() {
    if has_server() {
        let database = shared().database(SHOP);
        assert_eq!(codes(&shop(), &database), [""; 0]);
    }
}
