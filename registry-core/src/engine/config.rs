//! The two policy files, every value with its place.

use std::borrow::Cow;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::call_site::CallSite;
use super::database::{DATABASE, Database};
use super::declare::unknown_kind;
use super::diagnostic::{Code, Diagnostic};
use super::invocation::{Invocation, WrittenPath};
use super::lints::Lints;
use super::name;
use super::source::{self, Source, display};
use super::suggest::{did_you_mean, nearest};
use crate::TableKind;

/// The file with `[overrides]`, `[exempt]`, `[lints]` and `[database]`.
pub const OVERRIDES_FILE: &str = "table-registry.toml";
/// The file with the revoke list.
pub const REVOKE_FILE: &str = "revoke.toml";
/// The table of overrides.
pub const OVERRIDES: &str = "overrides";
/// The table of exempt tables.
pub const EXEMPT: &str = "exempt";
const LINTS: &str = "lints";
/// The revoke list.
pub const UPDATE_DELETE: &str = "update_delete";

/// One name in a policy file.
#[derive(Clone, Debug)]
pub struct Entry<T> {
    /// The table it is about.
    pub name: String,
    /// What it says.
    pub value: T,
    /// The file.
    pub source: Arc<Source>,
    /// Where the name stands in the file.
    pub place: Range<usize>,
}

impl<T> Entry<T> {
    /// A fault at the entry's name.
    #[must_use]
    pub fn fault(&self, code: Code, message: String, label: &'static str) -> Diagnostic {
        Diagnostic::new(code, message).at(&self.source, self.place.clone(), label)
    }
}

/// What the policy files say, in their order.
#[derive(Debug, Default)]
pub struct Policy {
    /// `[overrides]`: the kind, unless it was misspelt.
    pub overrides: Vec<Entry<Option<TableKind>>>,
    /// `[exempt]`: the reasons, which are for people.
    pub exempt: Vec<Entry<String>>,
    /// `update_delete`: the append-only tables.
    pub revoke: Vec<Entry<()>>,
    /// `[lints]`: what the command line checks.
    pub lints: Lints,
    /// `[database]`: how the registry maps to a PostgreSQL server.
    pub database: Database,
    /// Whether the overrides could be read. If not, a kind that seems wrong may be overridden.
    pub has_overrides: bool,
}

/// The two policy files, as far as they could be read.
#[derive(Clone, Debug, Default)]
pub struct PolicyFiles {
    /// `table-registry.toml`.
    pub overrides: Option<Arc<Source>>,
    /// `revoke.toml`.
    pub revoke: Option<Arc<Source>>,
    /// Those that were found. A change of one must recompile the crate.
    pub paths: Vec<PathBuf>,
}

impl PolicyFiles {
    /// Finds both files: those that the invocation names, or the nearest.
    pub fn find(call: &CallSite, invocation: &Invocation, faults: &mut Vec<Diagnostic>) -> Self {
        let mut files = Self::default();
        files.overrides = files.open(call, invocation.overrides.as_ref(), OVERRIDES_FILE, faults);
        files.revoke = files.open(call, invocation.revoke.as_ref(), REVOKE_FILE, faults);
        files
    }

    fn open(
        &mut self,
        call: &CallSite,
        written: Option<&WrittenPath>,
        default: &str,
        faults: &mut Vec<Diagnostic>,
    ) -> Option<Arc<Source>> {
        let found = match written {
            Some(path) => Some(call.resolve(&path.text)).filter(|path| path.exists()),
            None => call
                .ancestors()
                .iter()
                .map(|directory| directory.join(default))
                .find(|path| path.exists()),
        };
        let Some(path) = found else {
            faults.push(match written {
                Some(path) => written_file_not_found(call, path),
                None => file_not_found(call, default),
            });
            return None;
        };
        match Source::read(&path, faults) {
            Ok(source) => {
                self.paths.push(path);
                // What is left of it could only mislead.
                source.is_utf8.then_some(source)
            }
            Err(error) => {
                faults.push(unreadable(&path, &error, written));
                None
            }
        }
    }
}

impl Policy {
    /// Reads both files.
    pub fn read(files: &PolicyFiles, faults: &mut Vec<Diagnostic>) -> Self {
        let mut policy = Self::default();
        if let Some(source) = &files.overrides {
            policy.read_overrides(source, faults);
        }
        if let Some(source) = &files.revoke {
            policy.read_revoke(source, faults);
        }
        policy
    }

    /// Whether nothing is wrong with what decides the kind of a table.
    #[must_use]
    pub fn decides_kind_of(&self, table: &str) -> bool {
        let misspelt = |entry: &Entry<Option<TableKind>>| entry.name == table && entry.value.is_none();
        self.has_overrides && !self.overrides.iter().any(misspelt)
    }

