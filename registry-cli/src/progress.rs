//! A progress bar for long work. Nothing is drawn if stderr is not a terminal.

use indicatif::{ProgressBar, ProgressFinish, ProgressStyle};

/// The prefix is as wide as that of cargo's status lines.
const TEMPLATE: &str = "{prefix:>12} [{bar:25}] {pos}/{len} {msg}";

/// A bar with a number of steps. Dropping it removes it from the terminal.
pub fn bar(verb: &'static str, steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(steps as u64)
        .with_style(style.progress_chars("=> "))
        .with_prefix(verb)
        .with_finish(ProgressFinish::AndClear)
}
