//! `cargo check` of crates with the macros and without them, and what other macros add that read a directory.
//! User CPU time, in pairs that take turns.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::cost;
use crate::crates::{File, Macros, erp, library, synthetic, target, with_schema, without_macros, write};
use crate::table::{Rows, median, ratio, time};

const FILES: usize = 2_000;

/// What each way adds to [`FILES`] structs without any attribute: the registry, or a derive.
pub fn derives() -> Rows {
    const ROUNDS: usize = 3;
    let files = synthetic(FILES);
    let bare = with_schema("derives_none", &files, Macros::Without);
    let ours = with_schema("derives_ours", &files, Macros::With);
    let derived = ["Debug", "Clone", "serde::Serialize, serde::Deserialize"].map(|derive| {
        let name = format!("derives_{}", &derive[..5].to_lowercase());
        (
            derive,
            with_schema(&name, &with_derive(&files, derive), Macros::Without),
        )
    });
    // Builds the dependencies.
    user_time(&bare, "0", 0);
    let (mut by_ours, mut by_derives) = (Vec::new(), derived.each_ref().map(|_| Vec::new()));
    for round in 1..=ROUNDS {
        let without = user_time(&bare, "0", round);
        let added = |directory: &Path| user_time(directory, "0", round).saturating_sub(without);
        by_ours.push(added(&ours));
        for ((_, directory), times) in derived.iter().zip(&mut by_derives) {
            times.push(added(directory));
        }
    }
    let ours = median(by_ours);
    let mut rows = Rows::default();
    rows.add("`table_registry!` and 2,000 `#[table]`", time(ours), "");
    for ((derive, _), times) in derived.iter().zip(by_derives) {
        let peer = median(times);
        rows.add(
            format!("`#[derive({derive})]`"),
            time(peer),
            format!("ours is {:.3} × this", ratio(ours, peer)),
        );
    }
    rows
}

pub fn rows() -> Rows {
    let mut rows = Rows::default();
    let files = with_derive(
        &erp(),
        "Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize",
    );
    add(
        &mut rows,
        "the ERP crate with the derives of a usual project",
        "derived",
        &files,
        15,
    );
    rows
}

fn with_derive(files: &[File], derives: &str) -> Vec<File> {
    let files = files.iter().map(|file| File {
        module: file.module.clone(),
        text: file
            .text
            .replace("\npub struct ", &format!("\n#[derive({derives})]\npub struct ")),
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
    // The first check builds the dependencies, and is not measured.
    check(with, 0);
    check(without, 0);
    (1..=rounds)
        .map(|round| (check(with, round), check(without, round)))
        .collect()
}

/// The time to check the crate alone, after an edit of its root. The dependencies are already built.
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

/// What our macros and others add to `cargo check` for a directory of [`FILES`] files.
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
    let sqlx = "sqlx = { version = \"0.9\", default-features = false, features = [\"macros\", \"migrate\", \"postgres\", \"runtime-tokio\"] }";
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

/// A macro that reads the files but does not compile them.
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