    /// Reads `table-registry.toml`.
    pub fn read_overrides(&mut self, source: &Arc<Source>, faults: &mut Vec<Diagnostic>) {
        let mut reader = Reader { source, faults };
        let Some(document) = reader.document(&[OVERRIDES, EXEMPT, LINTS, DATABASE]) else {
            return;
        };
        self.has_overrides = true;
        for (key, value) in document {
            if key.get_ref() == LINTS {
                self.lints = Lints::read(&mut reader, &key, value);
                continue;
            }
            if key.get_ref() == DATABASE {
                self.database = Database::read(&mut reader, &key, value);
                continue;
            }
            for (name, value) in reader.table(&key, value) {
                if value.get_ref().is_table() {
                    reader.table_as_value(&name, &value);
                } else if key.get_ref() == OVERRIDES {
                    self.overrides.push(reader.override_entry(name, &value));
                } else {
                    self.exempt.push(reader.exempt_entry(name, &value));
                }
            }
        }
    }

    /// Reads `revoke.toml`.
    pub fn read_revoke(&mut self, source: &Arc<Source>, faults: &mut Vec<Diagnostic>) {
        let mut reader = Reader { source, faults };
        for (key, value) in reader.document(&[UPDATE_DELETE]).unwrap_or_default() {
            let names = reader.strings(&key, value, "audit_logs");
            self.revoke
                .extend(names.into_iter().map(|name| reader.entry(name, ())));
        }
    }
}

fn written_file_not_found(call: &CallSite, path: &WrittenPath) -> Diagnostic {
    let shown = display(&call.resolve(&path.text));
    Diagnostic::new(
        Code::PolicyFileNotFound,
        format!("policy file `{shown}` does not exist"),
    )
    .spanned(path.span)
    .note("the path is relative to this file, as in `include_str!`")
    .help("create it; an empty file is a decision, a missing one is not")
}

fn file_not_found(call: &CallSite, name: &str) -> Diagnostic {
    let directories = call.ancestors();
    let looked: Vec<String> = directories
        .iter()
        .map(|directory| display(&directory.join(name)))
        .collect();
    let fault = Diagnostic::new(
        Code::PolicyFileNotFound,
        format!("policy file `{name}` not found"),
    )
    .note(format!("looked for `{}`", looked.join("`, `")));
    let similar = directories.iter().find_map(|directory| {
        let names = source::names_in(directory, |entry| entry.path().is_file());
        let near = nearest(name, names.iter().map(String::as_str))?;
        Some(display(&directory.join(near)))
    });
    match similar {
        Some(path) => fault.help(format!("rename `{path}` to `{name}`")),
        None => fault.help(format!(
            "create `{name}` beside `Cargo.toml`; an empty file is a decision, a missing one is not"
        )),
    }
}

fn unreadable(path: &std::path::Path, error: &io::Error, written: Option<&WrittenPath>) -> Diagnostic {
    let fault = source::unreadable_file(path, error);
    match written {
        Some(written) => fault.spanned(written.span),
        None => fault,
    }
}

/// Turns TOML into entries; what does not fit is a fault at its place.
pub(super) struct Reader<'a> {
    pub source: &'a Arc<Source>,
    faults: &'a mut Vec<Diagnostic>,
}

pub(super) type Key = Spanned<String>;
pub(super) type Value<'a> = Spanned<DeValue<'a>>;

