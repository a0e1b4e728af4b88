//! Checks the lexical structure of an SQL expression that is inserted between parentheses:
//! <https://www.postgresql.org/docs/current/sql-syntax-lexical.html>.

/// Why a text cannot be inserted between parentheses as one expression. Checks only the tokens, not the grammar.
pub fn flaw(text: &str) -> Option<String> {
    let mut open: Vec<char> = Vec::new();
    let mut is_empty = true;
    // The start of what may be a name or number, and the last string.
    let (mut word, mut string) = (0, None);
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let before = &text[word..at];
        if let Some(token) = quoted(&text[at..], before, string) {
            let Some(length) = token.length else {
                return Some(format!("unterminated {}", token.what));
            };
            at += length;
            word = at;
            string = token.escapes.or(string.filter(|_| token.is_comment()));
            is_empty &= token.is_comment();
            continue;
        }
        match c {
            '(' => open.push(')'),
            '[' => open.push(']'),
            ')' | ']' if open.pop() != Some(c) => return Some(format!("unmatched `{c}`")),
            ',' if open.is_empty() => {
                return Some("a `,` outside parentheses separates two expressions".to_string());
            }
            ';' => return Some("a `;` ends the statement".to_string()),
            '\0' => return Some("PostgreSQL accepts no character NUL".to_string()),
            '\\' => return Some("`psql` treats the text after a `\\` as a command".to_string()),
            ':' if is_variable(&text[..at], &text[at + 1..]) => {
                return Some("`psql` replaces `:name` by a variable".to_string());
            }
            '$' if text[at + 1..].starts_with(|c: char| c.is_ascii_digit()) && !continues_name(before) => {
                return Some("a policy cannot use parameters such as `$1`".to_string());
            }
            _ => {}
        }
        if !c.is_whitespace() {
            (is_empty, string) = (false, None);
        }
        at += c.len_utf8();
    }
    if is_empty {
        return Some("there is nothing but a comment".to_string());
    }
    open.pop().map(|closing| format!("a `{closing}` is missing"))
}

/// A comment, a string or a quoted identifier.
struct Quoted {
    what: &'static str,
    /// `None` if it is unterminated.
    length: Option<usize>,
    /// For a string in single quotes, whether a backslash escapes the next character.
    escapes: Option<bool>,
}

impl Quoted {
    fn new(what: &'static str, length: Option<usize>) -> Self {
        Self {
            what,
            length,
            escapes: None,
        }
    }

    fn is_comment(&self) -> bool {
        self.what == COMMENT
    }
}

const COMMENT: &str = "comment";

/// The comment, string or quoted identifier at the start of a text. A string that follows another one continues it, and
/// has the same escapes.
fn quoted(text: &str, before: &str, previous: Option<bool>) -> Option<Quoted> {
    if text.starts_with("--") {
        return Some(Quoted::new(
            COMMENT,
            Some(text.find(['\n', '\r']).unwrap_or(text.len())),
        ));
    }
    if text.starts_with("/*") {
        return Some(Quoted::new(COMMENT, comment(text)));
    }
    match text.chars().next()? {
        '\'' => {
            let has_prefix = before.ends_with(['E', 'e']) && !continues_name(&before[..before.len() - 1]);
            let escapes = has_prefix || previous == Some(true);
            Some(Quoted {
                what: "string",
                length: string(text, escapes),
                escapes: Some(escapes),
            })
        }
        '"' => Some(Quoted::new("quoted identifier", doubled(text, '"'))),
        '$' if !continues_name(before) => {
            let tag = dollar_tag(text)?;
            let end = text[tag.len()..].find(tag);
            Some(Quoted::new("string", end.map(|end| end + 2 * tag.len())))
        }
        _ => None,
    }
}

/// Whether a colon begins the name of a `psql` variable.
fn is_variable(before: &str, after: &str) -> bool {
    let may_start = |c: char| c.is_ascii_alphabetic() || matches!(c, '_' | '\'' | '"' | '{') || !c.is_ascii();
    !before.ends_with(':') && after.starts_with(may_start)
}

/// Whether a text ends in a name or number that the next character could continue.
fn continues_name(before: &str) -> bool {
    before.ends_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$') || !c.is_ascii())
}

/// Comments nest.
fn comment(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        if rest.starts_with("/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with("*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += rest.chars().next()?.len_utf8();
        }
    }
}

/// In a string with the prefix `E`, a backslash escapes the next character.
fn string(text: &str, has_escapes: bool) -> Option<usize> {
    if !has_escapes {
        return doubled(text, '\'');
    }
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => _ = characters.next(),
            '\'' if characters.next_if(|(_, next)| *next == '\'').is_none() => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length up to a quote that is not doubled.
fn doubled(text: &str, quote: char) -> Option<usize> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = characters.next() {
        if c == quote && characters.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// `$$` or `$tag$`.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text[1..].find('$')? + 1;
    let tag = &text[1..end];
    let is_name = tag
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || c == '_' || !c.is_ascii());
    (is_name && !tag.starts_with(|c: char| c.is_ascii_digit())).then(|| &text[..=end])
}

#[cfg(test)]
mod tests {
    use super::flaw;

    #[test]
    fn texts_that_are_one_expression() {
        for text in [
            "org_id = current_setting('app.org_id')",
            "a OPERATOR(pg_catalog.=) (b)",
            "a = ';)' AND \"b)\" = E'\\';)'",
            "a = $$;)$$ AND b = $x$ $$ ) $x$ -- )",
            "a IN (1, 2) /* ( /* ) */ ; */ AND b = ARRAY[1, 2][1]",
            "a = 'it''s' AND c$1 = 1 AND typee'(' = 'x'",
            "größe = '('",
            "a::text = b[1:2]::text",
            "a = 'x'\n'y' AND b = 'c\\'",
        ] {
            assert_eq!(flaw(text), None, "{text}");
        }
    }

    #[test]
    fn texts_that_are_not_one_expression() {
        for (text, expected) in [
            ("a = b) WITH CHECK (true", "unmatched `)`"),
            ("a = 1]", "unmatched `]`"),
            ("a[1)", "unmatched `)`"),
            ("a; DROP TABLE b", "a `;` ends the statement"),
            ("(a", "a `)` is missing"),
            ("a[1", "a `]` is missing"),
            ("a, b", "a `,` outside parentheses separates two expressions"),
            ("a = $1", "a policy cannot use parameters such as `$1`"),
            ("\\! ls", "`psql` treats the text after a `\\` as a command"),
            ("a = '", "unterminated string"),
            ("a = E'\\'", "unterminated string"),
            ("a = $x$ $y$", "unterminated string"),
            ("\"a", "unterminated quoted identifier"),
            ("a /* /* */", "unterminated comment"),
            (" -- true", "there is nothing but a comment"),
            ("true --\r); DROP TABLE b; SELECT (1", "unmatched `)`"),
            ("a = E'a'\n'\\''); DROP TABLE b --'", "unmatched `)`"),
            ("a = E'a' -- c\n'\\''); DROP TABLE b --'", "unmatched `)`"),
            ("a = $$a$$$$ ' $$) ; DROP TABLE b --'", "unmatched `)`"),
            ("a = $$a$$E'\\''); --'", "unmatched `)`"),
            ("a = :USER", "`psql` replaces `:name` by a variable"),
            ("true\0", "PostgreSQL accepts no character NUL"),
        ] {
            assert_eq!(flaw(text).as_deref(), Some(expected), "{text}");
        }
    }
}
