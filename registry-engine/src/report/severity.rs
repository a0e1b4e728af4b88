//! How serious a diagnostic is.

/// Whether a diagnostic is an error or a warning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// It fails the build or the command.
    Error,
    /// It should be fixed, but nothing fails.
    Warning,
}
