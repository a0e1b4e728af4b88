//! The error at a struct outside the directories of `table_registry!`.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Token, TypePath, bracketed};
use table_registry_engine::outside_directories;

/// A constant that fails, at the struct's name, unless the key belongs to a table. Only a procedural macro can choose
/// the place of the error.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let Ok(Outside {
        key,
        name,
        directories,
    }) = syn::parse2(input)
    else {
        return TokenStream::new();
    };
    let at_name = key.span();
    let text = outside_directories(&name, &directories);
    quote_spanned! {at_name=>
        const _: () = crate::__table_registry::__private::assert!(
            !<#key as crate::__table_registry::Key>::TABLE_NAME.is_empty(),
            "{}",
            #text
        );
    }
}

/// `key; Struct<…>; ["src/schema", …]`, where the struct is a group without delimiters.
struct Outside {
    key: Ident,
    name: String,
    directories: Vec<String>,
}

impl Parse for Outside {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(Ident::parse_any)?;
        input.parse::<Token![;]>()?;
        let row: TypePath = input.parse()?;
        input.parse::<Token![;]>()?;
        let list;
        bracketed!(list in input);
        let directories = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
        let name = row.path.segments.last().map(|segment| segment.ident.to_string());
        Ok(Self {
            key,
            name: name.unwrap_or_default(),
            directories: directories.iter().map(LitStr::value).collect(),
        })
    }
}
