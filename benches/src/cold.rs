//! Cold builds: all crates, in an empty target directory.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::cost::{self, Cost};
use crate::crates::{library, repository};
use crate::table::{Rows, ratio, time};

pub fn rows() -> Rows {
    let facade = format!("table-registry = {{ path = \"{}\" }}", repository().display());
    let mut rows = Rows::default();
    let (ours, crates) = built("cold_ours", &facade);
    rows.add("`table-registry`", described(&ours, crates), "");
    for (what, name, dependencies) in [
        (
            "`serde` with `derive`, and `toml`",
            "cold_serde",
            "serde = { version = \"1\", features = [\"derive\"] }\ntoml = \"1\"",
        ),
        (
            "`diesel` for PostgreSQL, without libpq",
            "cold_diesel",
            "diesel = { version = \"2.3\", default-features = false, features = [\"postgres_backend\"] }",
        ),
        (
            "`sqlx` with macros, for PostgreSQL",
            "cold_sqlx",
            "sqlx = { version = \"0.9\", features = [\"postgres\", \"runtime-tokio\"] }",
        ),
    ] {
        let (cost, crates) = built(name, dependencies);
        rows.add(
            what,
            described(&cost, crates),
            format!("{:.1} × the CPU time of ours", ratio(cost.user, ours.user)),
        );
    }
    rows
}

fn described(cost: &Cost, crates: usize) -> String {
    format!(
        "{crates} crates, {}, {} of CPU time",
        time(cost.wall),
        time(cost.user)
    )
}

fn built(name: &str, dependencies: &str) -> (Cost, usize) {
    let directory = library(name, dependencies, "\n");
    let target = directory.join("target");
    let _ = fs::remove_dir_all(&target);
    let cargo = |arguments: &[&str]| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo
            .args(arguments)
            .current_dir(&directory)
            .env("CARGO_TARGET_DIR", &target);
        cargo
    };
    // Downloads are not measured.
    assert!(
        cargo(&["fetch", "--quiet"])
            .status()
            .is_ok_and(|status| status.success())
    );
    let cost = cost::of(&cargo(&["build", "--quiet"]));
    (cost, crates(&directory))
}

/// The number of crates that are built, not counting the crate itself.
fn crates(directory: &Path) -> usize {
    let mut tree = Command::new(env!("CARGO"));
    tree.args([
        "tree",
        "--prefix",
        "none",
        "--edges",
        "normal,build",
        "--format",
        "{p}",
    ]);
    let output = tree.current_dir(directory).output().expect("cargo runs");
    let text = String::from_utf8(output.stdout).expect("text");
    let crates: BTreeSet<&str> = text
        .lines()
        .map(|line| line.split(" (").next().unwrap_or(line))
        .collect();
    crates.len() - 1
}
