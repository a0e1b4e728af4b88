//! What keeps a command from doing its work: wrong usage, or input that cannot be read.

use std::fmt::Display;
use std::io;
use std::path::Path;

use annotate_snippets::{Level, Renderer};
use table_registry_engine::display;

/// Ends a command with exit code 2. Worded and rendered like every other diagnostic.
#[derive(Debug)]
pub struct Failure {
    message: String,
    notes: Vec<String>,
    helps: Vec<String>,
}

impl Failure {
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// The failure of an operation on a file or directory. `what` is its participle: `read`, `written`, ….
    pub fn io(what: &str, path: &Path, error: &io::Error) -> Self {
        Self::new(format!("`{}` cannot be {what}", display(path))).note(error.to_string())
    }

    pub fn note(mut self, text: impl Display) -> Self {
        self.notes.push(text.to_string());
        self
    }

    pub fn help(mut self, text: impl Display) -> Self {
        self.helps.push(text.to_string());
        self
    }

    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.helps.extend(text);
        self
    }

    pub fn render(&self) -> String {
        let notes = self.notes.iter().map(|note| Level::NOTE.message(note));
        let helps = self.helps.iter().map(|help| Level::HELP.message(help));
        let group = Level::ERROR
            .primary_title(self.message.as_str())
            .elements(notes)
            .elements(helps);
        Renderer::styled().render(&[group])
    }
}
