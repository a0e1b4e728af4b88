//! The command line as whole processes, optimised as by `cargo install`.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::cost;
use crate::crates::{Macros, erp, repository, synthetic, with_schema};
use crate::table::{Rows, median, time};

pub fn rows() -> Rows {
    let program = program();
    let mut rows = Rows::default();
    let erp = with_schema("command_erp", &erp(), Macros::With);
    sync_check(&mut rows, &program, "the ERP, 175 tables", &erp, 15);
    let many = with_schema("command_10000", &synthetic(10_000), Macros::With);
    sync_check(&mut rows, &program, "10,000 tables", &many, 5);
    let mut verify = Command::new(&program);
    verify.args([
        "table-registry",
        "verify",
        "--migrations",
        "migrations",
        "--probe",
    ]);
    verify.current_dir(repository().join("examples/erp"));
    let costs = (0..5).map(|_| cost::of(&verify).wall).collect();
    rows.add(
        "`verify --migrations --probe` on the ERP: a server of its own, 3 migrations, 175 tables",
        time(median(costs)),
        "",
    );
    rows
}

pub fn program() -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "-p", "cargo-table-registry"]);
    assert!(
        cargo
            .current_dir(repository())
            .status()
            .is_ok_and(|status| status.success())
    );
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository().join("target"), PathBuf::from);
    target.join("release/cargo-table-registry")
}

fn sync_check(rows: &mut Rows, program: &Path, what: &str, directory: &Path, rounds: usize) {
    let command = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command
            .arg("table-registry")
            .args(arguments)
            .current_dir(directory);
        command
    };
    cost::of(&command(&["sync"]));
    let costs: Vec<_> = (0..rounds)
        .map(|_| cost::of(&command(&["sync", "--check"])))
        .collect();
    let wall = median(costs.iter().map(|cost| cost.wall).collect());
    let peak = median(costs.iter().map(|cost| cost.peak_kib).collect());
    rows.add(
        format!("`sync --check`, {what}"),
        format!("{}, peak memory {} MiB", time(wall), peak / 1024),
        "with `cargo metadata`, which it runs",
    );
}
