//! How deeply Rust code is nested.
//!
//! syn and proc-macro2 read, print and drop some things by recursion, and the stack of a thread ends somewhere. Code
//! that is nested deeper than anybody writes is refused before they see it.

use proc_macro2::{Group, LexError, Spacing, TokenStream, TokenTree};

/// How deeply code may be nested, in tokens. syn takes up to 35 KiB of stack for each in a debug build.
pub const LIMIT: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AngleBracket {
    Open,
    Close,
}

/// Whether a token is an angle bracket. The `>` of `->` and `=>` is none.
pub fn angle_bracket(trees: &[TokenTree], at: usize) -> Option<AngleBracket> {
    let TokenTree::Punct(punct) = &trees[at] else {
        return None;
    };
    let before = at.checked_sub(1).map(|before| &trees[before]);
    let is_arrow = matches!(before, Some(TokenTree::Punct(punct))
        if punct.spacing() == Spacing::Joint && matches!(punct.as_char(), '-' | '='));
    match punct.as_char() {
        '<' => Some(AngleBracket::Open),
        '>' if !is_arrow => Some(AngleBracket::Close),
        _ => None,
    }
}

/// Whether an item is nested too deeply for syn.
///
/// syn goes down one level for a bracket, a `&`, a `*`, a `->` or an operator. The measure is coarser, so that it cannot
/// miss one: each token goes down one level, and the next comma, semicolon or attribute of the same list goes up again.
pub fn is_too_deep_to_parse(item: &[TokenTree]) -> bool {
    is_deep(item, 0)
}

fn is_deep(trees: &[TokenTree], around: usize) -> bool {
    let mut depth = around;
    // The depths of the angle brackets that are open.
    let mut open = Vec::new();
    for (at, tree) in trees.iter().enumerate() {
        let bracket = angle_bracket(trees, at);
        if starts_element(tree) {
            depth = open.last().copied().unwrap_or(around);
        } else if bracket == Some(AngleBracket::Close)
            && let Some(opened) = open.pop()
        {
            depth = opened;
        } else {
            depth += 1;
            open.extend((bracket == Some(AngleBracket::Open)).then_some(depth));
        }
        if depth > LIMIT || matches!(tree, TokenTree::Group(group) if is_deep(&trees_of(group), depth)) {
            return true;
        }
    }
    false
}

fn starts_element(tree: &TokenTree) -> bool {
    matches!(tree, TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';' | '#'))
}

fn trees_of(group: &Group) -> Vec<TokenTree> {
    group.stream().into_iter().collect()
}

/// The tokens of a text, or the reason why there are none.
pub fn tokens(text: &str) -> Result<TokenStream, String> {
    let tokens: TokenStream = text.parse().map_err(|error: LexError| error.to_string())?;
    if has_deep_brackets(&tokens) {
        return Err(format!("brackets are nested more than {LIMIT} levels deep"));
    }
    Ok(tokens)
}

fn has_deep_brackets(tokens: &TokenStream) -> bool {
    let mut open = vec![tokens.clone().into_iter()];
    while let Some(innermost) = open.last_mut() {
        match innermost.next() {
            Some(TokenTree::Group(group)) => open.push(group.stream().into_iter()),
            Some(_) => {}
            None => _ = open.pop(),
        }
        if open.len() > LIMIT {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_too_deep(text: &str) -> bool {
        let tokens: TokenStream = text.parse().unwrap();
        is_too_deep_to_parse(&tokens.into_iter().collect::<Vec<_>>())
    }

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

    #[test]
    fn all_ways_down_are_counted() {
        for levels in [LIMIT, 10_000] {
            for text in structs(levels) {
                assert!(is_too_deep(&text), "{levels} levels: {}", &text[..40]);
            }
        }
        for text in structs(LIMIT / 10) {
            assert!(!is_too_deep(&text), "{text}");
        }
    }

    /// The whole of the limit fits on the stack of a main thread.
    #[test]
    fn what_is_not_too_deep_can_be_parsed() {
        let read = || {
            for way in 0..TYPES.len() + LENGTHS.len() {
                let mut texts = (1..LIMIT).rev().filter_map(|levels| structs(levels).nth(way));
                let deepest = texts.find(|text| !is_too_deep(text)).unwrap();
                assert!(syn::parse_str::<syn::DeriveInput>(&deepest).is_ok(), "{deepest}");
            }
        };
        let thread = std::thread::Builder::new().stack_size(8 << 20);
        thread.spawn(read).unwrap().join().unwrap();
    }

    #[test]
    fn what_is_long_is_not_deep() {
        let fields = "/// Text.\n#[sqlx(rename = \"b\")] pub a: Vec<u8>, ".repeat(1_000);
        let bounds = "A: Into<B> + Fn(C) -> D, ".repeat(1_000);
        assert!(!is_too_deep(&format!(
            "struct S<T> where {bounds} {{ {fields} }}"
        )));
        assert!(!is_too_deep(&format!(
            "{} struct S;",
            "/// Text.\n".repeat(1_000)
        )));
    }

    #[test]
    fn brackets_of_a_text() {
        let nested = |levels: usize| format!("{}{}", "[{(".repeat(levels), ")}]".repeat(levels));
        assert!(tokens(&nested(LIMIT / 3)).is_ok());
        for levels in [LIMIT, 100_000] {
            assert!(
                tokens(&nested(levels))
                    .unwrap_err()
                    .contains("more than 128 levels")
            );
        }
        assert!(tokens("(").is_err());
    }
}
