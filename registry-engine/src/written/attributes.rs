//! The attributes of an item, one by one.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Meta, MetaNameValue, Path, Token, bracketed};

use super::arguments;

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
    flatten(outer_attributes.parse_str(text).unwrap_or_default())
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
