//! Parses the attributes of an item.

use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Meta, MetaNameValue, Path, Token, bracketed};

use super::arguments;
use super::nesting::{MAX_NESTING, text_nests_too_deeply};
use crate::text::{Token, tokens};

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
        flatten_into(attribute, 0, false, &mut flat);
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

/// The attributes in a piece of source text, flattened. Empty if the text does not parse. Arguments that nest
/// too deeply are left out.
#[must_use]
pub fn flatten_text(text: &str) -> Vec<FlatMeta> {
    let parsed = if text_nests_too_deeply(text) {
        outer_attributes.parse_str(&without_arguments(text))
    } else {
        outer_attributes.parse_str(text)
    };
    flatten(parsed.unwrap_or_default())
}

/// `#[table]` of `#[table(…)]`: an attribute that nests too deeply still declares the table that was probably meant.
fn without_arguments(attribute: &str) -> String {
    let arguments = tokens(attribute).filter(Token::opens).nth(1);
    let end = arguments.map_or(attribute.len(), |bracket| bracket.start);
    format!("{}]", &attribute[..end])
}

/// `depth` is the number of attributes around the attribute. Attributes deeper than the limit are left out.
fn flatten_into(meta: Meta, depth: usize, conditional: bool, flat: &mut Vec<FlatMeta>) {
    match meta {
        Meta::List(list) if list.path.is_ident("cfg_attr") => {
            if depth == MAX_NESTING {
                return;
            }
            for argument in arguments::split(list.tokens).iter().skip(1) {
                if let Ok(inner) = attribute.parse2(argument.whole().stream()) {
                    flatten_into(inner, depth + 1, true, flat);
                }
            }
        }
        meta => {
            for inner in attributes_for_sea_orm(&meta) {
                if depth < MAX_NESTING {
                    flatten_into(inner, depth + 1, conditional, flat);
                }
            }
            flat.push(FlatMeta { meta, conditional });
        }
    }
}

/// The attributes in `#[sea_orm(model_attrs(…))]` and `#[sea_orm(model_ex_attrs(…))]`, which `#[sea_orm::model]` puts on
/// one of the two structs that it makes.
fn attributes_for_sea_orm(meta: &Meta) -> Vec<Meta> {
    let mut found = Vec::new();
    let Meta::List(list) = meta else { return found };
    if !list.path.is_ident("sea_orm") {
        return found;
    }
    for argument in arguments::split(list.tokens.clone()) {
        if argument
            .key()
            .is_some_and(|key| key == "model_attrs" || key == "model_ex_attrs")
            && let Ok(Meta::List(attributes)) = attribute.parse2(argument.whole().stream())
        {
            let inner = arguments::split(attributes.tokens);
            found.extend(
                inner
                    .iter()
                    .filter_map(|one| attribute.parse2(one.whole().stream()).ok()),
            );
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(text: &str) -> Vec<String> {
        let flat = flatten_text(text).into_iter();
        flat.map(|flat| flat.meta.path().segments.last().unwrap().ident.to_string())
            .collect()
    }

    #[test]
    fn attributes_that_sea_orm_passes_on() {
        let found = paths(
            "#[sea_orm(table_name = \"a\", model_attrs(table(kind = link), b), model_ex_attrs(c), d(e))]",
        );
        assert_eq!(found, ["table", "b", "c", "sea_orm"]);
        let (open, close) = ("sea_orm(model_attrs(".repeat(10), "))".repeat(10));
        assert_eq!(paths(&format!("#[{open}a{close}]")).len(), 11);
    }

    #[test]
    fn arguments_that_nest_too_deeply_are_not_read() {
        let nested = |levels: usize| {
            let (open, close) = ("cfg_attr(a, ".repeat(levels), ")".repeat(levels));
            paths(&format!("#[{open}b{close}]"))
        };
        assert_eq!(nested(MAX_NESTING - 2), ["b"]);
        assert_eq!(nested(MAX_NESTING + 1), ["cfg_attr"]);
        let (open, close) = ("(".repeat(100_000), ")".repeat(100_000));
        assert_eq!(paths(&format!("# [a::table{open}{close}]")), ["table"]);
        assert_eq!(paths(&format!("#[a = {open}{close}]")), ["a"]);
        assert_eq!(paths(&format!("#[a(b = \"{open}\")]")), ["a"]);
        assert_eq!(paths(&format!("#[a({})]", "(x), ".repeat(1_000))), ["a"]);
    }

    #[test]
    fn conditions_that_nest_too_deeply_are_left_out() {
        let (open, close) = ("cfg_attr(x, ".repeat(200), ")".repeat(200));
        let attributes = outer_attributes.parse_str(&format!("#[{open}a{close}]")).unwrap();
        assert_eq!(flatten(attributes).len(), 0);
    }
}
