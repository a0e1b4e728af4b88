//! Prints output: data to stdout, everything else to stderr.

use std::env;
use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anstyle::{AnsiColor, Style};
use table_registry_engine::{Code, Diagnostic, Fault, Root, Severity, display};

use crate::failure::Failure;

/// Prints a line for people. A failure to print is ignored.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(anstream::stderr(), $($text)*);
    }};
}
pub(crate) use say;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Nothing was found.
    Fine = 0,
    /// Something was found.
    Findings = 1,
    /// The command could not do its work: wrong usage, or input that cannot be read.
    Failed = 2,
}

/// Whether only findings and data are printed. Like the choice of colours, it holds for the whole process.
static QUIET: AtomicBool = AtomicBool::new(false);

pub fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

pub fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Prints what was done as cargo does: a verb and its object.
pub fn status(verb: &str, object: impl Display) {
    if is_quiet() {
        return;
    }
    let style = AnsiColor::Green.on_default().bold();
    say!("{style}{verb:>12}{style:#} {object}");
}

/// Prints what to do next.
pub fn next(text: impl Display) {
    if is_quiet() {
        return;
    }
    let style = AnsiColor::Cyan.on_default().bold();
    say!("{style}{:>12}{style:#} {text}", "Next");
}

/// Prints data. A reader that closes the pipe early, as in `… | head`, is not a failure.
pub fn data(text: &str) -> Result<(), Failure> {
    let mut out = anstream::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::new("the output cannot be written").note(error))
        }
        _ => Ok(()),
    }
}

/// Prints a unified diff as data, in colour on a terminal.
pub fn diff(text: &str) -> Result<(), Failure> {
    let colored = text.split_inclusive('\n').map(|line| {
        let color = match line.as_bytes() {
            [b'+', ..] => AnsiColor::Green,
            [b'-', ..] => AnsiColor::Red,
            [b'@', ..] => AnsiColor::Cyan,
            _ => return line.to_string(),
        };
        let (style, line) = (color.on_default(), line.trim_end_matches('\n'));
        format!("{style}{line}{style:#}\n")
    });
    data(&colored.collect::<String>())
}

/// Prints diagnostics for people, and returns the exit code for them.
pub fn human(list: &[Diagnostic]) -> Exit {
    for diagnostic in list {
        say!("{}\n", diagnostic.render_styled());
    }
    exit(list)
}

/// Prints diagnostics as annotations of GitHub Actions, and returns the exit code for them. Paths in the diagnostics
/// are relative to the root.
pub fn github(list: &[Diagnostic], root: &Root) -> Result<Exit, Failure> {
    let directory = in_repository(root);
    let annotations = list.iter().map(|diagnostic| annotation(diagnostic, &directory));
    data(&annotations.collect::<String>())?;
    Ok(exit(list))
}

/// Prints faults or warnings, with a summary.
pub fn faults(list: &[Diagnostic]) -> Exit {
    let exit = human(list);
    if !list.is_empty() {
        say!("{}", summary(list.iter().map(|one| one.severity)));
    }
    exit
}

/// `error: 2 errors, 1 warning found`, for at least one finding.
pub fn summary(severities: impl Iterator<Item = Severity>) -> String {
    let (errors, warnings): (Vec<Severity>, Vec<Severity>) =
        severities.partition(|severity| *severity == Severity::Error);
    let (errors, warnings) = (errors.len(), warnings.len());
    let counts = [(errors, "error"), (warnings, "warning")];
    let found = counts.into_iter().filter(|(count, _)| *count > 0);
    let text: Vec<String> = found.map(|(count, what)| counted(count, what)).collect();
    let (level, color) = if errors > 0 {
        ("error", AnsiColor::BrightRed)
    } else {
        ("warning", AnsiColor::Yellow)
    };
    let style: Style = color.on_default().bold();
    format!("{style}{level}{style:#}: {} found", text.join(", "))
}

/// `1 table`, `2 tables`.
pub fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}

/// The exit code for some diagnostics, decided by the most severe one.
pub fn exit(list: &[Diagnostic]) -> Exit {
    let errors = list.iter().filter(|one| one.severity == Severity::Error);
    let exits = errors.map(|error| {
        if is_unreadable(error.code) {
            Exit::Failed
        } else {
            Exit::Findings
        }
    });
    exits.max().unwrap_or(Exit::Fine)
}

