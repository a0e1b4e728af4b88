//! Runs the workflow in the README line by line.

use std::env;
use std::fs;
use std::process::Command;

use crate::harness::{Crate, repository, target};

/// The shell commands of the workflow.
fn commands() -> Vec<String> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let workflow = readme
        .split("```yaml\n")
        .nth(1)
        .expect("a workflow")
        .split("```")
        .next()
        .unwrap();
    let lines = workflow
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- run: "));
    lines.map(str::to_string).collect()
}

/// Runs a command in a shell whose `PATH` has the installed program.
fn run(krate: &Crate, command: &str) -> (bool, String) {
    let path = env::var("PATH").unwrap();
    let output = Command::new("sh")
        .args(["-c", command])
        .current_dir(krate.path())
        .env(
            "PATH",
            format!("{}:{path}", krate.path().join("installed/bin").display()),
        )
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_INSTALL_ROOT", krate.path().join("installed"))
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].map(|part| String::from_utf8(part).unwrap());
    (output.status.success(), text.concat())
}

/// The commands of the first day, as the README shows them, without the installation.
fn first_day() -> Vec<String> {
    let readme = fs::read_to_string(repository().join("README.md")).unwrap();
    let block = readme
        .split("```console\n")
        .nth(1)
        .expect("a console")
        .split("```")
        .next()
        .unwrap();
    let commands = block
        .lines()
        .map(|line| line.strip_prefix("$ ").unwrap().to_string());
    commands
        .filter(|command| command.starts_with("cargo table-registry"))
        .collect()
}

#[test]
fn every_line_runs() {
    let krate = Crate::shop();
    let commands = commands();
    let [install, checks @ ..] = commands.as_slice() else {
        panic!("no line")
    };
    // Installs the program from this repository, in the profile that the tests use.
    let package = repository().join("registry-cli");
    let local = install.replace(
        "cargo-table-registry",
        &format!("--path {} --debug", package.display()),
    );
    assert_eq!(install, "cargo install cargo-table-registry --locked");
    let (success, text) = run(&krate, &local);
    assert!(success, "{text}");
    let library = Crate::with(&[("src/lib.rs", "")]);
    library.write(
        "Cargo.toml",
        "[package]\nname = \"shop\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
    );
    fs::rename(krate.path().join("installed"), library.path().join("installed")).unwrap();
    for command in first_day() {
        let (success, text) = run(&library, &command);
        assert!(success, "{command}\n{text}");
    }
    assert!(library.has("src/schema/invoices.rs") && library.has("src/schema/audit_logs.rs"));
    fs::rename(library.path().join("installed"), krate.path().join("installed")).unwrap();
    let (success, text) = run(&krate, "cargo table-registry sync");
    assert!(success, "{text}");
    assert_eq!(checks.len(), 2);
    for check in checks {
        let (success, text) = run(&krate, check);
        assert!(success, "{check}\n{text}");
    }
    // The checks fail if there is something to report.
    krate.write(
        "src/schema/users.rs",
        "#[table_registry::table]\npub struct Users { pub id: f64 }\n",
    );
    for check in checks {
        let (success, text) = run(&krate, check);
        assert!(!success && text.contains("::error "), "{check}\n{text}");
    }
}
