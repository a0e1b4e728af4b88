//! Finds the calls of macros in a file where an item may stand.

use std::iter::Peekable;
use std::ops::Range;

use ra_ap_rustc_lexer::TokenKind;

use crate::text::{Token, Tokens, conflict_marker_at, tokens, until_closed};

/// `path!(…)` where an item may stand: outside of all items, or directly in an inline module.
#[derive(Clone, Debug)]
pub struct ItemCall {
    /// The names in the path.
    pub path: Vec<String>,
    /// The bytes of the arguments, without the delimiters.
    pub arguments: Range<usize>,
    /// Whether it is in an inline module.
    pub is_in_module: bool,
    /// Whether it, or a module around it, has a `cfg`.
    pub is_conditional: bool,
}

/// The calls of macros where an item may stand. Whatever is in the input of another macro, in the body of a
/// `macro_rules!`, or in a function is not such a call.
#[must_use]
pub fn item_calls(text: &str) -> Vec<ItemCall> {
    let mut calls = Vec::new();
    // For each inline module around, whether it has a `cfg`.
    let mut modules: Vec<bool> = Vec::new();
    let (mut starts_item, mut has_cfg) = (true, false);
    let mut tokens = tokens(text).peekable();
    while let Some(token) = tokens.next() {
        let is_at_start = std::mem::replace(&mut starts_item, false);
        if conflict_marker_at(text, token.start).is_some() {
            let length = text[token.start..].find('\n').unwrap_or(text.len());
            while tokens.next_if(|next| next.start < token.start + length).is_some() {}
            starts_item = true;
            continue;
        }
        match token.kind {
            TokenKind::Pound => {
                has_cfg |= is_cfg(&mut tokens);
                starts_item = is_at_start;
            }
            TokenKind::Ident if token.text == "mod" => {
                let is_named = tokens.next_if(|next| next.ident().is_some()).is_some();
                if is_named && tokens.next_if(|next| next.kind == TokenKind::OpenBrace).is_some() {
                    modules.push(has_cfg);
                    starts_item = true;
                }
            }
            TokenKind::Ident | TokenKind::RawIdent | TokenKind::Colon => {
                let path = path(token, &mut tokens);
                let Some(arguments) = arguments(&mut tokens) else {
                    continue;
                };
                if is_at_start {
                    calls.push(ItemCall {
                        path,
                        arguments,
                        is_in_module: !modules.is_empty(),
                        is_conditional: has_cfg || modules.contains(&true),
                    });
                    starts_item = true;
                }
            }
            TokenKind::OpenBrace => {
                until_closed(&mut tokens, |_| {});
                starts_item = true;
            }
            TokenKind::OpenParen | TokenKind::OpenBracket => _ = until_closed(&mut tokens, |_| {}),
            TokenKind::CloseBrace => {
                modules.pop();
                starts_item = true;
            }
            TokenKind::Semi => starts_item = true,
            _ => {}
        }
        has_cfg &= token.kind == TokenKind::Pound || !starts_item;
    }
    calls
}

/// The rest of a path.
fn path(first: Token<'_>, tokens: &mut Peekable<Tokens<'_>>) -> Vec<String> {
    let mut path: Vec<String> = first.ident().map(str::to_string).into_iter().collect();
    let mut is_after_colon = first.kind == TokenKind::Colon;
    while let Some(next) =
        tokens.next_if(|next| next.kind == TokenKind::Colon || (is_after_colon && next.ident().is_some()))
    {
        is_after_colon = next.kind == TokenKind::Colon;
        path.extend(next.ident().map(str::to_string));
    }
    path
}

/// Reads `!`, perhaps the name that a `macro_rules!` defines, and the arguments. `None` if no `!` comes next, and for a
/// definition.
fn arguments(tokens: &mut Peekable<Tokens<'_>>) -> Option<Range<usize>> {
    tokens.next_if(|next| next.kind == TokenKind::Bang)?;
    let is_definition = tokens.next_if(|next| next.ident().is_some()).is_some();
    if is_definition {
        return None;
    }
    let open = tokens.next_if(Token::opens)?;
    let close = until_closed(tokens, |_| {})?;
    Some(open.end()..close.start)
}

/// Reads an attribute after its `#`. Returns whether it is an outer `cfg`.
fn is_cfg(tokens: &mut Peekable<Tokens<'_>>) -> bool {
    let is_inner = tokens.next_if(|next| next.kind == TokenKind::Bang).is_some();
    if tokens
        .next_if(|next| next.kind == TokenKind::OpenBracket)
        .is_none()
    {
        return false;
    }
    let mut first = None;
    until_closed(tokens, |token| _ = first.get_or_insert(token.text));
    !is_inner && first == Some("cfg")
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
    fn calls_where_an_item_may_stand() {
        for (text, calls) in [
            ("a!(\"schema/\");", "a(\"schema/\")"),
            ("a::r#b! { \"a\", \"b\" }", "a::b( \"a\", \"b\" )"),
            ("::a::b![x, c = x::y(z)];", "a::b(x, c = x::y(z))"),
            ("use a::a; // a!(\"a\")\nconst A: &str = \"a!()\";", ""),
            ("macro_rules! t { () => { a!(1); } } a!(2);", "a(2)"),
            ("a!(1", ""),
            ("a ! ( 1 ) ; fn f() { b!() }", "a( 1 )"),
            (
                "const A: &str = a!(1); static B: [u8; b!(2)] = c![]; d!();",
                "d()",
            ),
            ("t! { a!(1); } fn f() { quote! { a!(2) } }", "t( a!(1); )"),
            ("fn f() -> a!() {} impl b!() {} impl A for c!() {} d!();", "d()"),
            (
                "#[cfg(x)] a!(1); #[doc = \"cfg\"] b!(); #[cfg(y)] const A: u8 = 1; c!();",
                "cfg a(1), b(), c()",
            ),
            (
                "mod r { a!(1); mod s; mod t { b!(2); } } c!();",
                "mod a(1), mod b(2), c()",
            ),
            ("#[cfg(test)] pub mod r { a!(1); } b!();", "cfg mod a(1), b()"),
            (
                "struct A { x: u8 } a!(1); extern \"C\" { b!(2); } c!(3);",
                "a(1), c(3)",
            ),
            ("#![cfg(x)] a!(1);", "a(1)"),
            ("<<<<<<< HEAD\n=======\n>>>>>>> a-b\na!(1);", "a(1)"),
        ] {
            let shown = |call: &ItemCall| {
                let cfg = if call.is_conditional { "cfg " } else { "" };
                let module = if call.is_in_module { "mod " } else { "" };
                let arguments = &text[call.arguments.clone()];
                format!("{cfg}{module}{}({arguments})", call.path.join("::"))
            };
            let found: Vec<String> = item_calls(text).iter().map(shown).collect();
            assert_eq!(found.join(", "), calls, "{text}");
        }
    }
}
