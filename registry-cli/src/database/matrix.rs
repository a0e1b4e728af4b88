//! The access matrix: which rows of each table each role reaches with each command, as the server shows it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use table_registry_engine::{Diagnostic, Fault, Severity, Source, did_you_mean};
use toml_edit::{Document, InlineTable, Item, Value};
use toml_writer::ToTomlValue;

use crate::failure::Failure;
use crate::text::one_line;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident $word:literal $meaning:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }

            pub fn meaning(self) -> &'static str {
                match self { $(Self::$variant => $meaning),* }
            }

            fn named(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.as_str() == word)
            }
        }
    };
}

words! {
    /// What a role runs.
    Verb {
        Select "select" "SELECT";
        Insert "insert" "INSERT";
        Update "update" "UPDATE";
        Delete "delete" "DELETE";
        Truncate "truncate" "TRUNCATE";
    }
}

words! {
    /// The rows that a command reaches.
    Scope {
        All "all" "every row, whatever its tenant: in a table without tenants, or by TRUNCATE";
        Own "own" "rows of the tenant that the setting holds";
        Others "others" "rows of another tenant";
        Unset "unset" "rows of tenants, while the setting holds none";
        Shared "shared" "rows that belong to everybody";
    }
}

/// The outcome, from the least access to the most. Rows behind an error might be reached without the error.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Seen {
    #[default]
    Refused,
    Unknown,
    Reached,
}

/// What a line is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    pub role: String,
    pub table: String,
    pub verb: Verb,
}

/// The rows that are not refused.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access(BTreeMap<Scope, Seen>);

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Matrix {
    pub lines: BTreeMap<Key, Access>,
}

/// A line of a file.
struct Written {
    access: Access,
    place: Range<usize>,
}

/// A matrix in a file.
pub struct Committed {
    source: Arc<Source>,
    lines: BTreeMap<Key, Written>,
    /// The place of the list.
    place: Range<usize>,
}

impl Access {
    pub fn see(&mut self, scope: Scope, seen: Seen) {
        if seen != Seen::Refused {
            let known = self.0.entry(scope).or_default();
            *known = (*known).max(seen);
        }
    }

    pub fn seen(&self, scope: Scope) -> Seen {
        self.0.get(&scope).copied().unwrap_or_default()
    }

    /// As the file says it: `own`, or `own?` if that is not known.
    pub fn words(&self) -> Vec<String> {
        let words = self.0.iter().map(|(scope, seen)| match seen {
            Seen::Unknown => format!("{}?", scope.as_str()),
            Seen::Refused | Seen::Reached => scope.as_str().to_string(),
        });
        words.collect()
    }

    fn is_wider_than(&self, other: &Self) -> bool {
        Scope::ALL
            .iter()
            .any(|scope| self.seen(*scope) > other.seen(*scope))
    }

    fn read(word: &str) -> Option<(Scope, Seen)> {
        let certain = word.strip_suffix('?');
        let seen = certain.map_or(Seen::Reached, |_| Seen::Unknown);
        Some((Scope::named(certain.unwrap_or(word))?, seen))
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words();
        f.pad(&if words.is_empty() {
            "nothing".to_string()
        } else {
            words.join(", ")
        })
    }
}

impl Matrix {
    /// Adds lines without access for the commands of a role on a table.
    pub fn add(&mut self, role: &str, table: &str) {
        for verb in Verb::ALL {
            self.lines.entry(key(role, table, *verb)).or_default();
        }
    }

    pub fn see(&mut self, role: &str, table: &str, verb: Verb, scope: Scope, seen: Seen) {
        let access = self.lines.entry(key(role, table, verb)).or_default();
        access.see(scope, seen);
    }

    /// Whether some row was reached. Otherwise nothing was observed: the grants or the rows may be missing.
    pub fn shows_something(&self) -> bool {
        let mut seen = self.lines.values().flat_map(|access| access.0.values());
        seen.any(|seen| *seen == Seen::Reached)
    }

    /// The text of the file: one line for each role, table and command.
    pub fn text(&self) -> String {
        let lines = self.lines.iter().map(|(key, access)| line(key, access) + "\n");
        format!("{HEADER}{}]\n", lines.collect::<String>())
    }

