//! Edits that keep the line breaks of a text, and lists for people.

use std::fmt::Display;

use table_registry_engine::without_mark;

/// Edits a text as if its lines ended in `\n` and it had no byte order mark. The result has the line breaks and the
/// mark of the original.
pub fn edited<E>(text: &str, edit: impl FnOnce(&str) -> Result<String, E>) -> Result<String, E> {
    let content = without_mark(text);
    let mark = text.len() - content.len();
    // A text with both kinds of line breaks is edited as it is.
    let breaks = content.matches('\n').count();
    let after = if breaks > 0 && content.matches("\r\n").count() == breaks {
        edit(&content.replace("\r\n", "\n"))?.replace('\n', "\r\n")
    } else {
        edit(content)?
    };
    Ok(format!("{}{after}", &text[..mark]))
}

/// A name from the database, with its control characters escaped, since a terminal would obey them.
pub fn printable(text: &str) -> String {
    let is_obeyed = |c: char| c.is_control() && c != '\n';
    if !text.contains(is_obeyed) {
        return text.to_string();
    }
    let characters = text.chars();
    characters
        .map(|c| {
            if is_obeyed(c) {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect()
}

/// A name from the database on one line, with its control characters escaped.
pub fn one_line(name: &str) -> String {
    printable(name).replace('\n', "\\n")
}

/// Names in backticks, formatted by [`listed`].
pub fn quoted<N: Display>(names: impl IntoIterator<Item = N>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    listed(&quoted)
}

/// The first few names, and the number of the others.
pub fn listed(names: &[String]) -> String {
    const SHOWN: usize = 5;
    match names {
        [] => "nothing".to_string(),
        [all @ .., last] if names.len() <= SHOWN && !all.is_empty() => {
            format!("{} and {last}", all.join(", "))
        }
        [only] => only.clone(),
        many => format!(
            "{} and {} more",
            many[..SHOWN - 1].join(", "),
            many.len() - SHOWN + 1
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{edited, listed, one_line};

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (1..=7).map(|number| format!("t{number}")).collect();
        assert_eq!(listed(&names[..1]), "t1");
        assert_eq!(listed(&names[..3]), "t1, t2 and t3");
        assert_eq!(listed(&names), "t1, t2, t3, t4 and 3 more");
    }

    #[test]
    fn names_are_on_one_line() {
        assert_eq!(one_line("a\nb\tc\u{1b}[31m é"), "a\\nb\\tc\\u{1b}[31m é");
    }

    #[test]
    fn line_breaks_and_marks_stay() {
        for (before, after) in [
            ("a\n", "a\nb\n"),
            ("a\r\n", "a\r\nb\r\n"),
            ("\u{feff}a\r\n", "\u{feff}a\r\nb\r\n"),
            ("a\nb\r\n", "a\nb\r\nb\n"),
            ("", "b\n"),
        ] {
            let found = edited(before, |text| Ok::<_, ()>(format!("{text}b\n")));
            assert_eq!(found.as_deref(), Ok(after));
        }
    }
}
