//! What `#[table]` expands to for a struct outside the directories of `table_registry!`.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{LitStr, Token, TypePath, bracketed};
use table_registry_engine::outside_directories;

/// The directories may still contain a symbolic link to the struct's file, so the key decides: if it exists, the glob
/// import brings it into the innermost scope; otherwise, its name refers to the enum in the scope around that, and a
/// constant fails at the struct's name. The struct itself is named outside these scopes, where nothing shadows its
/// bounds.
///
/// One glob import per struct would make compile time quadratic. Here, only structs that are nearly always an error
/// need one. The alias is for the lint `non_local_definitions`.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let Ok(Outside {
        directories,
        key,
        lints,
        generics,
        row,
        bounds,
    }) = syn::parse2(input)
    else {
        return TokenStream::new();
    };
    let name = row.path.segments.last().map(|segment| segment.ident.to_string());
    let text = outside_directories(&name.unwrap_or_default(), &directories, is_generated(&key));
    let at_name = key.span();
    let check = quote_spanned! {at_name=>
        const _: () = crate::__table_registry::__private::assert!(
            !<#key as crate::__table_registry::Key>::TABLE_NAME.is_empty(),
            "{}",
            #text
        );
    };
    quote! {
        const _: () = {
            pub enum __TableRegistryStruct {}
            const _: () = {
                pub enum #key {}
                impl crate::__table_registry::Key for #key {
                    type Policies = <crate::__table_registry::__private::Unknown as crate::__table_registry::Key>::Policies;
                    const TABLE_NAME: &'static crate::__table_registry::__private::str = "";
                }
                const _: () = {
                    use crate::directories_of_table_registry::*;
                    type __TableRegistryKey = #key;
                    impl crate::__table_registry::__private::DeclaredByOneStruct for __TableRegistryKey {}
                    impl crate::__table_registry::__private::HasKey for __TableRegistryStruct {
                        type Key = __TableRegistryKey;
                    }
                    #check
                };
            };
            #lints
            impl #generics crate::__table_registry::Table for #row #bounds {
                type Key = <__TableRegistryStruct as crate::__table_registry::__private::HasKey>::Key;
            }
        };
    }
}

/// Whether a build script wrote the file of the struct, whose place the key has.
fn is_generated(key: &Ident) -> bool {
    let file = key.span().unwrap().local_file();
    let output = std::env::var_os("OUT_DIR");
    file.zip(output)
        .is_some_and(|(file, output)| file.starts_with(output))
}

/// `["src/schema", …] key [#[allow(…)] …] [<T>] Struct<T>; where …`, where the struct is a group without delimiters.
struct Outside {
    directories: Vec<String>,
    key: Ident,
    lints: TokenStream,
    generics: TokenStream,
    row: TypePath,
    bounds: TokenStream,
}

impl Parse for Outside {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let list;
        bracketed!(list in input);
        let directories = Punctuated::<LitStr, Token![,]>::parse_terminated(&list)?;
        let key = input.call(Ident::parse_any)?;
        let (lints, generics);
        bracketed!(lints in input);
        bracketed!(generics in input);
        let row = input.parse()?;
        input.parse::<Token![;]>()?;
        Ok(Self {
            directories: directories.iter().map(LitStr::value).collect(),
            key,
            lints: lints.parse()?,
            generics: generics.parse()?,
            row,
            bounds: input.parse()?,
        })
    }
}
