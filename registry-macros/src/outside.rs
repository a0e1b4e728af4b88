//! The error at a struct outside the directories of `table_registry!`.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::{Ident, LitStr, Token, bracketed, parse::Parse, parse::ParseStream, punctuated::Punctuated};
use table_registry_engine::outside_directories;

/// A constant that fails, at the struct's name, unless the key belongs to a table. It takes a procedural macro to choose the
/// place of the error.
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

/// `key [Struct<…>] ["src/schema", …]`.
struct Outside {
    key: Ident,
    name: String,
    directories: Vec<String>,
}

impl Parse for Outside {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key = input.call(<Ident as syn::ext::IdentExt>::parse_any)?;
        let (name, list);
        bracketed!(name in input);
        let ident: Ident = name.parse()?;
        name.parse::<TokenStream>()?;
        bracketed!(list in input);
        let directories = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
        Ok(Self {
            key,
            name: ident.to_string(),
            directories: directories.iter().map(LitStr::value).collect(),
        })
    }
}
