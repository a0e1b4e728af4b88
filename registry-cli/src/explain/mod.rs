//! The texts of the codes. Each is in a file beside its rule, and starts with a sentence that says what is wrong.

#[cfg(all(test, unix))]
mod example;
#[cfg(all(test, unix))]
mod examples;

use std::fmt::Write as _;

use table_registry_engine::{
    Code, DatabaseCheck, Fault, Level, Lint, LintOption, for_each_check, for_each_fault, for_each_lint,
};

macro_rules! texts_of_faults {
    ($($variant:ident $name:literal;)*) => {
        fn text_of_fault(fault: Fault) -> &'static str {
            match fault {
                $(Fault::$variant => include_str!(concat!("faults/", $name, ".md")),)*
            }
        }
    };
}

macro_rules! texts_of_lints {
    ($($variant:ident $name:literal in $module:ident: $level:ident $(, $key:ident = $default:tt)?;)*) => {
        fn text_of_lint(lint: Lint) -> &'static str {
            match lint {
                $(Lint::$variant => include_str!(concat!("../lint/rules/", stringify!($module), ".md")),)*
            }
        }
    };
}

macro_rules! texts_of_checks {
    ($($variant:ident $name:literal in $module:ident: $subject:ident, $how:ident $level:ident;)*) => {
        fn text_of_check(check: DatabaseCheck) -> &'static str {
            match check {
                $(DatabaseCheck::$variant => {
                    include_str!(concat!("../database/checks/", stringify!($module), ".md"))
                })*
            }
        }
    };
}

for_each_fault!(texts_of_faults);
for_each_lint!(texts_of_lints);
for_each_check!(texts_of_checks);

/// The text beside the rule, as it was written.
fn text(code: Code) -> &'static str {
    match code {
        Code::Fault(fault) => text_of_fault(fault),
        Code::Lint(lint) => text_of_lint(lint),
        Code::DatabaseCheck(check) => text_of_check(check),
    }
}

/// What is wrong, in one sentence.
pub fn summary(code: Code) -> &'static str {
    text(code).lines().next().unwrap_or_default()
}

/// The whole text of a code, with the level and options that the policy file can set.
pub fn page(code: Code) -> String {
    let level = match code {
        Code::Lint(lint) => Some(level(lint)),
        Code::DatabaseCheck(check) if check.has_settable_level() => Some(level_of_check(check)),
        Code::Fault(_) | Code::DatabaseCheck(_) => None,
    };
    let mut page = format!("# {code}\n\n{}", text(code));
    if let Some(level) = level {
        let _ = write!(page, "\n## Level\n\n{}\n", filled(&level));
    }
    page
}

/// One line for each code.
pub fn list() -> String {
    let codes = Code::all();
    let width = codes.iter().map(|code| code.as_str().len()).max().unwrap_or(0);
    let lines = codes
        .iter()
        .map(|&code| format!("{code:width$}  {}\n", summary(code)));
    lines.collect::<Vec<_>>().concat()
}

/// Another level, as an example.
fn other(default: Level) -> Level {
    match default {
        Level::Deny | Level::Allow => Level::Warn,
        Level::Warn => Level::Deny,
    }
}

/// The default level of a check, and how to change it in the policy file.
fn level_of_check(check: DatabaseCheck) -> String {
    let default = check.default_level();
    format!(
        "`{default}` by default. In `[database.levels]`: `{check} = \"{}\"`.",
        other(default)
    )
}

/// The default level and option of a lint, and how to change them in the policy file.
fn level(lint: Lint) -> String {
    let default = lint.default_level();
    let other = other(default);
    match lint.option() {
        None => format!("`{default}` by default, no options. In `[lints]`: `{lint} = \"{other}\"`."),
        Some(option) => format!(
            "`{default}` by default. The option `{}` is `{}` by default. In `[lints]`: `{lint} = {{ level = \"{other}\", {} }}`.",
            option.key,
            value(option, usize::MAX),
            setting(option)
        ),
    }
}

/// A setting of the option, with no more than two strings.
fn setting(option: &LintOption) -> String {
    format!("{} = {}", option.key, value(option, 2))
}

/// The default of the option in TOML, with no more than this many strings.
fn value(option: &LintOption, most: usize) -> String {
    match option.default {
        [only] if !option.is_list => format!("{only:?}"),
        several => format!("{:?}", &several[..several.len().min(most)]),
    }
}