    /// An error for each line of the file that says less than was observed, and a warning for each that says more.
    pub fn differences(&self, committed: &Committed) -> Vec<Diagnostic> {
        let observed = self.lines.iter().filter_map(|(key, access)| {
            let Some(written) = committed.lines.get(key) else {
                return Some(committed.without_line(key, access));
            };
            committed.difference(key, access, written)
        });
        let gone = committed
            .lines
            .iter()
            .filter(|(key, _)| !self.lines.contains_key(key));
        let gone = gone.map(|(key, written)| committed.gone(key, written));
        observed.chain(gone).collect()
    }
}

fn key(role: &str, table: &str, verb: Verb) -> Key {
    Key {
        role: role.to_string(),
        table: table.to_string(),
        verb,
    }
}

const HEADER: &str = "\
# @generated by `cargo table-registry matrix --write`: the rows that each role reaches with each command.
# own: of its tenant. others: of another tenant. unset: of tenants, without a tenant. shared: everybody's.
# all: every row, of a table without tenants or by TRUNCATE. With `?`: an error hides it. Review a new word like a grant.
access = [
";

fn line(key: &Key, access: &Access) -> String {
    let words = access.words();
    let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
    format!(
        "    {{ role = {}, table = {}, command = {:?}, rows = [{}] }},",
        key.role.to_toml_value(),
        key.table.to_toml_value(),
        key.verb.as_str(),
        words.join(", ")
    )
}

impl Committed {
    /// Reads a file. A line that cannot be read is not skipped: it could be the one that matters.
    pub fn read(path: &str, text: &str) -> Result<Self, Failure> {
        let source = Arc::new(Source::new(path, text));
        let at = |range: Option<Range<usize>>| {
            let (line, column) = source.position(range.map_or(0, |range| range.start));
            format!("{path}:{line}:{column}")
        };
        let invalid = |range: Option<Range<usize>>, what: &str| {
            Failure::new(format!("{what} in `{path}`"))
                .note(format!("at {}", at(range)))
                .help("write the file with `cargo table-registry matrix --write FILE`")
        };
        let document = Document::parse(text)
            .map_err(|error| invalid(error.span(), "invalid TOML").note(error.message()))?;
        let unknown = document.iter().find(|(name, _)| *name != "access");
        if let Some((name, item)) = unknown {
            return Err(invalid(item.span(), &format!("unknown key `{}`", one_line(name))));
        }
        let list = document.get("access").and_then(Item::as_array);
        let list = list.ok_or_else(|| invalid(None, "no list `access`"))?;
        let mut lines = BTreeMap::new();
        for value in list {
            let place = value.span().unwrap_or_default();
            let (key, access) = value
                .as_inline_table()
                .ok_or_else(|| "not a line".to_string())
                .and_then(read_line)
                .map_err(|what| invalid(value.span(), &what))?;
            let again = format!(
                "a second line for role `{}`, table `{}` and `{}`",
                key.role,
                key.table,
                key.verb.as_str()
            );
            if lines
                .insert(
                    key,
                    Written {
                        access,
                        place: place.clone(),
                    },
                )
                .is_some()
            {
                return Err(invalid(Some(place), &again));
            }
        }
        Ok(Self {
            place: list.span().map_or(0..0, |span| span.start..span.start + 1),
            source,
            lines,
        })
    }

    fn difference(&self, key: &Key, observed: &Access, written: &Written) -> Option<Diagnostic> {
        if *observed == written.access {
            return None;
        }
        if observed.is_wider_than(&written.access) {
            let message = format!("{} more rows than this line says", reaches(key));
            let added = Scope::ALL
                .iter()
                .filter(|scope| observed.seen(**scope) > written.access.seen(**scope));
            let diagnostic = self.at(message, written, observed);
            return Some(added.fold(diagnostic, |diagnostic, scope| {
                diagnostic.note(format!("`{}`: {}", scope.as_str(), scope.meaning()))
            }));
        }
        let message = format!("{} fewer rows than this line says", reaches(key));
        Some(warning(self.at(message, written, observed)).help(WRITE))
    }

    fn at(&self, message: String, written: &Written, observed: &Access) -> Diagnostic {
        let diagnostic = Diagnostic::new(Fault::StaleMatrix, message)
            .at(&self.source, written.place.clone(), "")
            .note(format!(
                "the line says {}, the server shows {observed}",
                written.access
            ));
        if observed.is_wider_than(&written.access) {
            diagnostic.help(WIDER)
        } else {
            diagnostic
        }
    }

    fn without_line(&self, key: &Key, observed: &Access) -> Diagnostic {
        let message = format!("`{}` has no line for {}", self.source.path, named(key));
        let diagnostic = Diagnostic::new(Fault::StaleMatrix, message)
            .at(&self.source, self.place.clone(), "")
            .note(format!("the server shows {observed}"));
        if *observed == Access::default() {
            warning(diagnostic).help(WRITE)
        } else {
            diagnostic.help(WIDER)
        }
    }

    fn gone(&self, key: &Key, written: &Written) -> Diagnostic {
        let message = format!(
            "this line is for {}, which the registry does not have",
            named(key)
        );
        let diagnostic =
            Diagnostic::new(Fault::StaleMatrix, message).at(&self.source, written.place.clone(), "");
        warning(diagnostic).help(WRITE)
    }
}

const WRITE: &str = "write the file again with `cargo table-registry matrix --write FILE`";
const WIDER: &str = "revoke the access; if it is intended, write the file again with \
     `cargo table-registry matrix --write FILE`, and have the difference reviewed";

fn named(key: &Key) -> String {
    format!(
        "{} on table `{}` as role `{}`",
        key.verb.meaning(),
        one_line(&key.table),
        one_line(&key.role)
    )
}

fn reaches(key: &Key) -> String {
    format!("{} reaches", named(key))
}

fn warning(mut diagnostic: Diagnostic) -> Diagnostic {
    diagnostic.severity = Severity::Warning;
    diagnostic
}

/// Returns what is wrong if it is not a line.
fn read_line(table: &InlineTable) -> Result<(Key, Access), String> {
    const KEYS: [&str; 4] = ["role", "table", "command", "rows"];
    if let Some((name, _)) = table.iter().find(|(name, _)| !KEYS.contains(name)) {
        return Err(format!("unknown key `{}`", one_line(name)));
    }
    let text = |name: &str| {
        let value = table.get(name).and_then(Value::as_str);
        value
            .map(str::to_string)
            .ok_or_else(|| format!("a line without a string `{name}`"))
    };
    let word = text("command")?;
    let verb = Verb::named(&word)
        .ok_or_else(|| unknown("command", &word, Verb::ALL.iter().map(|verb| verb.as_str())))?;
    let rows = table.get("rows").and_then(Value::as_array);
    let mut access = Access::default();
    for row in rows.ok_or("a line without a list `rows`")? {
        let word = row.as_str().ok_or("a value in `rows` that is not a string")?;
        let (scope, seen) = Access::read(word)
            .ok_or_else(|| unknown("word", word, Scope::ALL.iter().map(|scope| scope.as_str())))?;
        access.see(scope, seen);
    }
    let key = Key {
        role: text("role")?,
        table: text("table")?,
        verb,
    };
    Ok((key, access))
}

fn unknown(what: &str, word: &str, known: impl Iterator<Item = &'static str>) -> String {
    let meant = did_you_mean(word, known).map_or_else(String::new, |meant| format!(" ({meant})"));
    format!("unknown {what} `{}`{meant}", one_line(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table, a command, and what is seen.
    type Line<'l> = (&'l str, Verb, &'l [(Scope, Seen)]);

    fn matrix(lines: &[Line<'_>]) -> Matrix {
        let mut matrix = Matrix::default();
        for (table, verb, seen) in lines {
            matrix.lines.entry(key("app", table, *verb)).or_default();
            for (scope, seen) in *seen {
                matrix.see("app", table, *verb, *scope, *seen);
            }
        }
        matrix
    }

    fn sound() -> Matrix {
        matrix(&[
            (
                "tasks",
                Verb::Select,
                &[(Scope::Own, Seen::Reached), (Scope::Shared, Seen::Unknown)],
            ),
            ("notes", Verb::Delete, &[]),
        ])
    }

    /// The severity, the line and the message of each difference.
    fn differences(observed: &Matrix, committed: &str) -> Vec<(Severity, usize, String)> {
        let committed = Committed::read("m.toml", committed).unwrap();
        let found = observed.differences(&committed).into_iter();
        let found = found.map(|one| {
            let line = one.labels[0].source.line(one.labels[0].range.start);
            (one.severity, line, one.message)
        });
        found.collect()
    }

    #[test]
    fn a_file_is_read_as_it_was_written() {
        let text = sound().text();
        assert_eq!(
            text.strip_prefix(HEADER).unwrap(),
            "    { role = \"app\", table = \"notes\", command = \"delete\", rows = [] },\n    \
             { role = \"app\", table = \"tasks\", command = \"select\", rows = [\"own\", \"shared?\"] },\n]\n"
        );
        assert_eq!(differences(&sound(), &text), []);
        assert_eq!(differences(&sound(), &text.replace('\n', "\r\n")), []);
    }

    #[test]
    fn names_that_toml_has_to_quote() {
        let mut hostile = Matrix::default();
        hostile.add("a\"b\\c", "größe\n}, ]");
        assert_eq!(differences(&hostile, &hostile.text()), []);
    }

    #[test]
    fn more_access_is_an_error_at_its_line() {
        for (scope, seen) in [
            (Scope::Others, Seen::Reached),
            (Scope::Unset, Seen::Unknown),
            (Scope::Shared, Seen::Reached),
        ] {
            let mut wider = sound();
            wider.see("app", "tasks", Verb::Select, scope, seen);
            let found = differences(&wider, &sound().text());
            let message = "SELECT on table `tasks` as role `app` reaches more rows than this line says";
            assert_eq!(found, [(Severity::Error, 6, message.to_string())], "{scope:?}");
        }
        let mut wider = sound();
        wider.see("app", "notes", Verb::Delete, Scope::All, Seen::Reached);
        assert_eq!(differences(&wider, &sound().text())[0].1, 5);
    }

    #[test]
    fn less_access_is_a_warning() {
        let narrower = matrix(&[("tasks", Verb::Select, &[]), ("notes", Verb::Delete, &[])]);
        let found = differences(&narrower, &sound().text());
        let message = "SELECT on table `tasks` as role `app` reaches fewer rows than this line says";
        assert_eq!(found, [(Severity::Warning, 6, message.to_string())]);
    }

    #[test]
    fn less_of_one_and_more_of_another_is_more() {
        let other = matrix(&[
            ("tasks", Verb::Select, &[(Scope::Others, Seen::Reached)]),
            ("notes", Verb::Delete, &[]),
        ]);
        assert_eq!(differences(&other, &sound().text())[0].0, Severity::Error);
    }

    #[test]
    fn lines_on_one_side_alone() {
        let empty = "access = []\n";
        let found = differences(&sound(), empty);
        let severities: Vec<Severity> = found.iter().map(|(severity, ..)| *severity).collect();
        assert_eq!(severities, [Severity::Warning, Severity::Error]);
        let found = differences(&Matrix::default(), &sound().text());
        let severities: Vec<(Severity, usize)> = found
            .iter()
            .map(|(severity, line, _)| (*severity, *line))
            .collect();
        assert_eq!(severities, [(Severity::Warning, 5), (Severity::Warning, 6)]);
    }

    #[test]
    fn what_cannot_be_read_is_an_error_with_its_place() {
        let line = "{ role = \"a\", table = \"b\", command = \"select\", rows = [] }";
        for (text, message) in [
            ("access = [", "invalid TOML in `m.toml`"),
            ("", "no list `access` in `m.toml`"),
            ("acces = []", "unknown key `acces` in `m.toml`"),
            ("access = [1]", "not a line in `m.toml`"),
            (
                &format!("access = [{}]", line.replace("\"b\"", "1")),
                "a line without a string `table` in `m.toml`",
            ),
            (
                &format!("access = [{}]", line.replace("role", "rol")),
                "unknown key `rol` in `m.toml`",
            ),
            (
                &format!("access = [{}]", line.replace(", rows = []", "")),
                "a line without a list `rows` in `m.toml`",
            ),
            (
                &format!("access = [{}]", line.replace("select", "selct")),
                "unknown command `selct` (did you mean `select`?) in `m.toml`",
            ),
            (
                &format!("access = [{}]", line.replace("[]", "[\"owns\"]")),
                "unknown word `owns` (did you mean `own`?) in `m.toml`",
            ),
            (
                &format!("access = [{line},\n{line}]"),
                "a second line for role `a`, table `b` and `select` in `m.toml`",
            ),
        ] {
            let failure = Committed::read("m.toml", text).err().expect(text).render();
            let plain = anstream::adapter::strip_str(&failure).to_string();
            assert!(plain.starts_with(&format!("error: {message}")), "{plain}");
            assert!(plain.contains("at m.toml:"), "{plain}");
        }
    }
}
