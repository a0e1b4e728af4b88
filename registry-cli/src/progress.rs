//! What a person sees while they wait. Nothing is drawn if stderr is not a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::report::is_quiet;

/// The prefix is as wide as that of cargo's status lines.
const TEMPLATE: &str = "{prefix:>12} [{bar:25}] {pos}/{len} {msg}";

/// A bar with a number of steps. Dropping it removes it from the terminal.
pub fn bar(verb: &'static str, steps: usize) -> ProgressBar {
    let style = ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar());
    shown(ProgressBar::new(steps as u64), verb, style.progress_chars("=> "))
}

/// The template of work whose length nobody knows.
const UNKNOWN: &str = "{prefix:>12} {msg} {spinner}";

/// A line about work whose length nobody knows. Dropping it removes it from the terminal.
pub fn spinner(verb: &'static str, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template(UNKNOWN).unwrap_or_else(|_| ProgressStyle::default_spinner());
    let spinner = shown(ProgressBar::new_spinner(), verb, style).with_message(what);
    if !spinner.is_hidden() {
        spinner.enable_steady_tick(Duration::from_millis(100));
    }
    spinner
}

fn shown(bar: ProgressBar, verb: &'static str, style: ProgressStyle) -> ProgressBar {
    if is_quiet() {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    bar.with_style(style)
        .with_prefix(verb)
        .with_finish(ProgressFinish::AndClear)
}