/// The text wrapped to the line length of the other texts. It has no fenced blocks, and a line break within backticks
/// does no harm.
fn filled(text: &str) -> String {
    const WIDTH: usize = 90;
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(last) if line == 0 => last.push_str(word),
            Some(last) if line + 1 + word.chars().count() <= WIDTH => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use snapbox::assert_data_eq;
    use table_registry_engine::{Policy, Source};

    use super::*;

    /// The directories of the texts. They contain no other texts.
    const DIRECTORIES: &[&str] = &["src/explain/faults", "src/lint/rules", "src/database/checks"];

    const GENERATED: &str = "<!-- @generated from the texts beside the rules: \
         `SNAPSHOTS=overwrite cargo test -p cargo-table-registry explain` regenerates this file. -->\n\n";

    fn package() -> &'static Path {
        Path::new(env!("CARGO_MANIFEST_DIR"))
    }

    #[test]
    fn every_text_has_a_summary_an_example_and_a_fix() {
        let mut seen = BTreeSet::new();
        for code in Code::all() {
            let (text, summary) = (text(code), summary(code));
            assert!(text.starts_with(&format!("{summary}\n\n")), "{code}");
            assert!(summary.ends_with('.'), "{code}: {summary}");
            assert!(text.ends_with('\n') && !text.ends_with("\n\n"), "{code}");
            assert!(seen.insert(summary), "{code} says what another code says");
            let headings: Vec<&str> = text.lines().filter(|line| line.starts_with("## ")).collect();
            let expected = ["## Example", "## Fix", "## Exception"];
            assert!(
                headings == expected[..2] || headings == expected,
                "{code}: {headings:?}"
            );
        }
    }

    #[test]
    fn every_text_belongs_to_a_code() {
        let texts: BTreeSet<&str> = Code::all().into_iter().map(text).collect();
        let paths = DIRECTORIES.iter().flat_map(|directory| {
            let entries = fs::read_dir(package().join(directory)).unwrap();
            entries.map(|entry| entry.unwrap().path())
        });
        let files: Vec<PathBuf> = paths
            .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
            .collect();
        for file in &files {
            let text = fs::read_to_string(file).unwrap();
            assert!(
                texts.contains(text.as_str()),
                "{} belongs to no code",
                file.display()
            );
        }
        assert_eq!(files.len(), Code::all().len());
    }

    #[test]
    fn the_document_has_every_page() {
        let pages: Vec<String> = Code::all().into_iter().map(page).collect();
        let document = format!("{GENERATED}{}", pages.join("\n"));
        assert_data_eq!(document, snapbox::file!["../../../docs/src/codes.md"].raw());
    }

    #[test]
    fn the_level_of_a_lint_is_valid_in_the_policy_file() {
        for &lint in Lint::ALL {
            let level = level(lint);
            let (_, setting) = level.split_once("In `[lints]`: `").unwrap();
            let policy_file = format!("[lints]\n{}\n", setting.trim_end_matches("`."));
            let (mut policy, mut faults) = (Policy::default(), Vec::new());
            policy.read_main(&Arc::new(Source::new("level", &*policy_file)), &mut faults);
            assert!(faults.is_empty(), "{policy_file}{faults:?}");
            assert_ne!(policy.lints.level(lint), lint.default_level(), "{policy_file}");
        }
    }

    #[test]
    fn the_level_of_a_check_is_valid_in_the_policy_file() {
        for &check in DatabaseCheck::ALL
            .iter()
            .filter(|check| check.has_settable_level())
        {
            let level = level_of_check(check);
            let (_, setting) = level.split_once("In `[database.levels]`: `").unwrap();
            let policy_file = format!("[database.levels]\n{}\n", setting.trim_end_matches("`."));
            let (mut policy, mut faults) = (Policy::default(), Vec::new());
            policy.read_main(&Arc::new(Source::new("level", &*policy_file)), &mut faults);
            assert!(faults.is_empty(), "{policy_file}{faults:?}");
            assert_ne!(
                policy.database.level(check),
                check.default_level(),
                "{policy_file}"
            );
        }
    }

    /// A long default is not repeated.
    fn cell(option: &LintOption) -> String {
        if option.default.len() < 5 {
            format!("`{}`", setting(option))
        } else {
            format!("`{} = […]`", option.key)
        }
    }

    /// Replaces the rows of a table, given the line of its heading.
    fn with_rows(document: &str, heading: &str, rows: &str) -> String {
        let start = document.find(heading).expect(heading) + heading.len();
        let rule = document[start..].find('\n').unwrap() + 1;
        let (before, rest) = document.split_at(start + rule);
        let after = rest.find("\n\n").unwrap() + 1;
        format!("{before}{rows}{}", &rest[after..])
    }

    #[test]
    fn the_guide_has_every_lint() {
        let row = |&lint: &Lint| {
            let option = lint.option().map_or(String::new(), cell);
            let (summary, level) = (summary(lint.into()), lint.default_level());
            format!("| `{lint}` | {summary} | {level} | {option} |\n")
        };
        let rows: String = Lint::ALL.iter().map(row).collect();
        let page = fs::read_to_string(package().join("../docs/src/command-line.md")).unwrap();
        let expected = with_rows(
            &page,
            "| rule | what it finds | level | option, with its default |\n",
            &rows,
        );
        assert_data_eq!(
            expected,
            snapbox::file!["../../../docs/src/command-line.md"].raw()
        );
    }
}
