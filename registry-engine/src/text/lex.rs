//! Rust tokens with their places, from rustc's own lexer.

use std::ops::Range;

use ra_ap_rustc_lexer::{Cursor, FrontmatterAllowed, TokenKind, strip_shebang};

/// One token that is neither white space nor a comment.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    pub start: usize,
}

impl<'a> Token<'a> {
    pub fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// The identifier, without `r#`.
    pub fn ident(&self) -> Option<&'a str> {
        match self.kind {
            TokenKind::Ident => Some(self.text),
            TokenKind::RawIdent => Some(&self.text[2..]),
            _ => None,
        }
    }

    pub fn opens(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::OpenBrace | TokenKind::OpenParen | TokenKind::OpenBracket
        )
    }

    pub fn closes(&self) -> bool {
        matches!(
            self.kind,
            TokenKind::CloseBrace | TokenKind::CloseParen | TokenKind::CloseBracket
        )
    }
}

/// Skips to the delimiter that closes the one just read, and returns that delimiter; `None` if the text ends first.
pub fn until_closed<'a>(
    tokens: &mut impl Iterator<Item = Token<'a>>,
    mut see: impl FnMut(&Token<'a>),
) -> Option<Token<'a>> {
    let mut depth = 1;
    for token in tokens {
        depth += i32::from(token.opens()) - i32::from(token.closes());
        if depth == 0 {
            return Some(token);
        }
        see(&token);
    }
    None
}

/// How deeply the delimiters of a text nest.
pub fn nesting(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    for token in tokens(text) {
        if token.opens() {
            depth += 1;
            deepest = deepest.max(depth);
        } else if token.closes() {
            depth = depth.saturating_sub(1);
        }
    }
    deepest
}

/// The first conflict marker that a merge left in the code of a Rust file. Comments and strings do not count.
#[must_use]
pub fn conflict_marker(text: &str) -> Option<Range<usize>> {
    conflict_marker_in_lines(text)?;
    tokens(text).find_map(|token| conflict_marker_at(text, token.start))
}

/// The first line of any text that is a conflict marker.
pub fn conflict_marker_in_lines(text: &str) -> Option<Range<usize>> {
    let breaks = text.match_indices('\n').map(|(at, _)| at + 1);
    let mut starts = std::iter::once(0).chain(breaks);
    starts.find_map(|start| conflict_marker_at(text, start))
}

/// Seven equal characters at the start of a line, followed by a space or the end of the line.
pub fn conflict_marker_at(text: &str, start: usize) -> Option<Range<usize>> {
    const LENGTH: usize = 7;
    let marker = text.get(start..start + LENGTH)?;
    let is_at_start = start == 0 || text[..start].ends_with('\n');
    let ends = matches!(
        text.as_bytes().get(start + LENGTH),
        None | Some(b' ' | b'\r' | b'\n')
    );
    let is_marker = ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].contains(&marker);
    (is_at_start && ends && is_marker).then_some(start..start + LENGTH)
}

/// The byte offset at which the code of a Rust file starts: after a byte order mark and a shebang line, as for
/// the compiler.
#[must_use]
pub fn start_of_code(text: &str) -> usize {
    let content = without_mark(text);
    let mark = text.len() - content.len();
    mark + strip_shebang(content).unwrap_or(0)
}

/// The text without a byte order mark.
#[must_use]
pub fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

/// The tokens of a Rust file without white space and comments. Any text can be lexed.
#[must_use]
pub fn tokens(text: &str) -> Tokens<'_> {
    let start = start_of_code(text);
    Tokens {
        text,
        at: start,
        cursor: Cursor::new(&text[start..], FrontmatterAllowed::No),
    }
}

/// The iterator that [`tokens`] returns.
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
    cursor: Cursor<'a>,
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Token<'a>;

    fn next(&mut self) -> Option<Token<'a>> {
        loop {
            let token = self.cursor.advance_token();
            let start = self.at;
            self.at += token.len as usize;
            match token.kind {
                TokenKind::Eof => return None,
                TokenKind::Whitespace
                | TokenKind::LineComment { .. }
                | TokenKind::BlockComment { .. }
                | TokenKind::Frontmatter { .. } => {}
                kind => {
                    return Some(Token {
                        kind,
                        text: &self.text[start..self.at],
                        start,
                    });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<&str> {
        tokens(text).map(|token| token.text).collect()
    }

    #[test]
    fn conflict_markers_stand_at_the_start_of_a_line_of_code() {
        for (text, marker) in [
            (
                "mod a;\n<<<<<<< HEAD\nmod b;\n=======\n>>>>>>> x\n",
                Some("<<<<<<<"),
            ),
            ("mod a;\r\n=======\r\nmod b;\r\n", Some("=======")),
            ("||||||| base", Some("|||||||")),
            ("/*\n=======\nTitle\n=======\n*/\nmod a;\n", None),
            ("const A: &str = \"\n<<<<<<< HEAD\n\";\n", None),
            ("========\n", None),
            (" <<<<<<< HEAD\n", None),
            ("<<<<<<<HEAD\n", None),
            ("", None),
        ] {
            let found = conflict_marker(text).map(|range| &text[range]);
            assert_eq!(found, marker, "{text:?}");
        }
        assert_eq!(conflict_marker_in_lines("a = 1\n=======\n"), Some(6..13));
    }

    #[test]
    fn comments_marks_and_shebangs_are_skipped_and_strings_are_one_token() {
        assert_eq!(
            texts("\u{feff}#!/usr/bin/env x\n// a\n/* b */ /// c\n \"#[d]\" e"),
            ["\"#[d]\"", "e"]
        );
        assert_eq!(
            texts("#![f] 'a 'b' r#\"#[g]\"#"),
            ["#", "!", "[", "f", "]", "'a", "'b'", "r#\"#[g]\"#"]
        );
    }

    #[test]
    fn nesting_counts_open_delimiters() {
        for (text, depth) in [("", 0), ("a(b)(c)", 1), ("([{", 3), ("))(\"((\")", 1)] {
            assert_eq!(nesting(text), depth, "{text}");
        }
    }

    #[test]
    fn places_are_byte_offsets() {
        let text = "\u{feff}/* é */ struct Ü;";
        for token in tokens(text) {
            assert_eq!(&text[token.start..token.end()], token.text);
        }
    }

    #[test]
    fn raw_identifiers_lose_their_prefix() {
        let all: Vec<_> = tokens("r#type x 1").map(|token| token.ident()).collect();
        assert_eq!(all, [Some("type"), Some("x"), None]);
    }
}
