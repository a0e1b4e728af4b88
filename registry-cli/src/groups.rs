//! Findings as a person reads them: those of one code stand together, under one fix.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use table_registry_engine::{Code, Diagnostic, Severity};

use crate::database::migrations::script;
use crate::explain;
use crate::report::{self, Exit, counted, say};

/// One finding.
pub struct Entry {
    pub diagnostic: Diagnostic,
    /// The table, or whatever else the finding is about.
    pub subject: String,
    /// The part of it that is at fault, or its place.
    pub part: Option<String>,
    /// What fixes this finding, together with all that have the same remedy.
    pub remedy: Option<String>,
}

/// The findings of one code and severity, in the order of the report.
struct Group<'e> {
    code: Code,
    severity: Severity,
    entries: Vec<&'e Entry>,
}

/// How findings are printed.
#[derive(Clone, Copy)]
pub struct Detail {
    /// How many findings of one code are printed whole. More of them are one.
    pub whole: usize,
    /// Whether all of them are printed whole.
    pub verbose: bool,
}

/// Prints findings, and returns the exit code for them.
pub fn print(entries: &[Entry], detail: Detail) -> Exit {
    let groups = grouped(entries);
    let is_long = |group: &Group<'_>| group.entries.len() > detail.whole;
    for group in &groups {
        if is_long(group) && !detail.verbose {
            say!("{}\n", group.diagnostic().render_styled());
        } else {
            for entry in &group.entries {
                say!("{}\n", entry.diagnostic.render_styled());
            }
        }
    }
    if groups.iter().any(is_long) {
        let hint = "`--verbose` shows the place and the evidence of each finding";
        let hint = (!detail.verbose).then(|| format!("{:>12} {hint}\n", ""));
        say!("{}{}", counts(&groups), hint.unwrap_or_default());
    }
    let diagnostics: Vec<Diagnostic> = entries.iter().map(|entry| entry.diagnostic.clone()).collect();
    report::exit(&diagnostics)
}

fn grouped(entries: &[Entry]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for entry in entries {
        let (code, severity) = (entry.diagnostic.code, entry.diagnostic.severity);
        match groups
            .iter_mut()
            .find(|group| group.code == code && group.severity == severity)
        {
            Some(group) => group.entries.push(entry),
            None => groups.push(Group {
                code,
                severity,
                entries: vec![entry],
            }),
        }
    }
    groups
}

/// One line for each group.
fn counts(groups: &[Group<'_>]) -> String {
    groups.iter().fold(String::new(), |mut text, group| {
        let found = counted(group.entries.len(), report::severity(group.severity));
        let _ = writeln!(text, "{found:>12} {}", group.code);
        text
    })
}

impl Group<'_> {
    /// All findings as one: what is wrong, the names, what holds for each, and the fixes.
    fn diagnostic(&self) -> Diagnostic {
        let summary = explain::summary(self.code).trim_end_matches('.');
        let title = format!("{}: {} findings", lowercase_first(summary), self.entries.len());
        let mut diagnostic = Diagnostic::new(self.code, title).note(wrapped(&self.names()));
        diagnostic.severity = self.severity;
        diagnostic.notes.extend(self.common_notes());
        diagnostic.helps = self.fixes();
        diagnostic
    }

    /// Each subject once, with its parts: `contacts (email, fax)`.
    fn names(&self) -> Vec<String> {
        let mut subjects: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for entry in &self.entries {
            let parts = subjects.entry(&entry.subject).or_default();
            parts.extend(entry.part.as_deref());
        }
        let names = subjects.into_iter().map(|(subject, parts)| {
            if parts.is_empty() {
                return subject.to_string();
            }
            let parts: Vec<&str> = parts.into_iter().collect();
            format!("{subject} ({})", parts.join(", "))
        });
        names.collect()
    }

    /// The notes that all findings have.
    fn common_notes(&self) -> Vec<String> {
        let Some((first, others)) = self.entries.split_first() else {
            return Vec::new();
        };
        let has = |entry: &&Entry, note: &String| entry.diagnostic.notes.contains(note);
        let notes = first.diagnostic.notes.iter();
        let common = notes.filter(|note| others.iter().all(|entry| has(entry, note)));
        common.cloned().collect()
    }

    /// The names that all messages have.
    fn common_names(&self) -> BTreeSet<&str> {
        let messages = self.entries.iter().map(|entry| &entry.diagnostic.message);
        let mut all = messages.map(|message| names_in(message).collect::<BTreeSet<_>>());
        let first = all.next().unwrap_or_default();
        all.fold(first, |common, names| &common & &names)
    }

    /// The remedies of several findings, the statements of the others, and their instructions, each of them once.
    fn fixes(&self) -> Vec<String> {
        let mut remedies: Vec<String> = Vec::new();
        let mut statements: Vec<String> = Vec::new();
        let mut words: Vec<Words<'_>> = Vec::new();
        let common = self.common_names();
        for entry in &self.entries {
            if let Some(remedy) = &entry.remedy {
                add(&mut remedies, remedy);
                continue;
            }
            for help in &entry.diagnostic.helps {
                if is_sql(help) {
                    for statement in statements_of(help) {
                        add(&mut statements, &statement);
                    }
                } else {
                    let pattern = pattern(entry, help, &common);
                    match words.iter_mut().find(|known| known.pattern == pattern) {
                        Some(known) => known.subjects.push(&entry.subject),
                        None => words.push(Words {
                            pattern,
                            first: help,
                            subjects: vec![&entry.subject],
                        }),
                    }
                }
            }
        }
        let is_for_all = words.len() <= 1 && remedies.is_empty() && statements.is_empty();
        let words = words.iter().map(|words| match words.subjects.as_slice() {
            _ if is_for_all => words.pattern.clone(),
            [subject] => format!("{subject}: {}", words.first),
            several => format!("{}: {}", several.join(", "), words.pattern),
        });
        let words: Vec<String> = words.collect();
        let lists = [statements.join("\n"), words.join("\n")];
        remedies
            .into_iter()
            .chain(lists.into_iter().filter(|list| !list.is_empty()))
            .collect()
    }
}

