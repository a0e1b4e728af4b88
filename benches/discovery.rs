//! Finding and validating the tables of the ERP example, against `syn::parse_file` over the same
//! files: both read the files, in the same run, taking turns.
//!
//! `cargo bench -p benches --profile dev` measures what users feel: their compiler runs the macro
//! unoptimised.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use registry_core::engine::{CallSite, Invocation, run};

const ROUNDS: usize = 15;

fn main() {
    let erp = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/erp/src");
    let files = schema_files(&erp.join("schema"));
    let mut ours = Vec::new();
    let mut reading = Vec::new();
    let mut parsing = Vec::new();
    for _ in 0..ROUNDS {
        ours.push(timed(|| find_and_validate(&erp)));
        reading.push(timed(|| read(&files)));
        parsing.push(timed(|| parse(&files)));
    }
    let (ours, reading, parsing) = (median(ours), median(reading), median(parsing));
    println!(
        "{} files of the ERP example, median of {ROUNDS} rounds",
        files.len()
    );
    println!("reading the files                     {reading:>10.2?}");
    println!("finding and validating, with reading  {ours:>10.2?}");
    println!("syn::parse_file, with reading         {parsing:>10.2?}");
    println!(
        "finding and validating takes 1/{:.1} of syn::parse_file",
        parsing.as_secs_f64() / ours.as_secs_f64()
    );
}

fn schema_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("the ERP example lies beside the benches");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("a readable directory").path())
        .collect();
    files.sort();
    files
}

fn find_and_validate(source: &Path) {
    let mut faults = Vec::new();
    let invocation = Invocation::parse("\"schema/\"".parse().expect("tokens"), &mut faults);
    let outcome = run(&invocation, &CallSite::new(source.join("lib.rs")));
    assert!(outcome.faults.is_empty() && faults.is_empty());
    assert_eq!(outcome.registry.tables().len(), 175);
    black_box(outcome.registry);
}

fn read(files: &[PathBuf]) {
    for file in files {
        black_box(fs::read_to_string(file).expect("a readable file"));
    }
}

fn parse(files: &[PathBuf]) {
    for file in files {
        let text = fs::read_to_string(file).expect("a readable file");
        black_box(syn::parse_file(&text).expect("valid Rust"));
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}
