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

/// The fault of a struct whose generic parameters have too many different conditions.
#[must_use]
pub fn too_many_conditions(limit: usize) -> Diagnostic {
    Diagnostic::new(
        Fault::UnreadableStruct,
        "the generic parameters of this struct have too many conditions",
    )
    .spanned(Span::call_site())
    .note(format!(
        "`#[table]` adds an implementation for each combination of up to {limit} different `#[cfg(…)]`"
    ))
    .help("put `#[cfg(…)]` on two versions of the struct instead")
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
                '<' => {
                    self.angles += 1;
                    // It may be an operator: `1 << 1 >> 1`.
                    self.chain += 1;
                }
                '>' if !was_arrow && self.angles > 0 => self.angles -= 1,
                ',' | ';' => (self.prefixes, self.chain) = (0, 0),
                '#' => self.is_attribute = true,
                '&' | '*' | '-' | '!' => {
                    self.is_arrow = punct.as_char() == '-' && punct.spacing() == Spacing::Joint;
                    self.prefixes += 1;
                }
                '=' => self.is_arrow = punct.spacing() == Spacing::Joint,
                ':' | '\'' => {}
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

    /// Ways to nest a type, and the length of an array.
    const TYPES: &[(&str, &str)] = &[
        ("Vec<", ">"),
        ("&", ""),
        ("&'a mut ", ""),
        ("*const ", ""),
        ("[", "]"),
        ("[", "; 1]"),
        ("(", ")"),
        ("(u8, ", ")"),
        ("fn(u8) -> ", ""),
        ("Box<dyn Fn(", ")>"),
        ("<", " as T>::U"),
    ];
    const LENGTHS: &[(&str, &str)] = &[
        ("-", ""),
        ("!", ""),
        ("(", ")"),
        ("1 + ", ""),
        ("1 >> ", ""),
        ("1 << 1 >> ", ""),
        ("", ".a"),
        ("", "(1)"),
        ("", "[1]"),
        ("", " as usize"),
    ];

    /// Structs with a field whose type is nested a number of levels deep, each in another way.
    fn structs(levels: usize) -> impl Iterator<Item = String> {
        let nested = move |(open, close): (&str, &str), inner: &str| {
            format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
        };
        let types = TYPES.iter().map(move |way| nested(*way, "u8"));
        let lengths = LENGTHS
            .iter()
            .map(move |way| format!("[u8; {}]", nested(*way, "a")));
        types
            .chain(lengths)
            .map(|field| format!("struct S {{ a: {field} }}"))
    }

    fn is_too_deep(text: &str) -> bool {
        nests_too_deeply(&text.parse().unwrap())
    }

    #[test]
    fn every_way_to_nest_is_limited() {
        for text in structs(2_000) {
            assert!(is_too_deep(&text), "{}", &text[..40]);
        }
        for text in structs(8) {
            assert!(!is_too_deep(&text), "{text}");
        }
    }

    #[test]
    fn structs_up_to_the_limit_do_not_overflow_the_stack() {
        for way in 0..TYPES.len() + LENGTHS.len() {
            let of_depth = |levels| structs(levels).nth(way).unwrap();
            let depths: Vec<usize> = (1..1_100).collect();
            let allowed = depths.partition_point(|levels| !is_too_deep(&of_depth(*levels)));
            let deepest = of_depth(allowed);
            assert!(syn::parse_str::<syn::DeriveInput>(&deepest).is_ok(), "{deepest}");
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
}
