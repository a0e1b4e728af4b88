//! `cargo table-registry explain [CODE]`.

use std::fmt::Write as _;

use table_registry_engine::{Code, did_you_mean};

use crate::cli::Explain;
use crate::failure::Failure;
use crate::report::{self, Exit};

/// One section a code, in the order of the codes; each starts with its code as a heading.
const TEXTS: &str = include_str!("../../explain.md");

pub fn run(arguments: &Explain) -> Result<Exit, Failure> {
    let text = match &arguments.code {
        Some(name) => format!("{}\n", text(find(name)?)),
        None => list(),
    };
    report::data(&text)?;
    Ok(Exit::Fine)
}

/// As in rustc, `-` and `_` are the same letter.
fn find(name: &str) -> Result<Code, Failure> {
    let wanted = name.replace('_', "-");
    let found = Code::all().into_iter().find(|code| code.as_str() == wanted);
    found.ok_or_else(|| {
        let names = || Code::all().into_iter().map(Code::as_str);
        let part_of = || names().find(|code| code.split('-').any(|word| word == wanted));
        let part_of = || part_of().map(|code| format!("did you mean `{code}`?"));
        Failure::new(format!("unknown code `{name}`"))
            .maybe_help(did_you_mean(&wanted, names()).or_else(part_of))
            .help("run `cargo table-registry explain` for the list of all codes")
    })
}

/// The section of a code; empty if there is none, which a test excludes.
fn text(code: Code) -> &'static str {
    let start = heading(code).unwrap_or(TEXTS.len());
    let next = Code::all().into_iter().skip_while(|other| *other != code).nth(1);
    let end = next.and_then(heading).unwrap_or(TEXTS.len());
    TEXTS.get(start..end).unwrap_or_default().trim_end_matches('\n')
}

fn heading(code: Code) -> Option<usize> {
    let heading = format!("# {code}\n");
    if TEXTS.starts_with(&heading) {
        return Some(0);
    }
    TEXTS.find(&format!("\n{heading}")).map(|at| at + 1)
}

/// What is wrong, in one line.
fn summary(code: Code) -> &'static str {
    text(code).lines().nth(2).unwrap_or_default()
}

fn list() -> String {
    let width = Code::all()
        .into_iter()
        .map(|code| code.as_str().len())
        .max()
        .unwrap_or(0);
    let mut list = String::new();
    for code in Code::all() {
        writeln!(list, "{code:width$}  {}", summary(code)).expect("a string takes every text");
    }
    list
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use table_registry_engine::Lint;

    use super::*;

    #[test]
    fn every_code_has_a_text_with_an_example_and_a_fix() {
        let mut seen = BTreeSet::new();
        for code in Code::all() {
            let text = text(code);
            assert!(text.starts_with(&format!("# {code}\n\n")), "{code}");
            assert!(summary(code).ends_with('.'), "{code}: {}", summary(code));
            assert!(seen.insert(summary(code)), "{code} says what another code says");
            for part in ["\n## Example\n", "\n## Fix\n"] {
                assert_eq!(text.matches(part).count(), 1, "{code}: {part}");
            }
            let is_lint = matches!(code, Code::Lint(_));
            assert_eq!(text.contains("\n## Level\n"), is_lint, "{code}");
        }
    }

    #[test]
    fn the_level_of_a_lint_is_that_of_its_rule() {
        for &lint in Lint::ALL {
            let text = text(lint.into());
            let (_, level) = text.split_once("\n## Level\n").unwrap();
            assert!(level.contains(&format!("`{}`", lint.default_level())), "{}", lint);
            if let Some(option) = lint.option() {
                assert!(level.contains(option.key), "{}: {}", lint, option.key);
            }
        }
    }
}
