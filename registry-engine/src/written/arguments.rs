//! `a, key = value, …`: the arguments of both macros.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

use crate::report::{Diagnostic, Fault};

/// The tokens between two commas. Each argument is read on its own, so that a fault in one does not hide those of the
/// others.
#[derive(Debug)]
pub struct Argument {
    tokens: Vec<TokenTree>,
}

/// Splits at the commas of the top level. A trailing comma is allowed.
#[must_use]
pub fn split(arguments: TokenStream) -> Vec<Argument> {
    let mut list = Vec::new();
    let mut tokens = Vec::new();
    for tree in arguments {
        match tree {
            TokenTree::Punct(punct) if punct.as_char() == ',' => {
                list.push(Argument {
                    tokens: std::mem::take(&mut tokens),
                });
            }
            other => tokens.push(other),
        }
    }
    if !tokens.is_empty() {
        list.push(Argument { tokens });
    }
    list.retain(|argument| !argument.tokens.is_empty());
    list
}

impl Argument {
    /// The first token.
    pub fn span(&self) -> Span {
        self.tokens.first().map_or_else(Span::call_site, TokenTree::span)
    }

    /// `key` of `key`, `key = value` and `key(…)`. It may be a keyword.
    #[must_use]
    pub fn key(&self) -> Option<Ident> {
        ident(self.tokens.first()?)
    }

    /// `value` of `key = value`, which may be empty.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        match self.tokens.get(1)? {
            TokenTree::Punct(punct) if punct.as_char() == '=' => Some(Value {
                tokens: self.tokens[2..].to_vec(),
                before: punct.span(),
            }),
            _ => None,
        }
    }

    /// The tokens in the parentheses of `key(…)`.
    #[must_use]
    pub fn list(&self) -> Option<TokenStream> {
        match self.tokens.as_slice() {
            [_, TokenTree::Group(group)] if group.delimiter() == Delimiter::Parenthesis => {
                Some(group.stream())
            }
            _ => None,
        }
    }

    /// The whole argument as a value, if it has no key.
    #[must_use]
    pub fn whole(&self) -> Value {
        Value {
            tokens: self.tokens.clone(),
            before: self.span(),
        }
    }

    /// Whether the argument is the call of a macro, such as `env!("OUT_DIR")`.
    #[must_use]
    pub fn is_macro_call(&self) -> bool {
        let is_bang = |tree: &TokenTree| matches!(tree, TokenTree::Punct(punct) if punct.as_char() == '!');
        self.value().is_none() && self.tokens.iter().any(is_bang)
    }

    /// Whether the argument is a single token.
    #[must_use]
    pub fn is_lone(&self) -> bool {
        self.tokens.len() == 1
    }
}

/// The tokens after `=`.
#[derive(Debug)]
pub struct Value {
    tokens: Vec<TokenTree>,
    before: Span,
}

impl Value {
    /// Whether nothing follows the `=`.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// The first token, or the `=` if nothing follows it.
    pub fn span(&self) -> Span {
        self.tokens.first().map_or(self.before, TokenTree::span)
    }

    /// The tokens.
    #[must_use]
    pub fn stream(&self) -> TokenStream {
        self.tokens.iter().cloned().collect()
    }

    /// The string literal, if the value is one.
    #[must_use]
    pub fn string(&self) -> Option<LitStr> {
        match self.tokens.as_slice() {
            [single] if is_literal(single) => syn::parse2(single.clone().into()).ok(),
            _ => None,
        }
    }

    /// The identifier, if the value is one.
    #[must_use]
    pub fn ident(&self) -> Option<Ident> {
        match self.tokens.as_slice() {
            [single] => ident(single),
            _ => None,
        }
    }

    /// The value as source text, shortened if it is long.
    #[must_use]
    pub fn text(&self) -> String {
        const SHOWN: usize = 40;
        let text = self.stream().to_string();
        match text.char_indices().nth(SHOWN) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// An identifier. `macro_rules!` puts a fragment into a group without delimiters.
fn ident(tree: &TokenTree) -> Option<Ident> {
    match tree {
        TokenTree::Ident(ident) => Some(ident.clone()),
        TokenTree::Group(group) if group.delimiter() == Delimiter::None => {
            Ident::parse_any.parse2(ungroup(group.stream())).ok()
        }
        _ => None,
    }
}

/// Whether this is a literal, or a group without delimiters that may hold one.
fn is_literal(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Literal(_) => true,
        TokenTree::Group(group) => group.delimiter() == Delimiter::None,
        TokenTree::Ident(_) | TokenTree::Punct(_) => false,
    }
}

/// The fault of a key that is given twice.
pub fn repeated(code: Fault, key: &Ident) -> Diagnostic {
    Diagnostic::new(code, format!("`{key}` is given twice"))
        .spanned(key.span())
        .help(format!("keep one `{key} = …`"))
}

/// The fault of a key without a value.
pub fn missing_value(code: Fault, key: &Ident, form: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, format!("missing value for `{key}`"))
        .spanned(key.span())
        .help(form)
}

/// The content of a group without delimiters, if the tokens are a single such group, or else the tokens.
#[must_use]
pub fn ungroup(tokens: TokenStream) -> TokenStream {
    let mut trees = tokens.clone().into_iter();
    match (trees.next(), trees.next()) {
        (Some(TokenTree::Group(group)), None) if group.delimiter() == Delimiter::None => {
            ungroup(group.stream())
        }
        _ => tokens,
    }
}
