//! The diagnostic type and its rendering.

use std::borrow::Cow;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Renderer, Snippet, Title};
use proc_macro2::Span;

use super::code::Code;
use super::severity::Severity;
use crate::text::{Source, without_mark};

/// A place in a source, and what to say about it.
#[derive(Clone, Debug)]
pub struct Label {
    /// The file.
    pub source: Arc<Source>,
    /// The bytes of the file to underline.
    pub range: Range<usize>,
    /// The text beside the underlined place. May be empty.
    pub text: Cow<'static, str>,
}

/// What is wrong, where, why, and how to fix it.
///
/// The wording follows the rustc development guide: lowercase, no full stop, names in backticks, the cause in a note,
/// the fix in a help.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// The rule that is broken.
    pub code: Code,
    /// Whether it is an error.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The places in files, the primary one first. Empty if [`Self::span`] is the place.
    pub labels: Vec<Label>,
    /// The place among the tokens that a macro was given. The compiler shows the excerpt.
    pub span: Option<Span>,
    /// The causes.
    pub notes: Vec<String>,
    /// The possible fixes.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// An error without a place, which [`Self::at`] or [`Self::spanned`] adds.
    pub fn new(code: impl Into<Code>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            span: None,
            notes: Vec::new(),
            helps: Vec::new(),
        }
    }

    /// Whether the diagnostic is about this rule.
    pub fn is(&self, code: impl Into<Code>) -> bool {
        self.code == code.into()
    }

    /// Adds a place in a file; the first one is the primary place.
    #[must_use]
    pub fn at(
        mut self,
        source: &Arc<Source>,
        range: Range<usize>,
        text: impl Into<Cow<'static, str>>,
    ) -> Self {
        self.labels.push(Label {
            source: Arc::clone(source),
            range,
            text: text.into(),
        });
        self
    }

    /// Sets the place among the tokens that a macro was given.
    #[must_use]
    pub fn spanned(mut self, span: Span) -> Self {
        self.span = Some(span);
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.notes.push(text.into());
        self
    }

    /// Adds a fix.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    /// Adds a fix, if there is one.
    #[must_use]
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.helps.extend(text);
        self
    }

    /// The whole text without colour and without a final line break, as it follows `error: ` in rustc's output and
    /// in ours.
    #[must_use]
    pub fn render(&self) -> String {
        let title = Level::ERROR.no_name().primary_title(self.message.as_str());
        let text = Renderer::plain().render(&[self.group(title)]);
        text.trim_start_matches(": ").to_string()
    }

    /// The whole text in colour, from `error: ` or `warning: ` on.
    #[must_use]
    pub fn render_styled(&self) -> String {
        let level = match self.severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        Renderer::styled().render(&[self.group(level.primary_title(self.message.as_str()))])
    }

    fn group<'d>(&'d self, title: Title<'d>) -> Group<'d> {
        title
            .elements(self.snippets())
            .elements(self.notes.iter().map(|note| Level::NOTE.message(note)))
            .elements(self.helps.iter().map(|help| Level::HELP.message(help)))
            .element(Level::NOTE.message(self.code_note()))
    }

    fn code_note(&self) -> String {
        format!("diagnostic code `{}`", self.code)
    }

    /// One excerpt per file, that of the primary place first.
    fn snippets(&self) -> Vec<Element<'_>> {
        let mut files: Vec<&Arc<Source>> = Vec::new();
        for label in &self.labels {
            if files.iter().all(|file| file.path != label.source.path) {
                files.push(&label.source);
            }
        }
        files.into_iter().map(|file| self.snippet(file).into()).collect()
    }

    fn snippet<'s>(&'s self, file: &'s Source) -> Snippet<'s, Annotation<'s>> {
        let kinds = iter::once(AnnotationKind::Primary).chain(iter::repeat(AnnotationKind::Context));
        let here = self
            .labels
            .iter()
            .zip(kinds)
            .filter(|(label, _)| label.source.path == file.path);
        // For the compiler, a byte order mark is not part of the first line.
        let shown = without_mark(&file.text);
        let mark = file.text.len() - shown.len();
        let in_shown = |place: usize| place.saturating_sub(mark);
        Snippet::source(shown)
            .path(file.path.as_str())
            .annotations(here.map(|(label, kind)| {
                let range = in_shown(label.range.start)..in_shown(label.range.end);
                kind.span(range).label(label.text.as_ref())
            }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Fault;

    #[test]
    fn renders_excerpt_note_help_and_code() {
        let source = Arc::new(Source::new("policy.toml", "[overrides]\nusrs = \"system\"\n"));
        let fault = Diagnostic::new(Fault::UnknownOverride, "override refers to nothing")
            .at(&source, 12..16, "not a table")
            .note("why")
            .help("what to do");
        assert_eq!(
            fault.render(),
            "override refers to nothing
 --> policy.toml:2:1
  |
2 | usrs = \"system\"
  | ^^^^ not a table
  |
  = note: why
  = help: what to do
  = note: diagnostic code `unknown-override`"
        );
    }

    #[test]
    fn a_byte_order_mark_takes_no_column() {
        for mark in ["", "\u{feff}"] {
            let text = format!("{mark}struct User;\r\n\tstruct User;\r\n");
            let first = text.find("User").unwrap();
            let second = text.rfind("User").unwrap();
            let source = Arc::new(Source::new("one.rs", text));
            let fault = Diagnostic::new(Fault::DuplicateTable, "twice")
                .at(&source, first..first + 4, "first")
                .at(&source, second..second + 4, "second");
            assert_eq!(
                fault.render(),
                "twice
 --> one.rs:1:8
  |
1 | struct User;
  |        ^^^^ first
2 |     struct User;
  |            ---- second
  |
  = note: diagnostic code `duplicate-table`"
            );
        }
    }

    #[test]
    fn renders_two_places_of_two_files() {
        let one = Arc::new(Source::new("one.rs", "struct User;\n"));
        let two = Arc::new(Source::new("two.rs", "\n\nstruct User;\n"));
        let text = Diagnostic::new(Fault::DuplicateTable, "twice")
            .at(&one, 7..11, "here")
            .at(&two, 9..13, "and here")
            .render();
        assert!(text.contains("one.rs:1:8"), "{text}");
        assert!(text.contains("two.rs:3:8"), "{text}");
    }
}
