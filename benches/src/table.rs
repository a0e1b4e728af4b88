//! The table of results.

use std::fmt::{self, Display, Write as _};
use std::fs;
use std::path::Path;
use std::time::Duration;

/// The marks around the table in the README.
const MARKS: [&str; 2] = ["<!-- results -->\n", "<!-- end of results -->\n"];

/// The rows of one part; displays as Markdown, without a header.
#[derive(Default)]
pub struct Rows(String);

impl Rows {
    /// What was measured, how much it is, and what it is compared with.
    pub fn add(&mut self, what: impl Display, measured: impl Display, compared: impl Display) {
        writeln!(self.0, "| {what} | {measured} | {compared} |").expect("a string takes every text");
        // Shows the progress of long runs.
        eprintln!("{what}: {measured}; {compared}");
    }
}

impl Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[derive(Default)]
pub struct Table(String);

impl Table {
    pub fn part(&mut self, title: &str, rows: &str) {
        write!(
            self.0,
            "\n### {title}\n\n| | measured | compared |\n|---|---|---|\n{rows}"
        )
        .expect("a string takes every text");
    }

    /// Replaces the previous table in the README.
    pub fn keep(&self, readme: &Path) {
        let text = fs::read_to_string(readme).expect("the README is there");
        let [start, end] = MARKS;
        let (before, rest) = text.split_once(start).expect("the README has a mark");
        let (_, after) = rest.split_once(end).expect("the README has both marks");
        let text = format!("{before}{start}{self}\n{end}{after}");
        fs::write(readme, text).expect("the README can be written");
    }
}

impl Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

pub fn median<T: PartialOrd + Copy>(mut values: Vec<T>) -> T {
    values.sort_by(|one, other| one.partial_cmp(other).expect("times are numbers"));
    values[values.len() / 2]
}

/// How many times as long `one` takes as `other`.
pub fn ratio(one: Duration, other: Duration) -> f64 {
    one.as_secs_f64() / other.as_secs_f64()
}

/// With three significant digits.
pub fn time(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        1.0.. => format!("{seconds:.2} s"),
        0.001.. => format!("{:.1} ms", seconds * 1e3),
        _ => format!("{:.1} µs", seconds * 1e6),
    }
}
