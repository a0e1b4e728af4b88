//! The attributes of an item, one by one.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Meta, MetaNameValue, Path, Token, bracketed};

use super::arguments;
use crate::text::{Token, tokens};

/// How deeply the brackets of attributes may be nested.
const DEEPEST: usize = 512;

/// One attribute, alone or inside `cfg_attr`.
pub struct FlatMeta {
    /// The attribute's content.
    pub meta: Meta,
    /// Whether a `cfg_attr` holds it.
    pub conditional: bool,
}

/// The attributes one by one, those in `cfg_attr` included whatever its condition:
/// the registry describes the database, not one build.
#[must_use]
pub fn flatten(attributes: impl IntoIterator<Item = Meta>) -> Vec<FlatMeta> {
    let mut flat = Vec::new();
    for attribute in attributes {
        flatten_into(attribute, false, &mut flat);
    }
    flat
}

/// The attributes in front of an item.
///
/// # Errors
///
/// Fails where something starts like an attribute and does not parse as one.
pub fn outer_attributes(input: ParseStream<'_>) -> syn::Result<Vec<Meta>> {
    let mut attributes = Vec::new();
    while input.peek(Token![#]) {
        input.parse::<Token![#]>()?;
        let content;
        bracketed!(content in input);
        attributes.push(attribute(&content)?);
    }
    Ok(attributes)
}

/// The content of one attribute. A value that is more than a literal stays unparsed: nothing here needs it, and
/// syn would recurse as deep as it nests, until the stack overflows.
fn attribute(input: ParseStream<'_>) -> syn::Result<Meta> {
    let ahead = input.fork();
    let has_value = ahead.call(Path::parse_mod_style).is_ok() && ahead.peek(Token![=]);
    if !has_value {
        return input.parse();
    }
    let path = input.call(Path::parse_mod_style)?;
    let eq_token = input.parse()?;
    let tokens: TokenStream = input.parse()?;
    let value = match syn::parse2(tokens.clone()) {
        Ok(lit) => Expr::Lit(ExprLit {
            attrs: Vec::new(),
            lit,
        }),
        Err(_) => Expr::Verbatim(tokens),
    };
    Ok(Meta::NameValue(MetaNameValue {
        path,
        eq_token,
        value,
    }))
}

/// The attributes in a piece of source text, flattened. Empty if the text does not parse.
#[must_use]
pub fn flatten_text(text: &str) -> Vec<FlatMeta> {
    let parsed = if is_too_deep(text) {
        outer_attributes.parse_str(&without_arguments(text))
    } else {
        outer_attributes.parse_str(text)
    };
    flatten(parsed.unwrap_or_default())
}

/// `#[table]` of `#[table(…)]`: what is nested too deeply still declares the table that was probably meant.
fn without_arguments(attribute: &str) -> String {
    let arguments = tokens(attribute).filter(Token::opens).nth(1);
    let end = arguments.map_or(attribute.len(), |bracket| bracket.start);
    format!("{}]", &attribute[..end])
}

/// syn reads brackets by recursion.
fn is_too_deep(text: &str) -> bool {
    // Counting is quick, and hardly any attribute needs the lexer.
    if text.matches(['(', '[', '{']).count() <= DEEPEST {
        return false;
    }
    let mut depth = 0_usize;
    tokens(text).any(|token| {
        depth = (depth + usize::from(token.opens())).saturating_sub(usize::from(token.closes()));
        depth > DEEPEST
    })
}

fn flatten_into(meta: Meta, conditional: bool, flat: &mut Vec<FlatMeta>) {
    match meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            for argument in arguments::split(list.tokens).iter().skip(1) {
                if let Ok(inner) = attribute.parse2(argument.whole().stream()) {
                    flatten_into(inner, true, flat);
                }
            }
        }
        meta => flat.push(FlatMeta { meta, conditional }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let flat = flatten_text(text);
        let paths = flat.iter().map(|flat| flat.meta.path());
        paths
            .map(|path| path.segments.last().unwrap().ident.to_string())
            .collect()
    }

    #[test]
    fn arguments_that_are_nested_too_deeply_are_not_read() {
        let nested = |levels: usize| {
            let (open, close) = ("cfg_attr(a, ".repeat(levels), ")".repeat(levels));
            paths(&format!("#[{open}b{close}]"))
        };
        assert_eq!(nested(DEEPEST - 1), ["b"]);
        assert_eq!(nested(DEEPEST), ["cfg_attr"]);
        let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(paths(&format!("# [a::table{open}{close}]")), ["table"]);
        assert_eq!(paths(&format!("#[a = {open}{close}]")), ["a"]);
        assert_eq!(paths(&format!("#[a(b = \"{open}\")]")), ["a"]);
    }
}