/// An instruction with `…` for the names that only the message of its own finding has.
fn pattern(entry: &Entry, help: &str, common: &BTreeSet<&str>) -> String {
    let own = names_in(&entry.diagnostic.message).filter(|name| !common.contains(name));
    own.fold(help.to_string(), |text, name| with_word(&text, name, "…"))
}

fn add(list: &mut Vec<String>, text: &str) {
    if !list.iter().any(|known| known == text) {
        list.push(text.to_string());
    }
}

/// An instruction for one or several findings.
struct Words<'e> {
    /// With `…` for the names of a finding.
    pattern: String,
    /// The whole text of the first one.
    first: &'e str,
    subjects: Vec<&'e str>,
}

/// The names in backticks.
fn names_in(message: &str) -> impl Iterator<Item = &str> {
    message
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|name| !name.is_empty())
}

/// A text with another word in place of a word.
fn with_word(text: &str, word: &str, other: &str) -> String {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, behind) = (&rest[..at], &rest[at + word.len()..]);
        let last = before.chars().next_back().or(result.chars().next_back());
        let is_whole = !last.is_some_and(is_part) && !behind.starts_with(is_part);
        result.push_str(before);
        result.push_str(if is_whole { other } else { word });
        rest = behind;
    }
    result + rest
}

/// Whether a fix can be run as it is.
fn is_sql(fix: &str) -> bool {
    fix.ends_with(';') && fix.starts_with(|first: char| first.is_ascii_uppercase())
}

/// The statements of a fix, each on its own: those that several fixes need are run once.
fn statements_of(fix: &str) -> Vec<String> {
    let letters = |text: &str| text.split_whitespace().collect::<String>();
    let found = script::statements(fix).unwrap_or_default().into_iter();
    let statements: Vec<String> = found.map(|one| one.text + ";").collect();
    // A comment between statements would be lost.
    if letters(&statements.concat()) == letters(fix) {
        statements
    } else {
        vec![fix.to_string()]
    }
}

/// The start of a sentence as that of a message. A name such as `PostgreSQL` stays.
fn lowercase_first(sentence: &str) -> String {
    let word = sentence.split(' ').next().unwrap_or_default();
    match sentence.chars().next() {
        Some(first) if !word.chars().skip(1).any(char::is_uppercase) => {
            first.to_lowercase().chain(sentence.chars().skip(1)).collect()
        }
        _ => sentence.to_string(),
    }
}

