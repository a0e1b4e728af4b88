//! The commands of the README, run as the README writes them.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use crate::harness::{Crate, repository, target};
use crate::verify::has_server;

/// The first code block of a language in the README.
fn block(language: &str) -> String {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let start = format!("```{language}\n");
    let (_, rest) = readme.split_once(&start).expect("the README has the block");
    let (block, _) = rest.split_once("```").unwrap();
    block.to_string()
}

/// The commands of the CI workflow.
fn workflow() -> Vec<String> {
    let block = block("yaml");
    let commands = block
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- run: "));
    commands.map(str::to_string).collect()
}

/// The commands of the first day that run the program, without its installation.
fn first_day() -> Vec<String> {
    let block = block("console");
    let commands = block.lines().filter_map(|line| line.strip_prefix("$ "));
    let own = commands.filter(|command| command.starts_with("cargo table-registry"));
    own.map(str::to_string).collect()
}

/// The directory into which the first command of the workflow installed the program.
static INSTALLED: LazyLock<PathBuf> = LazyLock::new(|| {
    let command = &workflow()[0];
    assert_eq!(command, "cargo install cargo-table-registry --locked");
    // The package of this repository, in the profile that builds fastest.
    let package = format!("--path {} --debug", repository().join("registry-cli").display());
    let local = command.replace("cargo-table-registry", &package);
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join("installed");
    let mut shell = shell(&local, &repository());
    shell
        .env("CARGO_INSTALL_ROOT", &root)
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_PROFILE_DEV_DEBUG", "0");
    // The build script of `ring` runs again whenever one of these variables changes, and each runner of tests sets others.
    for (name, _) in env::vars_os() {
        let shown = name.to_string_lossy();
        if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
            shell.env_remove(&name);
        }
    }
    let (success, text) = output(&mut shell);
    assert!(success, "{text}");
    root
});

fn shell(command: &str, directory: &Path) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", command]).current_dir(directory);
    shell
}

/// Runs a command in a crate, with the installed program on the path.
fn run(krate: &Crate, command: &str) -> (bool, String) {
    let path = format!(
        "{}:{}",
        INSTALLED.join("bin").display(),
        env::var("PATH").unwrap()
    );
    output(shell(command, krate.path()).env("PATH", path))
}

fn output(command: &mut Command) -> (bool, String) {
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].map(|part| String::from_utf8(part).unwrap());
    (output.status.success(), text.concat())
}

#[test]
fn the_commands_of_the_first_day_succeed() {
    let library = Crate::with(&[("src/lib.rs", "")]);
    library.write(
        "Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    let commands = first_day();
    assert!(!commands.is_empty());
    for command in commands {
        let (success, text) = run(&library, &command);
        assert!(success, "{command}\n{text}");
    }
    assert!(library.has("src/schema/invoices.rs") && library.has("src/schema/audit_logs.rs"));
}

const TABLES: &str = "
CREATE ROLE app;
CREATE TABLE users (id bigint PRIMARY KEY, created_at bigint NOT NULL);
CREATE TABLE audit_logs (id bigint PRIMARY KEY, org_id bigint NOT NULL, created_at bigint NOT NULL);
CREATE INDEX ON audit_logs (org_id);
GRANT SELECT, INSERT, UPDATE, DELETE ON users, audit_logs TO app;
";

#[test]
fn the_checks_of_the_workflow_pass_until_something_is_wrong() {
    let krate = Crate::shop();
    krate.write(
        "table-registry.toml",
        "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n\n[database]\napp_roles = [\"app\"]\n",
    );
    krate.write("migrations/1_tables.sql", TABLES);
    krate.write("migrations/2_registry.sql", &krate.run(&["sql"]).stdout);
    let mut checks = workflow().split_off(1);
    assert_eq!(checks.len(), 3);
    // The last one starts a server.
    checks.truncate(if has_server() { 3 } else { 2 });
    let (success, text) = run(&krate, "cargo table-registry sync");
    assert!(success, "{text}");
    for check in &checks {
        let (success, text) = run(&krate, check);
        assert!(success, "{check}\n{text}");
    }
    krate.write(
        "src/schema/users.rs",
        "#[table_registry::table]\npub struct Users { pub id: f64 }\n",
    );
    for check in &checks {
        let (success, text) = run(&krate, check);
        assert!(!success && text.contains("::error "), "{check}\n{text}");
    }
}