/// Whether the fault is that something could not be read, so that its content is unknown.
pub fn is_unreadable(code: Code) -> bool {
    let Code::Fault(fault) = code else {
        return false;
    };
    matches!(
        fault,
        Fault::AbsolutePath
            | Fault::ConflictMarker
            | Fault::DirectoryNotFound
            | Fault::InvalidArgument
            | Fault::InvalidToml
            | Fault::NoTables
            | Fault::NotADirectory
            | Fault::NotUtf8
            | Fault::PolicyFileNotFound
            | Fault::UnreadableDirectory
            | Fault::UnreadableFile
            | Fault::UnreadableStruct
    )
}

/// A workflow command of GitHub Actions, with paths from the root of the repository:
/// <https://docs.github.com/actions/reference/workflows-and-actions/workflow-commands>.
fn annotation(diagnostic: &Diagnostic, in_repository: &str) -> String {
    let level = severity(diagnostic.severity);
    let mut properties = vec![("title", diagnostic.code.to_string())];
    if let Some(label) = diagnostic.labels.first() {
        let (line, column) = label.source.position(label.range.start);
        properties.extend([
            ("file", format!("{in_repository}{}", label.source.path)),
            ("line", line.to_string()),
            ("col", column.to_string()),
        ]);
    }
    let pairs: Vec<String> = properties
        .into_iter()
        .map(|(key, value)| format!("{key}={}", escaped_property(&value)))
        .collect();
    let message = escaped(&whole_text(diagnostic));
    format!("::{level} {}::{message}\n", pairs.join(","))
}

/// The path of the workspace in the repository that GitHub checked out. Ends in a slash, unless it is empty.
fn in_repository(root: &Root) -> String {
    let repository = env::var_os("GITHUB_WORKSPACE").map(PathBuf::from);
    let workspace = root.canonical(Path::new(""));
    let inside = repository.zip(workspace).and_then(|(repository, workspace)| {
        let canonical = repository.canonicalize().unwrap_or(repository);
        Some(display(workspace.strip_prefix(canonical).ok()?) + "/")
    });
    inside.filter(|path| path != "/").unwrap_or_default()
}

/// The message, its notes and its helps, one per line.
pub fn whole_text(diagnostic: &Diagnostic) -> String {
    let notes = diagnostic.notes.iter().map(|note| format!("\nnote: {note}"));
    let helps = diagnostic.helps.iter().map(|help| format!("\nhelp: {help}"));
    diagnostic.message.clone() + &notes.chain(helps).collect::<String>()
}

/// The word for a severity.
pub fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

fn escaped(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn escaped_property(text: &str) -> String {
    escaped(text).replace(':', "%3A").replace(',', "%2C")
}

/// The version of all JSON that the program prints. It changes when a field is removed or changes its meaning, not
/// when a field is added.
pub const JSON_VERSION: u32 = 1;

/// Prints one JSON value and a line break.
pub fn json(value: &impl serde::Serialize) -> Result<(), Failure> {
    let unwritable = |error| Failure::new("the output cannot be written").note(io::Error::from(error));
    let text = serde_json::to_string_pretty(value).map_err(unwritable)?;
    data(&(text + "\n"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use table_registry_engine::{Lint, Source};

    use super::*;

    #[test]
    fn annotations_escape_line_breaks_and_separators() {
        let source = Arc::new(Source::new("a,b:c.rs", "x\n  y"));
        let fault = Diagnostic::new(Lint::FloatMoney, "100 %\nsure")
            .at(&source, 4..5, "")
            .help("h");
        assert_eq!(
            annotation(&fault, "api/"),
            "::error title=float-money,file=api/a%2Cb%3Ac.rs,line=2,col=3::100 %25%0Asure%0Ahelp: h\n"
        );
    }

    #[test]
    fn the_worst_diagnostic_decides_the_exit_code() {
        let of = |code: Code, severity| {
            let mut fault = Diagnostic::new(code, "");
            fault.severity = severity;
            fault
        };
        let warning = of(Lint::ReservedWord.into(), Severity::Warning);
        let finding = of(Lint::FloatMoney.into(), Severity::Error);
        let unreadable = of(Fault::InvalidToml.into(), Severity::Error);
        assert_eq!(exit(&[]), Exit::Fine);
        assert_eq!(exit(std::slice::from_ref(&warning)), Exit::Fine);
        assert_eq!(exit(&[warning.clone(), finding.clone()]), Exit::Findings);
        assert_eq!(exit(&[unreadable, finding.clone()]), Exit::Failed);
        let text = anstream::adapter::strip_str(&summary([finding, warning].iter().map(|one| one.severity)))
            .to_string();
        assert_eq!(text, "error: 1 error, 1 warning found");
    }
}