impl<'a> Reader<'a> {
    /// The known keys of the document. Where the TOML itself is broken, nothing: what
    /// is left of a broken file could only mislead.
    fn document(&mut self, known: &[&str]) -> Option<Vec<(Key, Value<'a>)>> {
        let table = match DeTable::parse(&self.source.text) {
            Ok(document) => document.into_inner(),
            Err(error) => {
                self.invalid_toml(&error);
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
            Code::InvalidToml,
            format!("`{}` is not valid TOML", self.source.path),
        );
        let fault = fault
            .note("nothing of a broken policy file is applied")
            .help("fix the syntax, see <https://toml.io>");
        self.fault(fault, error.span().unwrap_or(0..0), message);
    }

    pub fn unknown_key(&mut self, key: &Key, known: &[&str]) {
        let text = key.get_ref();
        let fault = Diagnostic::new(
            Code::UnknownKey,
            format!("unknown key `{text}` in `{}`", self.source.path),
        )
        .note(format!("expected `{}`", known.join("`, `")))
        .maybe_help(did_you_mean(text, known.iter().copied()));
        self.fault(fault, key.span(), "");
    }

    pub fn table(&mut self, key: &Key, value: Value<'a>) -> Vec<(Key, Value<'a>)> {
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

    fn override_entry(&mut self, name: Key, value: &Value<'a>) -> Entry<Option<TableKind>> {
        let kind = match self.string(&name, value, "truth") {
            Some(text) => match text.parse() {
                Ok(kind) => Some(kind),
                Err(_) => {
                    self.fault(unknown_kind(text), value.span(), "");
                    None
                }
            },
            None => None,
        };
        self.entry(name, kind)
    }

    fn exempt_entry(&mut self, name: Key, value: &Value<'a>) -> Entry<String> {
        // No struct vouches for this name.
        if let Some(fault) = name
            .get_ref()
            .splitn(2, '.')
            .find_map(|part| name::check("table name", part).err())
        {
            self.fault(
                Diagnostic::new(fault.code, fault.message).help("write the name of a table in the database"),
                name.span(),
                "",
            );
        }
        let reason = self.reason(&name, value, "why it has no struct", || {
            let message = format!("exempt table `{}` has no reason", name.get_ref());
            Diagnostic::new(Code::ExemptWithoutReason, message)
                .help("say why the table exists in the database without a struct here")
        });
        self.entry(name, reason)
    }

    /// A reason for people, and a fault if there is none.
    pub fn reason(
        &mut self,
        name: &Key,
        value: &Value<'a>,
        example: &str,
        missing: impl FnOnce() -> Diagnostic,
    ) -> String {
        let reason = self.string(name, value, example).unwrap_or_default().to_string();
        if value.get_ref().is_str() && reason.trim().is_empty() {
            self.fault(missing(), value.span(), "");
        }
        reason
    }

    /// The exceptions from one rule: whom they are about, each with a reason.
    pub fn exceptions(&mut self, rule: &Key, value: Value<'a>, code: Code) -> Vec<Entry<Code>> {
        let mut exceptions = Vec::new();
        for (name, reason) in self.table(rule, value) {
            self.reason(&name, &reason, "why the rule does not apply", || {
                let message = format!("exception of `{}` from `{code}` has no reason", name.get_ref());
                let help = format!("say why the rule does not apply to `{}`", name.get_ref());
                Diagnostic::new(Code::AllowWithoutReason, message).help(help)
            });
            exceptions.push(self.entry(name, code));
        }
        exceptions
    }

    /// The strings of a list.
    pub fn strings(&mut self, key: &Key, value: Value<'a>, example: &str) -> Vec<Key> {
        let span = value.span();
        let form = || format!("write a list: `{} = [\"{example}\"]`", key.get_ref());
        let items = match value.into_inner() {
            DeValue::Array(items) => items,
            other => {
                self.wrong_type(key, "a list", &other, span, form());
                return Vec::new();
            }
        };
        let mut strings = Vec::new();
        for item in items {
            let span = item.span();
            match item.into_inner() {
                DeValue::String(text) => strings.push(Spanned::new(span, text.into_owned())),
                other => self.wrong_type(key, "a list of strings", &other, span, form()),
            }
        }
        strings
    }

    pub fn string<'v>(&mut self, name: &Key, value: &'v Value<'a>, example: &str) -> Option<&'v str> {
        let text = value.get_ref().as_str();
        if text.is_none() {
            let form = format!("write a string: `{} = \"{example}\"`", toml_key(name.get_ref()));
            self.wrong_type(name, "a string", value.get_ref(), value.span(), form);
        }
        text
    }

    /// `audit.events = "system"` is TOML for a table in a table, and `users = { … }` is one, too.
    fn table_as_value(&mut self, name: &Key, value: &Value<'a>) {
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

    pub fn wrong_type(
        &mut self,
        key: &Key,
        expected: &str,
        found: &DeValue<'_>,
        span: Range<usize>,
        help: String,
    ) {
        let fault = Diagnostic::new(
            Code::WrongType,
            format!(
                "expected {expected} for `{}`, found {}",
                key.get_ref(),
                type_name(found)
            ),
        )
        .help(help);
        self.fault(fault, span, "");
    }

    pub fn entry<T>(&self, name: Key, value: T) -> Entry<T> {
        Entry {
            place: name.span(),
            name: name.into_inner(),
            value,
            source: Arc::clone(self.source),
        }
    }

    pub fn fault(&mut self, fault: Diagnostic, place: Range<usize>, label: impl Into<Cow<'static, str>>) {
        self.faults.push(fault.at(self.source, place, label));
    }
}

/// The pairs as they stand in the file: a TOML table is sorted by key.
fn in_order(table: DeTable<'_>) -> Vec<(Key, Value<'_>)> {
    let mut pairs: Vec<_> = table
        .into_iter()
        .map(|(key, value)| (Spanned::new(key.span(), key.into_inner().into_owned()), value))
        .collect();
    pairs.sort_by_key(|(key, _)| key.span().start);
    pairs
}

/// A key as TOML takes it: quoted, unless it is a bare one.
fn toml_key(name: &str) -> String {
    let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.is_empty() && name.chars().all(is_bare) {
        name.to_string()
    } else {
        format!("{name:?}")
    }
}

/// The words of the TOML specification, with an article.
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

#[cfg(test)]
mod tests {
    use super::*;

    fn overrides(text: &str) -> (Policy, Vec<String>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        let source = Arc::new(Source::new("table-registry.toml", text));
        policy.read_overrides(&source, &mut faults);
        (policy, places(&faults))
    }

    fn revoke(text: &str) -> (Policy, Vec<String>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        policy.read_revoke(&Arc::new(Source::new("revoke.toml", text)), &mut faults);
        (policy, places(&faults))
    }

    /// The code of each fault, and the text it points at.
    fn places(faults: &[Diagnostic]) -> Vec<String> {
        let place = |fault: &Diagnostic| {
            let label = &fault.labels[0];
            format!("{} {}", fault.code, &label.source.text[label.range.clone()])
        };
        faults.iter().map(place).collect()
    }

    #[test]
    fn entries_in_the_order_of_the_file() {
        let (policy, faults) = overrides(
            "[overrides]\nusers = \"system\"\n\"audit.events\" = 'evidence'\n[exempt]\nold = \"kept\"\n",
        );
        assert_eq!(faults, [""; 0]);
        let kinds: Vec<_> = policy
            .overrides
            .iter()
            .map(|entry| (entry.name.as_str(), entry.value))
            .collect();
        assert_eq!(
            kinds,
            [
                ("users", Some(TableKind::System)),
                ("audit.events", Some(TableKind::Evidence))
            ]
        );
        assert_eq!(policy.exempt[0].name, "old");
        let (policy, faults) = revoke("update_delete = [\"b\", \"a\"]");
        assert_eq!(faults, [""; 0]);
        assert_eq!(
            policy
                .revoke
                .iter()
                .map(|entry| entry.name.as_str())
                .collect::<Vec<_>>(),
            ["b", "a"]
        );
    }

    #[test]
    fn empty_files_and_sections_are_decisions() {
        for text in ["", "# nothing\n", "[overrides]\n[exempt]\n", "\u{feff}"] {
            assert_eq!(overrides(text).1, [""; 0], "{text}");
            assert_eq!(revoke("update_delete = []").1, [""; 0]);
        }
    }

    #[test]
    fn all_faults_of_a_file_at_once() {
        let (policy, faults) = overrides(
            "overides = 1\n[overrides]\nusers = \"sytem\"\nroles = 7\naudit.events = \"link\"\n\
             [exempt]\na = \"\"\nb = \" \"\nc = [\"x\"]\n",
        );
        assert_eq!(
            faults,
            [
                "unknown-key overides",
                "unknown-kind \"sytem\"",
                "wrong-type 7",
                "wrong-type audit",
                "exempt-without-reason \"\"",
                "exempt-without-reason \" \"",
                "wrong-type [\"x\"]",
            ]
        );
        // A name whose value is wrong is a name all the same.
        assert_eq!(policy.overrides.len(), 2);
        assert_eq!(policy.exempt.len(), 3);
    }

    #[test]
    fn help_for_a_table_as_value() {
        for (text, help) in [
            (
                "[overrides]\naudit.events = \"link\"",
                "quote a name with a dot: `\"audit.events\" = …`",
            ),
            (
                "[overrides]\nusers = { kind = \"link\" }",
                "write a string: `users = \"…\"`",
            ),
            (
                "[overrides.users]\nkind = \"link\"",
                "write a string: `users = \"…\"`",
            ),
            ("[overrides]\n\"a b\" = {}", "write a string: `\"a b\" = \"…\"`"),
        ] {
            let (mut policy, mut faults) = (Policy::default(), Vec::new());
            policy.read_overrides(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
            assert_eq!(faults[0].helps, [help], "{text}");
        }
    }

    #[test]
    fn faults_of_the_revoke_file() {
        assert_eq!(revoke("update_delete = \"a\"").1, ["wrong-type \"a\""]);
        assert_eq!(
            revoke("update_delete = [\"a\", 1, true]").1,
            ["wrong-type 1", "wrong-type true"]
        );
        assert_eq!(revoke("updatedelete = []").1, ["unknown-key updatedelete"]);
    }

    #[test]
    fn broken_toml_is_one_fault() {
        assert_eq!(
            overrides("[overrides]\nusers = system\nx = \n").1,
            ["invalid-toml system"]
        );
        assert_eq!(
            overrides("[overrides]\na = \"link\"\na = \"link\"").1,
            ["invalid-toml a"]
        );
    }
}
