//! Prints a table of ratios, each of two things measured side by side in one run: `cargo run --release -p benches`.
//!
//! An argument selects one part: `engine`, `check`, `derives`, `peers`, `cold`, `commands`, `database`, `policies`,
//! `lookup`, or `curve`, which prints the points of the picture. Users run the engine unoptimised, so measure that part in the dev profile:
//! `cargo run -p benches -- engine`.

mod check;
mod cold;
mod commands;
mod cost;
mod crates;
mod curve;
mod database;
mod engine;
mod lookup;
mod policies;
#[path = "../../registry-cli/tests/cli/server.rs"]
#[expect(dead_code, reason = "the tests of the command line use more of it")]
mod server;
mod table;

use std::env;
use std::ffi::OsString;
use std::process::Command;

use crates::repository;
use table::Table;

fn main() {
    cost::own_program();
    let mut arguments = env::args_os().skip(1);
    let part = arguments.next().unwrap_or_default();
    match part.to_string_lossy().as_ref() {
        "" => everything(),
        "engine" => print!("{}", engine::rows()),
        // For `valgrind --tool=callgrind`.
        "profile" => engine::once(arguments.next()),
        "curve" => print!("{}", engine::curve()),
        "check" => print!("{}", check::rows()),
        "derives" => print!("{}", check::derives()),
        "peers" => print!("{}", check::peers()),
        "cold" => print!("{}", cold::rows()),
        "commands" => print!("{}", commands::rows()),
        "database" => print!("{}", database::rows()),
        "policies" => print!("{}", policies::rows()),
        "lookup" => print!("{}", lookup::rows()),
        "cost" => cost::print(&arguments.collect::<Vec<OsString>>()),
        other => panic!("there is no part `{other}`"),
    }
}

fn everything() {
    let mut table = Table::default();
    table.part(
        "The engine, unoptimised, as users run it",
        &in_profile("dev", "engine"),
    );
    table.part("The engine, optimised", &in_profile("release", "engine"));
    table.part(
        "What the whole registry adds to `cargo check` of 2,000 bare structs, compared with derives, user CPU time",
        &check::derives().to_string(),
    );
    table.part("`cargo check`, user CPU time", &check::rows().to_string());
    table.part(
        "What reading 2,000 files adds to `cargo check`, user CPU time",
        &check::peers().to_string(),
    );
    table.part(
        "A cold build of a crate with nothing but the dependency",
        &cold::rows().to_string(),
    );
    table.part("The command line, whole processes", &commands::rows().to_string());
    table.part(
        "Commands that read a database, from 2,000 to 10,000 tables",
        &database::rows().to_string(),
    );
    table.part(
        "Policies: one of 1,000 tenants counts its rows among 1,000,000",
        &policies::rows().to_string(),
    );
    table.part("Look-up by name", &lookup::rows().to_string());
    let curve = in_profile("dev", "curve");
    curve::draw(&curve, &repository().join("benches/curve.svg"));
    table.keep(&repository().join("benches/README.md"));
    print!("{table}");
}

/// The output of one part, measured in another profile.
fn in_profile(profile: &str, part: &str) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([
        "run",
        "--quiet",
        "-p",
        "benches",
        "--profile",
        profile,
        "--",
        part,
    ]);
    let output = cargo.current_dir(repository()).output().expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}
