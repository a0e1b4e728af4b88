//! Reads the values of a policy file, each with its place.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::Range;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::report::{Code, Diagnostic, Fault, Level, conflict};
use crate::text::{Source, conflict_marker_in_lines, did_you_mean, nearest};

/// A value and its place in a file.
#[derive(Clone, Debug)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// The file.
    pub source: Arc<Source>,
    /// The bytes of the file that hold the value.
    pub range: Range<usize>,
}

impl<T> Placed<T> {
    /// Makes a fault at this place.
    #[must_use]
    pub fn fault(&self, code: impl Into<Code>, message: String, label: &'static str) -> Diagnostic {
        Diagnostic::new(code, message).at(&self.source, self.range.clone(), label)
    }
}

/// An exception to a rule.
#[derive(Clone, Debug)]
pub struct Exception<C> {
    /// The rule.
    pub rule: C,
    /// The table or role to which the rule does not apply.
    pub subject: Placed<String>,
}

/// Reads the values of one policy file. A value of an unexpected type is a fault at its place.
pub struct PolicyReader<'a> {
    source: &'a Arc<Source>,
    faults: &'a mut Vec<Diagnostic>,
}

pub type TomlKey = Spanned<String>;
/// Keys with their values, in the order of the file.
pub type Pairs<'a> = Vec<(TomlKey, TomlValue<'a>)>;
pub type TomlValue<'a> = Spanned<DeValue<'a>>;

impl<'a> PolicyReader<'a> {
    pub fn new(source: &'a Arc<Source>, faults: &'a mut Vec<Diagnostic>) -> Self {
        Self { source, faults }
    }

    /// The known keys of the document with their values. `None` if the TOML is invalid: part of a policy file could
    /// decide something other than the whole.
    pub fn document(&mut self, known: &[&str]) -> Option<Vec<(TomlKey, TomlValue<'a>)>> {
        let table = match DeTable::parse(&self.source.text) {
            Ok(document) => document.into_inner(),
            Err(error) => {
                match conflict_marker_in_lines(&self.source.text) {
                    Some(marker) => self.faults.push(conflict(self.source, marker)),
                    None => self.invalid_toml(&error),
                }
                return None;
            }
        };
        let mut pairs = in_order(table);
        pairs.retain(|(key, _)| {
            let is_known = known.contains(&key.get_ref().as_str());
            if !is_known {
                self.unknown_key(key, known);
            }
            is_known
        });
        Some(pairs)
    }

    fn invalid_toml(&mut self, error: &toml::de::Error) {
        let message = error.message().lines().collect::<Vec<_>>().join(", ");
        let fault = Diagnostic::new(
            Fault::InvalidToml,
            format!("`{}` is not valid TOML", self.source.path),
        )
        .note("no part of a broken policy file is applied")
        .help("fix the syntax, see <https://toml.io>");
        self.fault(fault, error.span().unwrap_or(0..0), message);
    }

