//! `cargo check` of crates with the macros and of the same crates without them, and the cost of other macros that
//! read a directory. User CPU time, measured in pairs, alternately.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cost;
use crate::crates::{File, Macros, erp, library, synthetic, target, with_schema, without_macros, write};
use crate::table::{Rows, median, ratio, time};

const FILES: usize = 2_000;

pub fn rows() -> Rows {
    let mut rows = Rows::default();
    add(&mut rows, "the ERP crate", "erp", &erp(), 15);
    add(
        &mut rows,
        "the ERP crate with the derives of a usual project",
        "derived",
        &derived(),
        15,
    );
    add(
        &mut rows,
        "the crate with 2,000 tables",
        "many",
        &synthetic(FILES),
        5,
    );
    rows
}

/// The files of the ERP with the usual derives of row structs added: in the example, the structs derive nothing.
fn derived() -> Vec<File> {
    let files = erp().into_iter().map(|file| File {
        text: file.text.replace(
            "\npub struct ",
            "\n#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]\npub struct ",
        ),
        ..file
    });
    files.collect()
}

fn add(rows: &mut Rows, what: &str, name: &str, files: &[File], rounds: usize) {
    let with = with_schema(&format!("{name}_with"), files, Macros::With);
    let without = with_schema(&format!("{name}_without"), files, Macros::Without);
    for (how, incremental) in [("from scratch", "0"), ("again, incremental, after an edit", "1")] {
        let pairs = pairs(&with, &without, incremental, rounds);
        let added = median(
            pairs
                .iter()
                .map(|(with, without)| ratio(*with, *without))
                .collect(),
        );
        let (with, without): (Vec<Duration>, Vec<Duration>) = pairs.into_iter().unzip();
        let (with, without) = (median(with), median(without));
        rows.add(
            format!("{what}, {how}"),
            format!("{} with the macros, {} without", time(with), time(without)),
            format!("{:+.1} %", (added - 1.0) * 100.0),
        );
    }
}

fn pairs(with: &Path, without: &Path, incremental: &str, rounds: usize) -> Vec<(Duration, Duration)> {
    let check = |directory: &Path, round: usize| user_time(directory, incremental, round);
    // The first check also builds the dependencies, so it is not measured.
    check(with, 0);
    check(without, 0);
    (1..=rounds)
        .map(|round| (check(with, round), check(without, round)))
        .collect()
}

/// The user CPU time for checking the crate alone: its dependencies are already built, and its root was edited.
fn user_time(directory: &Path, incremental: &str, round: usize) -> Duration {
    let root = directory.join("src/lib.rs");
    let edited_before = fs::read_to_string(&root).expect("the root is there");
    let text = edited_before.split("// round").next().unwrap_or_default();
    write(&root, &format!("{text}// round {round}\n"));
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["check", "--quiet"]).current_dir(directory);
    cargo
        .env("CARGO_TARGET_DIR", target())
        .env("CARGO_INCREMENTAL", incremental);
    cost::of(&cargo).user
}

/// What each macro that reads a directory of [`FILES`] files adds to `cargo check`.
pub fn peers() -> Rows {
    let files = synthetic(FILES);
    let plain: Vec<File> = files
        .iter()
        .map(|file| File {
            module: file.module.clone(),
            text: without_macros(&file.text),
        })
        .collect();
    let ours = added(
        &with_schema("peer_ours", &files, Macros::With),
        &with_schema("peer_none", &plain, Macros::Without),
    );
    let mut rows = Rows::default();
    rows.add("`table_registry!` and 2,000 `#[table]`", time(ours), "");
    let mut add = |what: &str, peer: Duration| {
        rows.add(what, time(peer), format!("{:.2} × ours", ratio(peer, ours)));
    };
    let automod = peer_of_modules(&plain);
    add("`automod::dir!`, against `mod` lines written by hand", automod);
    add(
        "`include_dir!`",
        peer_of_files("include_dir", "include_dir = \"0.7\"", INCLUDE_DIR, &plain),
    );
    let sqlx = "sqlx = { version = \"0.8.6\", default-features = false, features = [\"macros\", \"migrate\", \"postgres\", \"runtime-tokio\"] }";
    add("`sqlx::migrate!`, on 2,000 migrations", peer_of_migrations(sqlx));
    rows
}

const INCLUDE_DIR: &str = "pub static SCHEMA: include_dir::Dir<'_> = include_dir::include_dir!(\"$CARGO_MANIFEST_DIR/src/schema\");\n";

fn added(with: &Path, without: &Path) -> Duration {
    let pairs = pairs(with, without, "0", 5);
    median(
        pairs
            .into_iter()
            .map(|(with, without)| with.saturating_sub(without))
            .collect(),
    )
}

fn peer_of_modules(files: &[File]) -> Duration {
    let by_hand = with_schema("peer_by_hand", files, Macros::Without);
    let automod = with_schema("peer_automod", files, Macros::Without);
    let manifest = automod.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).expect("the manifest is there");
    write(&manifest, &format!("{text}automod = \"1\"\n"));
    write(
        &automod.join("src/schema/mod.rs"),
        "automod::dir!(pub \"src/schema\");\n",
    );
    added(&automod, &by_hand)
}

/// Measures a macro in a crate that contains the files but does not compile them.
fn peer_of_files(name: &str, dependency: &str, root: &str, files: &[File]) -> Duration {
    let fill = |directory: PathBuf| {
        fs::create_dir_all(directory.join("src/schema")).expect("a new directory");
        for file in files {
            write(
                &directory.join(format!("src/schema/{}.rs", file.module)),
                &file.text,
            );
        }
        directory
    };
    let with = fill(library(&format!("peer_{name}"), dependency, root));
    let without = fill(library(&format!("peer_{name}_none"), dependency, "\n"));
    added(&with, &without)
}

fn peer_of_migrations(dependency: &str) -> Duration {
    let fill = |directory: PathBuf| {
        fs::create_dir_all(directory.join("migrations")).expect("a new directory");
        for number in 1..=FILES {
            let mut text = String::new();
            for column in 0..15 {
                writeln!(text, "ALTER TABLE t{number} ADD COLUMN c{column} text;")
                    .expect("a string takes every text");
            }
            write(&directory.join(format!("migrations/{number}_t.sql")), &text);
        }
        directory
    };
    let root = "pub static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!(\"./migrations\");\n";
    let with = fill(library("peer_sqlx", dependency, root));
    let without = fill(library("peer_sqlx_none", dependency, "\n"));
    added(&with, &without)
}
