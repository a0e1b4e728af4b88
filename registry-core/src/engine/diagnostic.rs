//! The one diagnostic type, and its one rendering.

use std::borrow::Cow;
use std::fmt;
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{Annotation, AnnotationKind, Element, Group, Level, Renderer, Snippet, Title};
use proc_macro2::Span;

use super::source::Source;

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal,)*) => {
        /// The stable name of one rule; shown with each diagnostic.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $($(#[$doc])* $variant,)*
        }

        impl Code {
            /// Every code.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// The code in kebab-case.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

codes! {
    /// A path that must be relative to the invoking file is absolute.
    AbsolutePath = "absolute-path",
    /// An exception from a lint or a database check has no reason.
    AllowWithoutReason = "allow-without-reason",
    /// Database: a role of the application owns a registered table, its schema, or can become its owner.
    AppRoleOwnsTable = "app-role-owns-table",
    /// Database: a role of the application may change rows of an append-only table.
    AppendOnlyPrivilege = "append-only-privilege",
    /// Database: a foreign key changes rows of an append-only table.
    CascadeIntoAppendOnly = "cascade-into-append-only",
    /// Lint: a column is not called in `snake_case`.
    ColumnNotSnakeCase = "column-not-snake-case",
    /// Database: a column does not have the type of its field.
    ColumnTypeMismatch = "column-type-mismatch",
    /// Two ORM attributes on one struct name different tables.
    ConflictingNames = "conflicting-names",
    /// Database: a new table would be open to changes that append-only tables refuse.
    DefaultPrivilege = "default-privilege",
    /// Database: a function that runs as its owner opens a protected table.
    DefinerFunction = "definer-function",
    /// Database: a view that runs as its owner opens a protected table.
    DefinerView = "definer-view",
    /// A schema directory does not exist.
    DirectoryNotFound = "directory-not-found",
    /// A table or schema name contains a dot.
    DottedName = "dotted-name",
    /// Two structs declare one table.
    DuplicateTable = "duplicate-table",
    /// A name, or another text that must say something, is the empty string.
    EmptyName = "empty-name",
    /// An override names an exempt table.
    ExemptOverride = "exempt-override",
    /// The revoke list names an exempt table.
    ExemptRevoke = "exempt-revoke",
    /// A struct declares a table that the policy exempts.
    ExemptTableDeclared = "exempt-table-declared",
    /// An exempt table has no reason.
    ExemptWithoutReason = "exempt-without-reason",
    /// Database: a table has a column that its struct does not have.
    ExtraColumn = "extra-column",
    /// Lint: a column that holds money is a floating-point number.
    FloatMoney = "float-money",
    /// The arguments of `table_registry!` are malformed.
    InvalidArgument = "invalid-argument",
    /// A policy file is not valid TOML.
    InvalidToml = "invalid-toml",
    /// The value of a key, in `#[table]` or in a policy file, has the wrong form.
    InvalidValue = "invalid-value",
    /// Two tables would have the same typed key.
    KeyCollision = "key-collision",
    /// Database: a materialized view holds a copy of a table with row-level security.
    MaterializedView = "materialized-view",
    /// Database: a role of the application does not exist.
    MissingAppRole = "missing-app-role",
    /// Database: a table lacks a column of its struct.
    MissingColumn = "missing-column",
    /// Database: an exempt table does not exist.
    MissingExemptTable = "missing-exempt-table",
    /// Database: a table has no policy for what a role of the application may do.
    MissingPolicy = "missing-policy",
    /// Lint: a table lacks a column that every table must have.
    MissingRequiredColumn = "missing-required-column",
    /// Lint: an evidence or projection table is not append-only.
    MissingRevoke = "missing-revoke",
    /// Database: a registered table does not exist.
    MissingTable = "missing-table",
    /// Lint: a table with row-level security has no tenant column.
    MissingTenantColumn = "missing-tenant-column",
    /// Database: no trigger refuses changes of an append-only table.
    MissingTrigger = "missing-trigger",
    /// Lint: a truth table whose rows change does not say when.
    MissingUpdatedAt = "missing-updated-at",
    /// A key of `#[table]` has no value.
    MissingValue = "missing-value",
    /// The crate root has a module with the name of the generated one.
    NameTaken = "name-taken",
    /// A table or schema name is longer than PostgreSQL keeps.
    NameTooLong = "name-too-long",
    /// A schema directory declares no table.
    NoTables = "no-tables",
    /// A schema directory is something else.
    NotADirectory = "not-a-directory",
    /// `#[table]` stands on something other than a struct.
    NotAStruct = "not-a-struct",
    /// A struct that the scan found is not part of the crate.
    NotCompiled = "not-compiled",
    /// `table_registry!` stands in a module.
    NotInCrateRoot = "not-in-crate-root",
    /// A file is not UTF-8.
    NotUtf8 = "not-utf8",
    /// A table or schema name contains the character NUL.
    NulInName = "nul-in-name",
    /// Database: the tenant column of a table may be null.
    NullableTenantColumn = "nullable-tenant-column",
    /// Database: a policy lets every row through.
    OpenPolicy = "open-policy",
    /// A policy file was found nowhere.
    PolicyFileNotFound = "policy-file-not-found",
    /// Database: a policy does not say which rows may be written.
    PolicyWithoutCheck = "policy-without-check",
    /// Database: a role of the application is exempt from all rules, or can become one that is.
    PrivilegedAppRole = "privileged-app-role",
    /// Database: the server allows what its catalogs do not.
    ProbeAllowed = "probe-allowed",
    /// Lint: an override gives the kind that the struct declares.
    RedundantOverride = "redundant-override",
    /// A key stands twice in one `#[table]`, or one lint twice in a policy file.
    RepeatedKey = "repeated-key",
    /// The revoke list names a table twice.
    RepeatedRevoke = "repeated-revoke",
    /// `#[table]` stands twice on one struct.
    RepeatedTableAttribute = "repeated-table-attribute",
    /// Lint: a table or column is called as a reserved key word of PostgreSQL.
    ReservedWord = "reserved-word",
    /// Database: a rule, which runs as its owner, opens a protected table.
    RewriteRule = "rewrite-rule",
    /// Database: row-level security of a table is off.
    RlsDisabled = "rls-disabled",
    /// Database: row-level security does not hold for the owner of a table.
    RlsNotForced = "rls-not-forced",
    /// The lock file does not say what the sources and policy files say.
    StaleLock = "stale-lock",
    /// A generated module file does not name the files beside it.
    StaleModFile = "stale-mod-file",
    /// The revoke list names a table of kind `system`.
    SystemRevoke = "system-revoke",
    /// Lint: two crates of one workspace register the same table.
    TableInSeveralCrates = "table-in-several-crates",
    /// Lint: a table is not called by a plural in `snake_case`.
    TableNotPluralSnakeCase = "table-not-plural-snake-case",
    /// An exception from a lint or a database check names nothing that it could be about.
    UnknownAllow = "unknown-allow",
    /// A check of the database that does not exist.
    UnknownCheck = "unknown-check",
    /// A key that `#[table]` or a policy file does not have.
    UnknownKey = "unknown-key",
    /// A text that is no table kind.
    UnknownKind = "unknown-kind",
    /// A text that is no lint level.
    UnknownLevel = "unknown-level",
    /// A lint that does not exist.
    UnknownLint = "unknown-lint",
    /// The compiler does not say which file invokes the macro.
    UnknownLocation = "unknown-location",
    /// An override names a table that is not registered.
    UnknownOverride = "unknown-override",
    /// Lint: a column refers to a table that is not registered.
    UnknownReference = "unknown-reference",
    /// The revoke list names a table that is not registered.
    UnknownRevoke = "unknown-revoke",
    /// Database: a partition or inheritance child lacks the protection of its parent.
    UnprotectedChild = "unprotected-child",
    /// Database: what a table is a partition or an inheritance child of lacks its protection.
    UnprotectedParent = "unprotected-parent",
    /// A schema directory cannot be read.
    UnreadableDirectory = "unreadable-directory",
    /// A file cannot be read.
    UnreadableFile = "unreadable-file",
    /// The fields of a struct cannot be read.
    UnreadableStruct = "unreadable-struct",
    /// Database: a table is neither registered nor exempt.
    UnregisteredTable = "unregistered-table",
    /// Lint: an exception allows a finding that is not there.
    UnusedAllow = "unused-allow",
    /// A value in a policy file has the wrong type.
    WrongType = "wrong-type",
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A place in a source, and what to say about it.
#[derive(Clone, Debug)]
pub struct Label {
    /// The file.
    pub source: Arc<Source>,
    /// The bytes of the file that are meant.
    pub range: Range<usize>,
    /// What is there; may be empty.
    pub text: Cow<'static, str>,
}

/// Whether a diagnostic is an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// What must be mended.
    Error,
    /// What had better be mended.
    Warning,
}

/// One fault: what is wrong, where, why, and the way out.
///
/// Wording follows the rustc development guide: lowercase, no full stop, names in
/// backticks, the cause in a note, the fix in a help.
#[derive(Clone, Debug)]
pub struct Diagnostic {
    /// Which rule is broken.
    pub code: Code,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one line.
    pub message: String,
    /// The places in files, the primary one first. Empty where [`Self::span`] is
    /// the place.
    pub labels: Vec<Label>,
    /// The place among the tokens given to a macro. The compiler shows its excerpt.
    pub span: Option<Span>,
    /// The causes.
    pub notes: Vec<String>,
    /// The ways out.
    pub helps: Vec<String>,
}

impl Diagnostic {
    /// A fault whose place is added by [`Self::at`] or [`Self::spanned`].
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: Severity::Error,
            message: message.into(),
            labels: Vec::new(),
            span: None,
            notes: Vec::new(),
            helps: Vec::new(),
        }
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

    /// Sets the place among the tokens given to a macro.
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

    /// Adds a way out.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.helps.push(text.into());
        self
    }

    /// Adds a way out, if there is one.
    #[must_use]
    pub fn maybe_help(mut self, text: Option<String>) -> Self {
        self.helps.extend(text);
        self
    }

    /// The whole text without colour, without a leading `error: ` and without
    /// a final line break: what follows `error: ` in rustc's output and in ours.
    #[must_use]
    pub fn render(&self) -> String {
        let title = Level::ERROR.no_name().primary_title(self.message.as_str());
        let text = Renderer::plain().render(&[self.group(title)]);
        text.trim_start_matches(": ").to_string()
    }

    /// The whole text as a program prints it, with `error: ` or `warning: ` and with colour.
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

    /// The closing note, which names the rule.
    fn code_note(&self) -> String {
        format!("diagnostic code `{}`", self.code)
    }

    /// One excerpt per file, the primary place first.
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
        Snippet::source(&file.text)
            .path(file.path.as_str())
            .annotations(here.map(|(label, kind)| kind.span(label.range.clone()).label(label.text.as_ref())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_sorted_and_kebab_case() {
        let texts: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(texts.iter().collect::<BTreeSet<_>>().len(), texts.len());
        assert!(texts.is_sorted(), "{texts:?}");
        for text in texts {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(text.chars().all(plain), "{text}");
        }
    }

    #[test]
    fn renders_excerpt_note_help_and_code() {
        let source = Arc::new(Source::new("policy.toml", "[overrides]\nusrs = \"system\"\n"));
        let fault = Diagnostic::new(Code::UnknownOverride, "override refers to nothing")
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
    fn renders_two_places_of_two_files() {
        let one = Arc::new(Source::new("one.rs", "struct User;\n"));
        let two = Arc::new(Source::new("two.rs", "\n\nstruct User;\n"));
        let text = Diagnostic::new(Code::DuplicateTable, "twice")
            .at(&one, 7..11, "here")
            .at(&two, 9..13, "and here")
            .render();
        assert!(text.contains("one.rs:1:8"), "{text}");
        assert!(text.contains("two.rs:3:8"), "{text}");
    }
}
