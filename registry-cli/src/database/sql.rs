//! As much of SQL as it takes to tell code from comments and strings.

use std::iter::Peekable;
use std::str::CharIndices;

#[derive(Debug, PartialEq, Eq)]
pub enum Token {
    /// A keyword or a bare identifier, in lower case, as PostgreSQL folds it.
    Word(String),
    /// An identifier in quotes, as it is.
    Quoted(String),
    /// A string, with its quotes or dollars.
    String,
    Other(char),
}

impl Token {
    pub fn identifier(&self) -> Option<&str> {
        match self {
            Self::Word(name) | Self::Quoted(name) => Some(name),
            Self::String | Self::Other(_) => None,
        }
    }
}

/// The tokens of a text; comments are none.
pub fn tokens(text: &str) -> Vec<Token> {
    let mut rest = text;
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, length) = token(rest, first);
        tokens.extend(token);
        rest = &rest[length..];
    }
    tokens
}

/// The token that the text starts with, if any, and the length of what was read.
fn token(text: &str, first: char) -> (Option<Token>, usize) {
    match first {
        _ if text.starts_with("--") => (None, text.find('\n').unwrap_or(text.len())),
        _ if text.starts_with("/*") => (None, comment(text)),
        _ if first.is_whitespace() => (None, first.len_utf8()),
        '\'' => (Some(Token::String), quote(text, '\'', false)),
        'e' | 'E' if text[1..].starts_with('\'') => (Some(Token::String), 1 + quote(&text[1..], '\'', true)),
        '"' => {
            let length = quote(text, '"', false);
            let name = &text[1..length];
            let name = name.strip_suffix('"').unwrap_or(name).replace("\"\"", "\"");
            (Some(Token::Quoted(name)), length)
        }
        '$' => dollars(text).map_or((Some(Token::Other('$')), 1), |length| {
            (Some(Token::String), length)
        }),
        _ if starts_word(first) => {
            let length = word(text);
            (Some(Token::Word(text[..length].to_ascii_lowercase())), length)
        }
        _ if first.is_ascii_digit() => (Some(Token::Other(first)), word(text)),
        _ => (Some(Token::Other(first)), first.len_utf8()),
    }
}

fn starts_word(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_' || !c.is_ascii()
}

fn word(text: &str) -> usize {
    let continues = |c: char| starts_word(c) || c.is_ascii_digit() || c == '$';
    text.find(|c| !continues(c)).unwrap_or(text.len())
}

/// Comments in comments are comments.
fn comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut characters = text.char_indices().peekable();
    while let Some((_, first)) = characters.next() {
        if first == '/' && follows(&mut characters, '*') {
            depth += 1;
        } else if first == '*' && follows(&mut characters, '/') {
            depth -= 1;
        }
        if depth == 0 {
            break;
        }
    }
    characters.peek().map_or(text.len(), |(end, _)| *end)
}

fn follows(characters: &mut Peekable<CharIndices<'_>>, wanted: char) -> bool {
    characters.next_if(|(_, found)| *found == wanted).is_some()
}

/// Up to the closing quote; two of them are one that does not close.
fn quote(text: &str, mark: char, has_escapes: bool) -> usize {
    let mut characters = text.char_indices().peekable();
    characters.next();
    while let Some((at, found)) = characters.next() {
        if found == '\\' && has_escapes {
            characters.next();
        } else if found == mark && !follows(&mut characters, mark) {
            return at + mark.len_utf8();
        }
    }
    text.len()
}

/// The length of `$$…$$` or `$tag$…$tag$`.
fn dollars(text: &str) -> Option<usize> {
    let tag = text[1..].find('$')? + 2;
    let name = &text[1..tag - 1];
    let is_name = name.chars().all(|c| starts_word(c) || c.is_ascii_digit());
    let starts_well = !name.starts_with(|c: char| c.is_ascii_digit());
    let body = (is_name && starts_well).then_some(&text[tag..])?;
    Some(body.find(&text[..tag]).map_or(text.len(), |end| tag + end + tag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        let tokens = tokens(text);
        let identifiers = tokens.iter().filter_map(Token::identifier);
        identifiers.map(str::to_string).collect()
    }

    #[test]
    fn comments_and_strings_hold_no_words() {
        assert_eq!(words("a -- b\nC"), ["a", "c"]);
        assert_eq!(words("a /* b /* c */ d */ e /*/ f"), ["a", "e"]);
        assert_eq!(words("a 'b''c' d"), ["a", "d"]);
        assert_eq!(words(r"a E'b\'c' d 'e\' f"), ["a", "d", "f"]);
        assert_eq!(words("a $$ b $c$ $$ d $e$ f $$ $e$ g"), ["a", "d", "g"]);
        assert_eq!(words("a $1 + $2 b c$d"), ["a", "b", "c$d"]);
        assert_eq!(words("a 'never closed"), ["a"]);
    }

    #[test]
    fn identifiers_in_quotes_stay_as_they_are() {
        assert_eq!(words(r#"a "B ""c""" d é"#), ["a", r#"B "c""#, "d", "é"]);
    }
}
