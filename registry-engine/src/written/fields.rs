//! The fields of a struct, as far as `tenant` names columns.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::{Attribute, FieldsNamed, Meta};

use super::arguments::ungroup;
use super::nesting::nests_too_deeply;
use super::tenant::WrittenTenant;
use crate::report::{Diagnostic, Fault};
use crate::text::did_you_mean;

/// The faults of the columns that `tenant` names and that no field can be. An ORM's attribute may give a field another
/// name, so every word in the attributes of a field counts as its name. Nothing is known of a struct without named
/// fields, with the fields of another one, or with a rule that renames all.
pub fn unknown_columns(
    tenant: &WrittenTenant,
    ident: &str,
    neighbours: &[&Meta],
    body: &TokenStream,
) -> Vec<Diagnostic> {
    let of_struct = neighbours.iter().copied();
    if of_struct.flat_map(meta_words).any(|word| word == "rename_all") || nests_too_deeply(body) {
        return Vec::new();
    }
    let Ok(fields) = syn::parse2::<FieldsNamed>(body.clone()) else {
        return Vec::new();
    };
    let (mut names, mut other_names) = (Vec::new(), Vec::new());
    for field in &fields.named {
        names.extend(field.ident.as_ref().map(|ident| ident.unraw().to_string()));
        other_names.extend(field.attrs.iter().flat_map(attribute_words));
    }
    if other_names
        .iter()
        .any(|word| INCLUDES_FIELDS.contains(&word.as_str()))
    {
        return Vec::new();
    }
    let is_known = |column: &str| names.iter().chain(&other_names).any(|name| name == column);
    let unknown = tenant.columns().iter().filter(|column| !is_known(&column.text));
    let faults = unknown.map(|column| {
        Diagnostic::new(
            Fault::UnknownColumn,
            format!("struct `{ident}` has no column `{}`", column.text),
        )
        .spanned(column.span)
        .help(
            did_you_mean(&column.text, names.iter().map(String::as_str))
                .unwrap_or_else(|| format!("its columns are `{}`", names.join("`, `"))),
        )
    });
    faults.collect()
}

/// The attributes of sqlx, Diesel, serde and SeaORM that put the fields of another struct in the place of one.
const INCLUDES_FIELDS: &[&str] = &["flatten", "embed", "nested"];

fn attribute_words(attribute: &Attribute) -> Vec<String> {
    meta_words(&attribute.meta)
}

/// The identifiers and strings in the arguments of an attribute.
fn meta_words(meta: &Meta) -> Vec<String> {
    match meta {
        Meta::List(list) => words(list.tokens.clone()),
        Meta::Path(_) | Meta::NameValue(_) => Vec::new(),
    }
}

fn words(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for tree in ungroup(tokens) {
        match tree {
            TokenTree::Ident(ident) => found.push(ident.unraw().to_string()),
            TokenTree::Literal(literal) => {
                let text: Result<syn::LitStr, _> = syn::parse2(TokenTree::from(literal).into());
                found.extend(text.map(|text| text.value()));
            }
            TokenTree::Group(group) => found.extend(words(group.stream())),
            TokenTree::Punct(_) => {}
        }
    }
    found
}
