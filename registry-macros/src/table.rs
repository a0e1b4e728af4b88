//! `#[table]`.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Generics, Meta, Token, Visibility, WhereClause};
use table_registry_engine::{self as engine, Declared, Diagnostic};

/// The struct, and its registration; what that means, `table_registry!` decides.
pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> (TokenStream, Vec<Diagnostic>) {
    let essentials = essentials(item.clone());
    if engine::nests_too_deeply(&essentials) {
        return (item, vec![engine::too_deep_struct()]);
    }
    let Ok(header) = syn::parse2::<Header>(essentials) else {
        let fault = engine::not_a_struct(&item);
        return (item, vec![fault]);
    };
    let metas = engine::flatten(header.attributes);
    let neighbours: Vec<&Meta> = metas.iter().map(|flat| &flat.meta).collect();
    if let Some(fault) = engine::repeated(&neighbours) {
        return (item, vec![fault]);
    }
    let Declared { name, mut faults, .. } = engine::declare(arguments, &neighbours, &header.ident);
    for fault in &mut faults {
        fault.span = fault.span.or(Some(header.ident.span()));
    }
    let key = engine::key(&name.to_string());
    let registration = registration(&key, faults.is_empty(), &header.ident, &header.generics);
    (quote!(#item #registration), faults)
}

/// Calls the macro that `table_registry!` leaves in the crate root, and lets it choose from what
/// it is given; the pattern is in `engine/expand.rs`, `callback`. Without that macro, the compiler says so at the
/// attribute; without this key, or with another struct for it, at the struct's name, since the first and the last
/// token of that implementation are there.
/// The key of a faulty attribute is a guess, and only keeps other errors away.
fn registration(key: &str, is_sound: bool, ident: &Ident, generics: &Generics) -> TokenStream {
    let at_name = Span::call_site().located_at(ident.span());
    let key = engine::key_ident(key, at_name);
    let implement = Ident::new("impl", at_name);
    let (parameters, arguments, bounds) = generics.split_for_impl();
    let doubt = (!is_sound).then(|| quote!(_));
    quote! {
        crate::registered_by_table_registry! {
            #doubt #key
            [#implement crate::__table_registry::__private::DeclaredByOneStruct for]
            [crate::directories_of_table_registry::#key]
            [#parameters] [#ident #arguments] [#bounds]
        }
    }
}

/// A struct up to its fields. They are most of it, and nothing in them matters here.
struct Header {
    attributes: Vec<Meta>,
    ident: Ident,
    generics: Generics,
}

impl Parse for Header {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(engine::outer_attributes)?;
        input.parse::<Visibility>()?;
        input.parse::<Token![struct]>()?;
        let ident = input.parse()?;
        let mut generics: Generics = input.parse()?;
        if input.peek(syn::token::Paren) {
            input.parse::<TokenTree>()?;
        }
        generics.where_clause = input.parse::<Option<WhereClause>>()?;
        input.parse::<Option<Token![;]>>()?;
        Ok(Self {
            attributes,
            ident,
            generics,
        })
    }
}

/// A struct without its fields in braces, its last tokens, and without its documentation: to parse them
/// takes time, and they say nothing of the table.
fn essentials(item: TokenStream) -> TokenStream {
    let mut trees: Vec<TokenTree> = Vec::new();
    for tree in engine::ungroup(item) {
        let is_attribute = matches!(trees.last(), Some(TokenTree::Punct(hash)) if hash.as_char() == '#');
        if is_attribute && is_documentation(&tree) {
            trees.pop();
        } else {
            trees.push(tree);
        }
    }
    trees.pop_if(|last| matches!(last, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace));
    trees.into_iter().collect()
}

fn is_documentation(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else {
        return false;
    };
    group.delimiter() == Delimiter::Bracket
        && matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(first)) if first == "doc")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expansion(arguments: &str, item: &str) -> (String, Vec<String>) {
        let (expanded, faults) = expand(arguments.parse().unwrap(), item.parse().unwrap());
        let messages = faults.into_iter().map(|fault| fault.message).collect();
        (tokens(&expanded.to_string()), messages)
    }

    /// Without white space, which `proc_macro2` sets by the origin of a token.
    fn tokens(text: &str) -> String {
        text.split_whitespace().collect()
    }

    #[test]
    fn every_shape_of_struct_is_left_alone() {
        for (item, registration) in [
            ("pub struct User;", "user [] [User] []"),
            ("#[doc = \"A user.\"] struct User {}", "user [] [User] []"),
            (
                "struct Doc<T>(T) where [doc::Row; 1]: Copy;",
                "doc [<T>] [Doc<T>] [where [doc::Row; 1]: Copy]",
            ),
            ("struct User(u8, String);", "user [] [User] []"),
            ("pub(crate) struct User { id: u8 }", "user [] [User] []"),
            ("#[derive(Debug)] struct r#type {}", "r#type [] [r#type] []"),
            (
                "struct Page<'a, T: Copy = u8, const N: usize = { 3 }> where T: 'a { x: &'a [T; N] }",
                "page [<'a, T: Copy, const N: usize>] [Page<'a, T, N>] [where T: 'a]",
            ),
            (
                "struct Pair<T>(T) where T: Copy;",
                "pair [<T>] [Pair<T>] [where T: Copy]",
            ),
        ] {
            let (found, faults) = expansion("", item);
            let (key, table) = registration.split_once(' ').unwrap();
            let registration = format!(
                "{key} [impl crate::__table_registry::__private::DeclaredByOneStruct for] \
                 [crate::directories_of_table_registry::{key}] {table}"
            );
            let expected = format!("{item} crate::registered_by_table_registry! {{ {registration} }}");
            assert_eq!(found, tokens(&expected), "{item}");
            assert_eq!(faults, [""; 0]);
        }
    }

    #[test]
    fn generics_that_nest_too_deeply_are_a_fault() {
        let (open, close) = ("Into<".repeat(1_000), ">".repeat(1_000));
        let item = format!("struct Page<T: {open}u8{close}>(T);");
        let (found, faults) = expansion("", &item);
        assert_eq!(found, tokens(&item));
        assert_eq!(faults, ["the generics of this struct nest too deeply"]);
    }

    #[test]
    fn everything_else_is_left_alone_and_is_a_fault() {
        for (item, found) in [
            ("enum A { B }", ", found `enum`"),
            ("pub union A { b: u8 }", ", found `union`"),
            ("pub const fn a() {}", ", found `const`"),
            ("impl A {}", ", found `impl`"),
            ("type A = u8;", ", found `type`"),
            ("macro_rules! a { () => {} }", ", found `macro_rules`"),
            ("", ""),
        ] {
            let (tokens_out, faults) = expansion("", item);
            assert_eq!(tokens_out, tokens(item));
            assert_eq!(faults, [format!("`#[table]` goes on a struct{found}")], "{item}");
        }
    }

    #[test]
    fn a_faulty_attribute_still_registers() {
        let (tokens, faults) = expansion("kind = trth", "struct User;");
        assert!(
            tokens.contains("registered_by_table_registry!{_user["),
            "{tokens}"
        );
        assert_eq!(faults, ["unknown table kind `trth`"]);
    }

    #[test]
    fn a_second_attribute_is_one_fault() {
        let (tokens, faults) = expansion("", "#[table(kind = link)] struct User;");
        assert!(!tokens.contains("registered_by_table_registry"), "{tokens}");
        assert_eq!(faults, ["this struct has `#[table]` twice"]);
        let second = |derive| expansion("", &format!("#[derive({derive})] #[table] struct User;")).1;
        assert_eq!(second("Debug"), faults);
        // It may be a helper attribute of that derive.
        assert_eq!(second("Debug, Tabled"), [""; 0]);
        assert_eq!(expansion("", "#[table(title = \"x\")] struct User;").1, [""; 0]);
    }

    proptest::proptest! {
        #[test]
        fn no_tokens_panic(arguments in "[a-z=,\"()#! ]{0,20}", item in "(#|[(\\[{<>)}\\]]|struct|enum|Users|table|where|[:;=,'! a-z\"]){0,20}") {
            if let (Ok(arguments), Ok(item)) = (arguments.parse(), item.parse()) {
                let (_, faults) = expand(arguments, item);
                for fault in faults {
                    proptest::prop_assert!(fault.span.is_some());
                }
            }
        }
    }
}
