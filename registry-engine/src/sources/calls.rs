//! Finds the calls of `table_registry!` in a crate root, for the command line.

use std::ops::Range;

use ra_ap_rustc_lexer::TokenKind;

use crate::text::{Token, tokens, until_closed};

/// The places of the arguments of each `table_registry!(…)`, without the delimiters.
///
/// The body of a `macro_rules!` is a template and contains no calls.
#[must_use]
pub fn registry_calls(text: &str) -> Vec<Range<usize>> {
    let mut calls = Vec::new();
    let mut tokens = tokens(text).peekable();
    while let Some(token) = tokens.next() {
        let is_ours = token.ident() == Some("table_registry");
        let is_template = token.text == "macro_rules";
        if !(is_ours || is_template) || tokens.next_if(|next| next.kind == TokenKind::Bang).is_none() {
            continue;
        }
        if is_template {
            tokens.next_if(|next| next.ident().is_some());
        }
        let Some(open) = tokens.next_if(Token::opens) else {
            continue;
        };
        if let Some(close) = until_closed(&mut tokens, |_| {})
            && is_ours
        {
            calls.push(open.end()..close.start);
        }
    }
    calls
}

/// The text without the bodies of `macro_rules!`.
pub fn without_macros(text: &str) -> String {
    let mut code = String::new();
    let mut from = 0;
    let mut tokens = tokens(text).peekable();
    while let Some(token) = tokens.next() {
        let is_definition = token.text == "macro_rules";
        if !is_definition || tokens.next_if(|next| next.kind == TokenKind::Bang).is_none() {
            continue;
        }
        tokens.next_if(|next| next.ident().is_some());
        let open = tokens.next_if(Token::opens);
        if let (Some(open), Some(close)) = (open, until_closed(&mut tokens, |_| {})) {
            code += &text[from..open.end()];
            from = close.start;
        }
    }
    code + &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_found_by_their_tokens() {
        for (text, arguments) in [
            ("table_registry!(\"schema/\");", "\"schema/\""),
            (
                "table_registry::table_registry! { \"a\", \"b\" }",
                " \"a\", \"b\" ",
            ),
            (
                "table_registry![\"a\", crate = x::y(z)];",
                "\"a\", crate = x::y(z)",
            ),
            ("use table_registry::table_registry;", ""),
            (
                "// table_registry!(\"a\")\nconst A: &str = \"table_registry!()\";",
                "",
            ),
            (
                "macro_rules! t { () => { table_registry!(\"a\"); } } table_registry!(\"b\");",
                "\"b\"",
            ),
            ("table_registry!(\"a\"", ""),
            ("table_registry ! ( \"a\" ) ;", " \"a\" "),
        ] {
            let found = registry_calls(text).into_iter();
            let texts: String = found.map(|range| &text[range]).collect();
            assert_eq!(texts, arguments, "{text}");
        }
    }
}
