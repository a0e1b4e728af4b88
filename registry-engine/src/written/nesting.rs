//! How deeply tokens may nest. `syn` parses by recursion, so tokens that nest deeply enough would overflow the stack.

use proc_macro2::{Spacing, Span, TokenStream, TokenTree, token_stream};

use crate::report::{Diagnostic, Fault};
use crate::text;

/// In a debug build, `syn` takes about 45 KiB of stack for each level of types, and a thread may have 2 MiB.
pub const MAX_NESTING: usize = 32;

/// `1 + 1 + 1` nests, too, but each level takes far less stack.
const MAX_CHAIN: usize = 1_000;

/// Whether tokens nest too deeply to be parsed as types, bounds or values. Attributes do not count: their content stays
/// tokens.
#[must_use]
pub fn nests_too_deeply(tokens: &TokenStream) -> bool {
    let mut levels = vec![Level::new(tokens.clone(), 0)];
    while let Some(level) = levels.last_mut() {
        let Some(tree) = level.trees.next() else {
            levels.pop();
            continue;
        };
        let group = level.see(tree);
        let depth = level.depth();
        if depth > MAX_NESTING || level.chain > MAX_CHAIN {
            return true;
        }
        levels.extend(group.map(|group| Level::new(group, depth)));
    }
    false
}

/// The fault of a struct whose tokens up to its fields nest too deeply.
#[must_use]
pub fn too_deep_struct() -> Diagnostic {
    Diagnostic::new(
        Fault::UnreadableStruct,
        "the generics of this struct nest too deeply",
    )
    .spanned(Span::call_site())
    .note(format!(
        "types and bounds in front of the fields may nest {MAX_NESTING} levels deep"
    ))
    .help("give an inner type a name of its own: `type Inner = …;`")
}

/// The delimiters of a text can be counted without making tokens of it.
pub fn text_nests_too_deeply(text: &str) -> bool {
    let opening = text.bytes().filter(|byte| matches!(byte, b'(' | b'[' | b'{'));
    opening.count() > MAX_NESTING && text::nesting(text) > MAX_NESTING
}

/// The tokens between two delimiters, and how deep the parser is before it reads the next one of them.
struct Level {
    trees: token_stream::IntoIter,
    outside: usize,
    /// The `<` that are still open.
    angles: usize,
    /// The prefixes and groups since the last separator: `&&T`, `fn() -> fn() -> T`.
    prefixes: usize,
    /// The other operators since the last separator.
    chain: usize,
    is_arrow: bool,
    is_attribute: bool,
}

impl Level {
    fn new(tokens: TokenStream, outside: usize) -> Self {
        Self {
            trees: tokens.into_iter(),
            outside,
            angles: 0,
            prefixes: 0,
            chain: 0,
            is_arrow: false,
            is_attribute: false,
        }
    }

    fn depth(&self) -> usize {
        self.outside + self.angles + self.prefixes
    }

    /// Counts a token; returns the tokens in it.
    fn see(&mut self, tree: TokenTree) -> Option<TokenStream> {
        let (was_arrow, was_attribute) = (self.is_arrow, self.is_attribute);
        (self.is_arrow, self.is_attribute) = (false, false);
        match tree {
            TokenTree::Group(_) if was_attribute => {}
            TokenTree::Group(group) => {
                self.prefixes += 1;
                return Some(group.stream());
            }
            TokenTree::Punct(punct) => match punct.as_char() {
                '<' => self.angles += 1,
                '>' if !was_arrow => self.angles = self.angles.saturating_sub(1),
                ',' | ';' => (self.prefixes, self.chain) = (0, 0),
                '#' => self.is_attribute = true,
                '&' | '*' | '-' | '!' => {
                    self.is_arrow = punct.as_char() == '-' && punct.spacing() == Spacing::Joint;
                    self.prefixes += 1;
                }
                '=' => self.is_arrow = punct.spacing() == Spacing::Joint,
                ':' | '\'' | '>' => {}
                _ => self.chain += 1,
            },
            TokenTree::Ident(word) if word == "as" => self.chain += 1,
            TokenTree::Ident(_) | TokenTree::Literal(_) => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_parser_follows_by_recursion_is_limited() {
        for (open, inner, close) in [
            ("Option<", "u8", ">"),
            ("&", "u8", ""),
            ("&'a mut ", "u8", ""),
            ("*const ", "u8", ""),
            ("(", "u8", ")"),
            ("[", "u8", "; 1]"),
            ("fn() -> ", "u8", ""),
            ("Box<dyn Fn(u8) -> ", "u8", ">"),
            ("A<B, ", "u8", ">"),
            ("1 + ", "1", ""),
            ("", "1", " as u8"),
            ("", "a", ".b"),
            ("", "a", "(0)"),
            ("-", "1", ""),
        ] {
            for (count, expected) in [(8, false), (2_000, true)] {
                let text = format!("{}{inner}{}", open.repeat(count), close.repeat(count));
                assert_eq!(
                    nests_too_deeply(&text.parse().unwrap()),
                    expected,
                    "{open}{close}"
                );
            }
        }
    }

    #[test]
    fn what_is_long_is_not_deep() {
        for part in [
            "a: Option<Vec<u8>>, ",
            "T: Fn(&str) -> Result<u8, E> + 'a, ",
            "T: A + B + C + D + E + F + G + H + I + J + K + L + M + N + O + P + Q + R, ",
            "#[serde(default)] ",
            "pub a: &'static str, ",
            "const A: bool = x >= y; ",
        ] {
            assert!(!nests_too_deeply(&part.repeat(300).parse().unwrap()), "{part}");
        }
    }

    #[test]
    fn types_up_to_the_limit_do_not_overflow_the_stack() {
        for (open, close) in [("Option<", ">"), ("&", ""), ("(", ",)"), ("fn() -> ", "")] {
            let mut count = MAX_NESTING;
            let text = loop {
                let text = format!("{}u8{}", open.repeat(count), close.repeat(count));
                if !nests_too_deeply(&text.parse().unwrap()) {
                    break text;
                }
                count -= 1;
            };
            assert!(syn::parse_str::<syn::Type>(&text).is_ok(), "{text}");
        }
    }
}
