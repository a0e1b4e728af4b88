//! `a, key = value, …`: the form that the arguments of both macros share.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

use crate::report::{Diagnostic, Fault};

/// One argument between two commas. Each is read for itself, so that a fault in
/// one does not hide the faults of the others.
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

    /// `key` of `key`, `key = value` and `key(…)`. Keywords are keys, too.
    pub fn key(&self) -> Option<Ident> {
        let first = self.tokens.first()?.clone();
        Ident::parse_any.parse2(first.into()).ok()
    }

    /// `value` of `key = value`; the tokens after `=`, if there is an `=`.
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

    /// The tokens of the parentheses of `key(…)`.
    #[must_use]
    pub fn list(&self) -> Option<TokenStream> {
        match self.tokens.as_slice() {
            [_, TokenTree::Group(group)] if group.delimiter() == Delimiter::Parenthesis => {
                Some(group.stream())
            }
            _ => None,
        }
    }

    /// The whole argument as a value: for arguments without a key.
    #[must_use]
    pub fn whole(&self) -> Value {
        Value {
            tokens: self.tokens.clone(),
            before: self.span(),
        }
    }

    /// Whether there is a key and nothing else.
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

    /// A string literal. `macro_rules!` fragments arrive in groups without
    /// delimiters, which syn sees through.
    #[must_use]
    pub fn string(&self) -> Option<LitStr> {
        syn::parse2(self.stream()).ok()
    }

    /// A lone identifier.
    pub fn ident(&self) -> Option<Ident> {
        Ident::parse_any.parse2(ungroup(self.stream())).ok()
    }

    /// The value as it is written, shortened if it is long.
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

/// The fault that a key stands twice.
pub fn repeated(code: Fault, key: &Ident) -> Diagnostic {
    Diagnostic::new(code, format!("`{key}` is given twice"))
        .spanned(key.span())
        .help(format!("keep one `{key} = …`"))
}

/// The fault that a key stands alone.
pub fn missing_value(code: Fault, key: &Ident, form: impl Into<String>) -> Diagnostic {
    Diagnostic::new(code, format!("missing value for `{key}`"))
        .spanned(key.span())
        .help(form)
}

/// The content of a lone group without delimiters, or else the tokens as they are.
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
