//! What stands in front of the code of a text, edits whatever its line breaks, and lists for people.

use std::fmt::Display;

const MARK: char = '\u{feff}';

/// Where code begins: behind a byte order mark and a line for the shell.
pub fn start_of_code(text: &str) -> usize {
    let content = text.strip_prefix(MARK).unwrap_or(text);
    let is_shebang = content.starts_with("#!") && !content[2..].trim_start().starts_with('[');
    let line = if is_shebang {
        content.find('\n').map_or(content.len(), |at| at + 1)
    } else {
        0
    };
    text.len() - content.len() + line
}

/// Edits a text as if its lines ended in `\n` and it had no byte order mark; both come back as they were.
pub fn edited<E>(text: &str, edit: impl FnOnce(&str) -> Result<String, E>) -> Result<String, E> {
    let content = text.strip_prefix(MARK).unwrap_or(text);
    let mark = text.len() - content.len();
    // A text with both kinds is left as it is.
    let breaks = content.matches('\n').count();
    let after = if breaks > 0 && content.matches("\r\n").count() == breaks {
        edit(&content.replace("\r\n", "\n"))?.replace('\n', "\r\n")
    } else {
        edit(content)?
    };
    Ok(format!("{}{after}", &text[..mark]))
}

/// What a database calls something, without what a terminal would obey.
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

/// Names in backticks, as [`listed`].
pub fn quoted<N: Display>(names: impl IntoIterator<Item = N>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    listed(&names)
}

/// The first few of some names, and how many more there are.
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
    use super::{edited, listed};

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = (1..=7).map(|number| format!("t{number}")).collect();
        assert_eq!(listed(&names[..1]), "t1");
        assert_eq!(listed(&names[..3]), "t1, t2 and t3");
        assert_eq!(listed(&names), "t1, t2, t3, t4 and 3 more");
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
