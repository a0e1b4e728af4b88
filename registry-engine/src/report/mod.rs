//! Takes what is wrong with a source; returns the diagnostic, under a stable code and in one rendering for macros and
//! command line.

mod checks;
mod code;
mod diagnostic;
mod family;
mod faults;
mod level;
mod lints;
mod reading;
mod severity;

pub use checks::{CheckSubject, DatabaseCheck};
pub use code::Code;
pub use diagnostic::{Diagnostic, Label};
pub use faults::Fault;
pub use level::Level;
pub use lints::{Lint, LintOption};
pub use reading::{conflict, not_utf8, unreadable_directory, unreadable_file};
pub use severity::Severity;
