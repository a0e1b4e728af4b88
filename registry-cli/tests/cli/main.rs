//! The program as its users run it, on real temporary crates.
//!
//! `SNAPSHOTS=overwrite cargo test -p cargo-table-registry` rewrites the expected output.

#![allow(
    clippy::needless_raw_string_hashes,
    clippy::too_many_lines,
    reason = "snapshots are written in this form, and are as long as the output"
)]

mod harness;
mod help;
mod lint;
mod list;
mod policy;
mod scaffold;
mod selection;
#[cfg(unix)]
mod server;
mod sync;
#[cfg(unix)]
mod texts;
#[cfg(unix)]
mod verify;
mod workflow;
