//! How bad a finding is.

/// Whether a diagnostic is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Fails the build or the command.
    Error,
    /// Worth fixing, but fails nothing.
    Warning,
}
