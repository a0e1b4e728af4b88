//! Parses the attributes of an item.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Meta, MetaNameValue, Path, Token, bracketed};

use super::arguments;
use super::nesting::{MAX_NESTING, text_nests_too_deeply};

/// An attribute, on its own or in a `cfg_attr`.
pub struct FlatMeta {
    /// The attribute's content.
    pub meta: Meta,
    /// Whether a `cfg_attr` holds it.
    pub conditional: bool,
}

/// The attributes, with those in each `cfg_attr` in place of it, whatever its condition: the registry describes the
/// database, not one build.
#[must_use]
pub fn flatten(attributes: impl IntoIterator<Item = Meta>) -> Vec<FlatMeta> {
    let mut flat = Vec::new();
    for attribute in attributes {
        flatten_into(attribute, 0, &mut flat);
    }
    flat
}

/// The attributes in front of an item.
///
/// # Errors
///
/// Fails if something starts like an attribute and does not parse as one.
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

/// The content of one attribute. A value that is not a literal stays unparsed: nothing here needs it, and `syn` would
/// follow it by recursion, however deeply it nests.
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

/// The attributes in a piece of source text, flattened. Empty if the text does not parse, or nests too deeply.
#[must_use]
pub fn flatten_text(text: &str) -> Vec<FlatMeta> {
    if text_nests_too_deeply(text) {
        return Vec::new();
    }
    flatten(outer_attributes.parse_str(text).unwrap_or_default())
}

/// `depth` is the number of `cfg_attr` around the attribute. Below the limit, attributes are left out.
fn flatten_into(meta: Meta, depth: usize, flat: &mut Vec<FlatMeta>) {
    match meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            if depth == MAX_NESTING {
                return;
            }
            for argument in arguments::split(list.tokens).iter().skip(1) {
                if let Ok(inner) = attribute.parse2(argument.whole().stream()) {
                    flatten_into(inner, depth + 1, flat);
                }
            }
        }
        meta => flat.push(FlatMeta {
            meta,
            conditional: depth > 0,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nested(open: &str, count: usize) -> String {
        format!("#[{}a{}]", open.repeat(count), ")".repeat(count))
    }

    #[test]
    fn attributes_that_nest_too_deeply_are_left_out() {
        for open in ["cfg_attr(x, ", "a("] {
            assert_eq!(flatten_text(&nested(open, 30)).len(), 1, "{open}");
            assert_eq!(flatten_text(&nested(open, 10_000)).len(), 0, "{open}");
        }
        let wide = format!("#[a({})]", "(x), ".repeat(1_000));
        assert_eq!(flatten_text(&wide).len(), 1);
        let tokens = nested("cfg_attr(x, ", 200);
        let attributes = outer_attributes.parse_str(&tokens).unwrap();
        assert_eq!(flatten(attributes).len(), 0);
    }
}
