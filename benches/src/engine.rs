//! The engine in this process, compared with reading, lexing and parsing the same files, in turns.

use std::ffi::OsString;
use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use quote::quote;
use ra_ap_rustc_lexer::{FrontmatterAllowed, tokenize};
use table_registry_engine::{Analysis, CallSite, Invocation, Root, expand, run};

use crate::crates::{Macros, erp, synthetic, with_schema};
use crate::table::{Rows, median, ratio, time};

const CURVE: &[usize] = &[250, 500, 1_000, 2_000, 4_000, 7_000, 10_000];

/// The times for one number of tables.
struct Times {
    finding: Duration,
    /// Finding, validating and expanding.
    ours: Duration,
    reading: Duration,
    lexing: Duration,
    parsing: Duration,
}

pub fn rows() -> Rows {
    let mut rows = Rows::default();
    let erp = with_schema("engine_erp", &erp(), Macros::With);
    let small = add(&mut rows, "ERP, 175 tables", &erp, 175, 15);
    let two = add(&mut rows, "2,000 tables", &synthetic_crate(2_000), 2_000, 5);
    let ten = add(&mut rows, "10,000 tables", &synthetic_crate(10_000), 10_000, 3);
    for (what, one, other, linear) in [
        ("from 175 to 2,000 tables", small.ours, &two, 2_000.0 / 175.0),
        ("from 2,000 to 10,000 tables", two.ours, &ten, 5.0),
    ] {
        rows.add(
            what,
            format!("{:.2} times the time", ratio(other.ours, one)),
            format!("linear is {linear:.1}"),
        );
    }
    rows
}

fn add(rows: &mut Rows, what: &str, directory: &Path, tables: usize, rounds: usize) -> Times {
    let times = measured(directory, tables, rounds);
    for (does, own) in [
        ("finding and validating", times.finding),
        ("finding, validating and expanding", times.ours),
    ] {
        rows.add(
            format!("{what}: {does}, with reading"),
            time(own),
            format!(
                "1/{:.1} of `syn::parse_file`, {:.2} × lexing alone, {:.1} × reading alone",
                ratio(times.parsing, own),
                ratio(own, times.lexing),
                ratio(own, times.reading)
            ),
        );
    }
    times
}

/// One line for each point of the curve: the number of tables, then the milliseconds of the engine, of lexing and
/// of parsing.
pub fn curve() -> String {
    let lines = CURVE.iter().map(|tables| {
        let times = measured(&synthetic_crate(*tables), *tables, 3);
        let [ours, lexing, parsing] =
            [times.ours, times.lexing, times.parsing].map(|time| time.as_secs_f64() * 1e3);
        eprintln!("{tables}: {ours:.1} ms");
        format!("{tables} {ours:.3} {lexing:.3} {parsing:.3}\n")
    });
    lines.collect()
}

/// Runs the engine once, on the ERP example or on a number of tables.
pub fn once(tables: Option<OsString>) {
    match tables.map(|number| number.to_string_lossy().parse().expect("a number")) {
        Some(tables) => engine(&synthetic_crate(tables), tables),
        None => engine(&with_schema("engine_erp", &erp(), Macros::With), 175),
    }
}

fn synthetic_crate(tables: usize) -> PathBuf {
    with_schema(&format!("engine_{tables}"), &synthetic(tables), Macros::With)
}

fn measured(directory: &Path, tables: usize, rounds: usize) -> Times {
    let files = files(&directory.join("src/schema"));
    let (mut finding, mut ours) = (Vec::new(), Vec::new());
    let (mut reading, mut lexing, mut parsing) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        finding.push(timed(|| drop(black_box(found(directory, tables)))));
        ours.push(timed(|| engine(directory, tables)));
        reading.push(timed(|| for_each(&files, |text| drop(black_box(text)))));
        lexing.push(timed(|| for_each(&files, |text| lex(&text))));
        parsing.push(timed(|| for_each(&files, |text| parse(&text))));
    }
    Times {
        finding: median(finding),
        ours: median(ours),
        reading: median(reading),
        lexing: median(lexing),
        parsing: median(parsing),
    }
}

fn files(schema: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(schema).expect("the schema is there");
    entries
        .map(|entry| entry.expect("a readable directory").path())
        .collect()
}

fn found(directory: &Path, tables: usize) -> Analysis {
    let mut faults = Vec::new();
    let invocation = Invocation::parse(quote!("schema/"), &mut faults);
    let analysis = run(&invocation, &call(directory));
    assert!(analysis.faults.is_empty() && faults.is_empty());
    assert_eq!(analysis.registry.tables().len(), tables);
    analysis
}

fn call(directory: &Path) -> CallSite {
    CallSite::new(Root::current(), directory.join("src/lib.rs"))
}

fn engine(directory: &Path, tables: usize) {
    let analysis = found(directory, tables);
    black_box(expand(
        &analysis.registry,
        &analysis.tracked(&call(directory)),
        &[],
    ));
}

fn for_each(files: &[PathBuf], work: impl Fn(String)) {
    for file in files {
        work(fs::read_to_string(file).expect("a readable file"));
    }
}

fn lex(text: &str) {
    black_box(tokenize(text, FrontmatterAllowed::No).count());
}

fn parse(text: &str) {
    black_box(syn::parse_file(text).expect("valid Rust"));
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}