/// A list in lines that fit, with the indentation of a note, on a terminal of a hundred columns. A name is never divided.
fn wrapped(names: &[String]) -> String {
    const WIDTH: usize = 88;
    let mut lines: Vec<String> = Vec::new();
    for (at, name) in names.iter().enumerate() {
        let comma = if at + 1 < names.len() { "," } else { "" };
        let item = format!("{name}{comma}");
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + item.chars().count() <= WIDTH => {
                line.push(' ');
                line.push_str(&item);
            }
            _ => lines.push(item),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use table_registry_engine::{DatabaseCheck, Lint};

    use super::*;

    fn entry(subject: &str, part: Option<&str>, notes: &[&str], fix: &str) -> Entry {
        let mut diagnostic = Diagnostic::new(DatabaseCheck::RlsDisabled, format!("`{subject}`")).help(fix);
        diagnostic.notes = notes.iter().map(ToString::to_string).collect();
        Entry {
            diagnostic,
            subject: subject.to_string(),
            part: part.map(str::to_string),
            remedy: None,
        }
    }

    /// The only group.
    fn together(entries: &[Entry]) -> Diagnostic {
        let groups = grouped(entries);
        assert_eq!(groups.len(), 1);
        groups[0].diagnostic()
    }

    #[test]
    fn codes_and_severities_are_apart() {
        let mut entries = vec![entry("a", None, &[], ""), entry("b", None, &[], "")];
        entries[1].diagnostic.severity = Severity::Warning;
        let mut other = entry("c", None, &[], "");
        other.diagnostic.code = Lint::FloatMoney.into();
        entries.push(other);
        entries.push(entry("d", None, &[], ""));
        let groups = grouped(&entries);
        assert_eq!(
            counts(&groups),
            "    2 errors rls-disabled\n   1 warning rls-disabled\n     1 error float-money\n"
        );
    }

    #[test]
    fn each_name_is_there_once() {
        let entries = [
            entry("b", Some("y"), &[], ""),
            entry("a", None, &[], ""),
            entry("b", Some("x"), &[], ""),
            entry("b", Some("x"), &[], ""),
        ];
        let found = together(&entries);
        assert_eq!(found.message, "a table has no row-level security: 4 findings");
        assert_eq!(found.notes, ["a, b (x, y)"]);
    }

    #[test]
    fn what_holds_for_all_is_said_once() {
        let entries = [
            entry("a", None, &["common", "only a"], "ALTER TABLE a;"),
            entry("b", None, &["only b", "common"], "ALTER TABLE b;"),
            entry("c", None, &["common"], "ALTER TABLE a;"),
        ];
        let found = together(&entries);
        assert_eq!(found.notes, ["a, b, c", "common"]);
        assert_eq!(found.helps, ["ALTER TABLE a;\nALTER TABLE b;"]);
    }

    #[test]
    fn a_statement_that_several_fixes_need_is_run_once() {
        let index = "CREATE UNIQUE INDEX CONCURRENTLY i ON p (org_id, id);";
        let body = "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $$ SELECT 1; $$;";
        let entries = [
            entry("a", None, &[], &format!("{index}\nALTER TABLE a\n    ADD KEY;")),
            entry("b", None, &[], &format!("{index}\nALTER TABLE b ADD KEY;")),
            entry("c", None, &[], &format!("{body} {index}")),
            entry(
                "d",
                None,
                &[],
                "DROP TABLE x;\n-- by hand: the rest\nDROP TABLE y;",
            ),
        ];
        let expected = format!(
            "{index}\nALTER TABLE a\n    ADD KEY;\nALTER TABLE b ADD KEY;\n{body}\n\
             DROP TABLE x;\n-- by hand: the rest\nDROP TABLE y;"
        );
        assert_eq!(together(&entries).helps, [expected]);
    }

    #[test]
    fn instructions_name_their_tables_where_they_differ() {
        let same = [
            entry("a", None, &[], "think about it"),
            entry("b", None, &[], "think about it"),
        ];
        assert_eq!(together(&same).helps, ["think about it"]);
        let different = [
            entry("a", None, &[], "did you mean `c`?"),
            entry("b", None, &[], "did you mean `d`?"),
            entry("e", None, &[], "DROP POLICY p ON e;"),
        ];
        let expected = [
            "DROP POLICY p ON e;",
            "a: did you mean `c`?\nb: did you mean `d`?",
        ];
        assert_eq!(together(&different).helps, expected);
    }

    /// A name that the message has is not repeated; what only the instruction says is.
    #[test]
    fn instructions_that_differ_in_names_alone() {
        let same = [
            entry("a", None, &[], "run `exempt a`, or `exempt ab`"),
            entry("b", None, &[], "run `exempt b`, or `exempt ab`"),
        ];
        assert_eq!(together(&same).helps, ["run `exempt …`, or `exempt ab`"]);
        assert_eq!(
            with_word("a_a a.a aa a", "a", "…"),
            "a_a …. aa …".replace(". ", ".… ")
        );
    }

    #[test]
    fn a_remedy_stands_for_the_statements_of_its_findings_alone() {
        let mut entries = [
            entry("a", None, &[], "ALTER TABLE a;"),
            entry("b", None, &[], "ALTER TABLE b;"),
            entry("c", None, &[], "ALTER TABLE c;"),
        ];
        entries[0].remedy = Some("run `sql`".to_string());
        entries[2].remedy = Some("run `sql`".to_string());
        assert_eq!(together(&entries).helps, ["run `sql`", "ALTER TABLE b;"]);
    }

    #[test]
    fn long_lists_are_wrapped_between_names() {
        let names: Vec<String> = (0..40).map(|number| format!("table number {number}")).collect();
        let text = wrapped(&names);
        assert!(text.lines().count() > 5 && text.lines().all(|line| line.chars().count() <= 88));
        assert_eq!(text.replace('\n', " "), names.join(", "));
        assert_eq!(lowercase_first("PostgreSQL says no"), "PostgreSQL says no");
    }
}