    /// Reports an unknown key, and returns the known key that was probably meant.
    pub fn unknown_key<'k>(&mut self, key: &TomlKey, known: &[&'k str]) -> Option<&'k str> {
        let text = key.get_ref();
        let meant = nearest(text, known.iter().copied());
        let fault = Diagnostic::new(
            Fault::UnknownKey,
            format!("unknown key `{text}` in `{}`", self.source.path),
        )
        .note(format!("expected `{}`", known.join("`, `")))
        .maybe_help(meant.map(|meant| format!("did you mean `{meant}`?")));
        self.fault(fault, key.span(), "");
        meant
    }

    pub fn table(&mut self, key: &TomlKey, value: TomlValue<'a>) -> Vec<(TomlKey, TomlValue<'a>)> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => in_order(table),
            other => {
                let form = format!("write a table: `[{}]`, then one line per table", key.get_ref());
                self.wrong_type(key, "a table", &other, span, form);
                Vec::new()
            }
        }
    }

    /// The tables of an array of tables in a table of the file, each with a place for its own faults: that of the first
    /// key, or of the array's name if it is empty.
    pub fn tables(
        &mut self,
        above: &str,
        key: &TomlKey,
        value: TomlValue<'a>,
    ) -> Vec<(Range<usize>, Pairs<'a>)> {
        const EXPECTED: &str = "a list of tables";
        let form = format!("write one `[[{above}.{}]]` for each", key.get_ref());
        let mut tables = Vec::new();
        for item in self.items(key, value, EXPECTED, &form) {
            let span = item.span();
            match item.into_inner() {
                DeValue::Table(table) => {
                    let pairs = in_order(table);
                    let place = pairs.first().map_or(key.span(), |(first, _)| first.span());
                    tables.push((place, pairs));
                }
                other => self.wrong_type(key, EXPECTED, &other, span, form.clone()),
            }
        }
        tables
    }

    fn items(
        &mut self,
        key: &TomlKey,
        value: TomlValue<'a>,
        expected: &str,
        form: &str,
    ) -> Vec<TomlValue<'a>> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(items) => items.into_iter().collect(),
            other => {
                self.wrong_type(key, expected, &other, span, form.to_string());
                Vec::new()
            }
        }
    }

    /// A reason, which must not be empty.
    pub fn reason(
        &mut self,
        name: &TomlKey,
        value: &TomlValue<'a>,
        example: &str,
        missing: impl FnOnce() -> Diagnostic,
    ) -> String {
        let reason = self.string(name, value, example).unwrap_or_default().to_string();
        if value.get_ref().is_str() && reason.trim().is_empty() {
            self.fault(missing(), value.span(), "");
        }
        reason
    }

    /// The exceptions to one rule: subjects, each with a reason.
    pub fn exceptions<C: Copy + Display>(
        &mut self,
        key: &TomlKey,
        value: TomlValue<'a>,
        rule: C,
    ) -> Vec<Exception<C>> {
        let mut exceptions = Vec::new();
        for (name, reason) in self.table(key, value) {
            if reason.get_ref().is_table() {
                self.table_as_value(&name, &reason);
                continue;
            }
            self.reason(&name, &reason, "why the rule does not apply", || {
                let message = format!("the exception to `{rule}` for `{}` has no reason", name.get_ref());
                let help = format!("say why the rule does not apply to `{}`", name.get_ref());
                Diagnostic::new(Fault::AllowWithoutReason, message).help(help)
            });
            exceptions.push(Exception {
                rule,
                subject: self.placed(name),
            });
        }
        exceptions
    }

    /// The strings of a list.
    pub fn strings(&mut self, key: &TomlKey, value: TomlValue<'a>, example: &str) -> Vec<TomlKey> {
        let form = format!("write a list: `{} = [\"{example}\"]`", key.get_ref());
        let mut strings = Vec::new();
        for item in self.items(key, value, "a list", &form) {
            let span = item.span();
            match item.into_inner() {
                DeValue::String(text) => strings.push(Spanned::new(span, text.into_owned())),
                other => self.wrong_type(key, "a list of strings", &other, span, form.clone()),
            }
        }
        strings
    }

    pub fn string<'v>(&mut self, name: &TomlKey, value: &'v TomlValue<'a>, example: &str) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let form = format!("write a string: `{} = \"{example}\"`", toml_key(name.get_ref()));
            self.wrong_type(name, "a string", value.get_ref(), value.span(), form);
        }
        text
    }

    /// A string with its place.
    pub fn text(&mut self, name: &TomlKey, value: &TomlValue<'a>, example: &str) -> Option<TomlKey> {
        let text = self.string(name, value, example)?.to_string();
        Some(Spanned::new(value.span(), text))
    }

    pub fn level(&mut self, name: &TomlKey, value: &TomlValue<'a>, default: Level) -> Option<Level> {
        let text = self.string(name, value, default.as_str())?;
        let level = Level::named(text);
        if level.is_none() {
            let names: Vec<&str> = Level::ALL.iter().map(|level| level.as_str()).collect();
            let fault = Diagnostic::new(Fault::UnknownLevel, format!("unknown level `{text}`"))
                .note(format!("the levels are `{}`", names.join("`, `")))
                .maybe_help(did_you_mean(text, names));
            self.fault(fault, value.span(), "");
        }
        level
    }

    pub fn boolean(&mut self, key: &TomlKey, value: &TomlValue<'a>) -> Option<bool> {
        if let DeValue::Boolean(boolean) = value.get_ref() {
            return Some(*boolean);
        }
        let form = format!("write `{} = true` or `{} = false`", key.get_ref(), key.get_ref());
        self.wrong_type(key, "true or false", value.get_ref(), value.span(), form);
        None
    }

    /// Reads each entry of a table. An entry whose value is itself a table is a fault.
    pub fn entries<T>(
        &mut self,
        key: &TomlKey,
        value: TomlValue<'a>,
        read: impl Fn(&mut Self, TomlKey, &TomlValue<'a>) -> T,
    ) -> Vec<T> {
        let mut entries = Vec::new();
        for (name, value) in self.table(key, value) {
            if value.get_ref().is_table() {
                self.table_as_value(&name, &value);
            } else {
                entries.push(read(self, name, &value));
            }
        }
        entries
    }

    /// In TOML, `audit.events = "system"` is a table in a table, as is `users = { … }`.
    fn table_as_value(&mut self, name: &TomlKey, value: &TomlValue<'a>) {
        let inner = value.get_ref().as_table().and_then(|table| table.keys().next());
        let form = match inner {
            Some(inner) if value.span() == name.span() => {
                format!(
                    "quote a name with a dot: `\"{}.{}\" = …`",
                    name.get_ref(),
                    inner.get_ref()
                )
            }
            _ => format!("write a string: `{} = \"…\"`", toml_key(name.get_ref())),
        };
        self.wrong_type(name, "a string", value.get_ref(), value.span(), form);
    }

    /// Whether a value is a table that is not written in braces.
    pub fn is_section(&self, value: &TomlValue<'a>) -> bool {
        value.get_ref().is_table() && !self.source.text[value.span()].starts_with('{')
    }

    /// Reports a dotted name without quotes: TOML reads `[tables.audit.events]` as a table `events` inside `audit`.
    pub fn unquoted_name(&mut self, schema: &TomlKey, table: &TomlKey) {
        let message = format!("unknown key `{}` in `{}`", table.get_ref(), self.source.path);
        let name = format!("{}.{}", schema.get_ref(), table.get_ref());
        let help = format!("quote a name with a dot: `[tables.{name:?}]`");
        let fault = Diagnostic::new(Fault::UnknownKey, message).help(help);
        self.fault(fault, table.span(), "");
    }

    pub fn wrong_type(
        &mut self,
        key: &TomlKey,
        expected: &str,
        found: &DeValue<'_>,
        span: Range<usize>,
        help: String,
    ) {
        let fault = Diagnostic::new(
            Fault::WrongType,
            format!(
                "expected {expected} for `{}`, found {}",
                key.get_ref(),
                type_name(found)
            ),
        )
        .help(help);
        self.fault(fault, span, "");
    }

    pub fn placed(&self, text: TomlKey) -> Placed<String> {
        Placed {
            range: text.span(),
            value: text.into_inner(),
            source: Arc::clone(self.source),
        }
    }

    /// Adds a fault that has its place.
    pub fn push(&mut self, fault: Diagnostic) {
        self.faults.push(fault);
    }

    pub fn fault(&mut self, fault: Diagnostic, place: Range<usize>, label: impl Into<Cow<'static, str>>) {
        self.faults.push(fault.at(self.source, place, label));
    }
}

/// The pairs in the order of the file: the parser sorts a table by key.
fn in_order(table: DeTable<'_>) -> Vec<(TomlKey, TomlValue<'_>)> {
    let mut pairs: Vec<_> = table
        .into_iter()
        .map(|(key, value)| (Spanned::new(key.span(), key.into_inner().into_owned()), value))
        .collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    pairs
}

/// A key as TOML source: quoted where it has to be.
fn toml_key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_string()
    } else {
        format!("{name:?}")
    }
}

/// The name of a value's type in the TOML specification, with an article.
fn type_name(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) => "an integer",
        DeValue::Float(_) => "a float",
        DeValue::Boolean(_) => "a boolean",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}
