//! The program as users run it, on temporary crates.
//!
//! `SNAPSHOTS=overwrite cargo test -p cargo-table-registry` updates the expected output.

#![allow(
    clippy::needless_raw_string_hashes,
    clippy::too_many_lines,
    reason = "snapbox writes snapshots in this form, and they are as long as the output"
)]

mod actions;
#[cfg(unix)]
mod documents;
#[cfg(unix)]
mod guide;
mod harness;
mod help;
mod lint;
mod list;
#[cfg(unix)]
mod matrix;
mod migrations;
mod mutations;
mod pictures;
mod policy;
#[cfg(unix)]
mod report;
mod scaffold;
mod selection;
#[cfg(unix)]
mod server;
mod several;
mod shapes;
mod supabase;
mod sync;
#[cfg(unix)]
mod tenancy;
#[cfg(unix)]
mod texts;
#[cfg(unix)]
mod variables;
mod verify;
