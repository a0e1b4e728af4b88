//! Edits of texts whatever their line breaks.

const MARK: char = '\u{feff}';

/// Edits a text as if its lines ended in `\n` and it had no byte order mark; both come back as they were.
pub fn edited<E>(text: &str, edit: impl FnOnce(&str) -> Result<String, E>) -> Result<String, E> {
    let (mark, content) = match text.strip_prefix(MARK) {
        Some(content) => (text.len() - content.len(), content),
        None => (0, text),
    };
    // A text with both kinds is left as it is.
    let breaks = content.matches('\n').count();
    let after = if breaks > 0 && content.matches("\r\n").count() == breaks {
        edit(&content.replace("\r\n", "\n"))?.replace('\n', "\r\n")
    } else {
        edit(content)?
    };
    Ok(format!("{}{after}", &text[..mark]))
}

#[cfg(test)]
mod tests {
    use super::edited;

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
