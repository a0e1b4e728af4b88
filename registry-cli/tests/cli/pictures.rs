//! The pictures of the README, made from what the compiler and the program print.
//!
//! `SNAPSHOTS=overwrite cargo test -p cargo-table-registry --test cli -- pictures` draws them; look at them in a browser.

use std::process::Command;

use crate::harness::{Crate, copy, program, repository, target};
use crate::verify::has_server;

/// The crate of the README.
fn quickstart() -> Crate {
    let krate = Crate::empty();
    let example = repository().join("examples/quickstart");
    copy(&example.join("src"), &krate.path().join("src"));
    for file in ["table-registry.toml", "revoke.toml"] {
        std::fs::copy(example.join(file), krate.path().join(file)).unwrap();
    }
    std::fs::copy(repository().join("Cargo.lock"), krate.path().join("Cargo.lock")).unwrap();
    let manifest = format!(
        "[package]\nname = \"quickstart\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
         [dependencies]\ntable-registry = {{ path = \"{}\" }}\n\n[workspace]\n",
        repository().display()
    );
    krate.write("Cargo.toml", &manifest);
    krate
}

/// A picture of a terminal in which somebody ran a command.
fn picture(command: &str, printed: &str) -> String {
    let text = format!("\u{1b}[1m$ {command}\u{1b}[0m\n{}", printed.trim_end());
    anstyle_svg::Term::new().render_svg(&text)
}

#[test]
fn an_error_of_the_compiler() {
    let krate = quickstart();
    krate.write(
        "src/lib.rs",
        "pub mod audit;\npub mod schema;\n\ntable_registry::table_registry!(\"schema/\");\n",
    );
    krate.write(
        "src/audit.rs",
        "use crate::tables;\n\nfn update<T: table_registry::Mutable>() {}\n\n\
         pub fn correct() {\n    update::<tables::audit_logs>();\n}\n",
    );
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args(["check", "--quiet", "--color", "always"])
        .current_dir(krate.path())
        .env("CARGO_TARGET_DIR", target())
        .env_remove("NO_COLOR")
        .env_remove("RUSTFLAGS");
    let output = cargo.output().unwrap();
    assert!(!output.status.success());
    let printed = String::from_utf8(output.stderr).unwrap();
    let (error, _) = printed.split_once("\n\n").unwrap();
    snapbox::assert_data_eq!(
        picture("cargo check", error),
        snapbox::file!["../../../docs/src/pictures/compile-error.svg": Text].raw()
    );
}

const TABLES: &str = "\
CREATE TABLE audit_logs (id bigint PRIMARY KEY, org_id bigint NOT NULL, action text NOT NULL);
CREATE TABLE invoices (id bigint PRIMARY KEY, org_id bigint NOT NULL, total_cents bigint NOT NULL);
CREATE TABLE users (id bigint PRIMARY KEY, email text NOT NULL);
CREATE INDEX ON audit_logs (org_id);
CREATE INDEX ON invoices (org_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON audit_logs, invoices TO app;
GRANT SELECT (id) ON users TO app;
";

const FORGOTTEN: &str = "\
CREATE TABLE payments (id bigint PRIMARY KEY, org_id bigint NOT NULL, paid_cents bigint NOT NULL);
CREATE INDEX ON payments (org_id);
GRANT SELECT, INSERT ON payments TO app;
";

#[test]
fn a_finding_of_verify() {
    if !has_server() {
        return;
    }
    let krate = quickstart();
    krate.write("migrations/0001_tables.sql", TABLES);
    krate.write("migrations/0002_table_registry.sql", &krate.run(&["sql"]).stdout);
    krate.write("migrations/0003_payments.sql", FORGOTTEN);
    let schema = krate.read("src/schema/mod.rs");
    let payments = "#[table]\npub struct Payments {\n    pub id: i64,\n    pub org_id: i64,\n    pub paid_cents: i64,\n}\n";
    krate.write(
        "src/schema/mod.rs",
        &format!("{schema}\n/// What a customer paid.\n{payments}"),
    );
    let arguments = ["verify", "--migrations", "migrations"];
    let mut verify = program();
    verify.args(arguments).args(["--color", "always"]);
    let output = verify
        .env_remove("NO_COLOR")
        .current_dir(krate.path())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let printed = String::from_utf8(output.stderr).unwrap();
    let (finding, _) = printed.split_once("\n\n").unwrap();
    snapbox::assert_data_eq!(
        picture("cargo table-registry verify --migrations migrations", finding),
        snapbox::file!["../../../docs/src/pictures/verify.svg": Text].raw()
    );
}
