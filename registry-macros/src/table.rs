//! The expansion of `#[table]`.

use std::path;

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::{Generics, Meta, Path, Token, Visibility, WhereClause};
use table_registry_engine::{self as engine, Declared, Diagnostic, Original, Root, Source};

use crate::generics::{self, Build};

/// Returns the struct unchanged, followed by its registration. `file` is the file of the attribute if the compiler says
/// which it is, and `lex` is the compiler's lexer.
pub(crate) fn expand(
    file: Option<&path::Path>,
    arguments: TokenStream,
    item: TokenStream,
    lex: impl Fn(&str) -> TokenStream,
) -> (TokenStream, Vec<Diagnostic>) {
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
    let Declared { name, mut faults, .. } =
        engine::declare(arguments, &neighbours, &header.ident, || body(&item));
    for fault in &mut faults {
        fault.span = fault.span.or(Some(header.ident.span()));
    }
    let Some(builds) = generics::builds(header.generics.params) else {
        faults.push(engine::too_many_conditions(generics::MAX_CONDITIONS));
        return (item, faults);
    };
    let own_key = engine::key(&name.to_string());
    let (key, before_impl, declared_for) = match copied_from(file, header.keyword, &header.ident) {
        None => (own_key, None, lex(DECLARED_FOR)),
        Some(original) => {
            let key = engine::key(&original.name.to_string());
            let check = unless_original_is_compiled(&header.ident, &original, &key);
            (key, Some(check), lex(DECLARED_BY_COPY_FOR))
        }
    };
    let attributes = Attributes::of(&neighbours);
    let registration = Registration {
        directory: directory(file),
        before_impl,
        declared_for,
        key: engine::key_ident(&key, Span::call_site().located_at(header.ident.span())),
        is_sound: faults.is_empty(),
        lints: attributes.lints,
        ident: header.ident,
        bounds: generics::generated(header.generics.where_clause.into_token_stream()),
    };
    let conditions = attributes.conditions;
    let registrations = builds.iter().map(|build| {
        let condition = &build.condition;
        let registration = registration.expand(build);
        quote!(#(#conditions)* #condition #registration)
    });
    (quote!(#item #(#registrations)*), faults)
}

/// What the attributes of a struct mean for the implementations that `#[table]` adds.
struct Attributes {
    /// The lints that are allowed on the struct, and therefore wherever an implementation names it.
    lints: TokenStream,
    /// The attribute macros below `#[table]` that leave the struct out in some builds.
    conditions: Vec<TokenStream>,
}

impl Attributes {
    fn of(metas: &[&Meta]) -> Self {
        let (mut lints, mut conditions) = (TokenStream::new(), Vec::new());
        for meta in metas {
            lints.extend(generics::allowed(meta));
            if meta.path().is_ident("deprecated") {
                lints.extend(quote!(#[allow(deprecated)]));
            }
            if leaves_out(meta.path()) {
                conditions.push(quote!(#[#meta]));
            }
        }
        Self { lints, conditions }
    }
}

fn leaves_out(path: &Path) -> bool {
    let names: Vec<String> = path
        .segments
        .iter()
        .map(|segment| segment.ident.to_string())
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    engine::is_of_rustversion(&names)
}

/// A call of the macro that `table_registry!` leaves in the crate root: `callback` in
/// `registry-engine/src/expand/structs.rs` decides what it expands to.
///
/// If that macro is missing, the compiler says so at the attribute. If the key is missing, or another struct claims it,
/// the error is at the struct's name, because the first and the last token of the implementation for the key have the
/// name's place; the two groups carry these tokens. Most structs need no other groups, since in unoptimised code a group
/// takes as long as several other tokens. `_` marks a faulty attribute: its key is a guess, which only prevents further
/// errors.
struct Registration {
    directory: TokenStream,
    before_impl: Option<TokenStream>,
    declared_for: TokenStream,
    key: Ident,
    is_sound: bool,
    lints: TokenStream,
    ident: Ident,
    bounds: TokenStream,
}

impl Registration {
    fn expand(&self, build: &Build) -> TokenStream {
        let Self {
            directory,
            before_impl,
            declared_for,
            key,
            is_sound,
            lints,
            ident,
            bounds,
        } = self;
        let implement = Ident::new("impl", key.span());
        let arguments = &build.arguments;
        let parameters = build
            .parameters
            .as_ref()
            .map(|parameters| quote!(@ [#parameters]));
        let doubt = (!is_sound).then(|| quote!(_));
        quote! {
            crate::registered_by_table_registry! {
                #directory #doubt #key #lints
                [#before_impl #implement #declared_for]
                [crate::directories_of_table_registry::#key]
                #parameters #ident #arguments; #bounds
            }
        }
    }
}

/// Lexed as text, which is faster than making the tokens one by one.
const DECLARED_FOR: &str = "crate::__table_registry::__private::DeclaredByOneStruct for";
const DECLARED_BY_COPY_FOR: &str =
    "crate::__table_registry::__private::PutTableAboveTheMacroThatCopiesIt for";

/// The struct in the source, if a macro made this one from it. The file is read only if `struct` and
/// this name are not next to each other in the source.
fn copied_from(file: Option<&path::Path>, keyword: Span, ident: &Ident) -> Option<Original> {
    let file = file?;
    let (line, column) = start(keyword);
    let is_adjacent = start(ident.span()) == (line, column + "struct ".len());
    if is_adjacent && ident.span().source_text().is_none_or(|text| *ident == text) {
        return None;
    }
    // Which of these spans still point into the source depends on the macro.
    let mut spans = vec![Span::call_site(), keyword, ident.span()];
    spans.retain(|span| span.unwrap().local_file().as_deref() == Some(file));
    let places: Vec<(usize, usize)> = spans.into_iter().map(start).collect();
    let source = Source::read(&Root::current(), file).ok()?;
    let original = engine::original_at(source, &places)?;
    (ident.unraw() != original.ident).then_some(original)
}

/// Only the compiler knows it, so this must not be called where the file of the attribute is unknown.
fn start(span: Span) -> (usize, usize) {
    let span = span.unwrap();
    (span.line(), span.column())
}

/// A constant that fails if the crate compiles the original of a copy, too. Because of `Unknown`, the import of
/// `NotCompiled` is used in any case.
fn unless_original_is_compiled(copy: &Ident, original: &Original, key: &str) -> TokenStream {
    let text = engine::copied_attribute(&copy.unraw().to_string(), original);
    let key = engine::key_ident(key, Span::call_site());
    quote! {
        const _: () = {
            use crate::__table_registry::__private::{Compiled, NotCompiled as _, Unknown};
            crate::__table_registry::__private::assert!(
                Compiled::<Unknown>::HERE
                    || !Compiled::<crate::directories_of_table_registry::#key>::HERE,
                "{}",
                #text
            );
        };
        #[allow(non_local_definitions)]
    }
}

/// The components of the directory that the file is in, or an empty one if the compiler does not say which file it is.
fn directory(file: Option<&path::Path>) -> TokenStream {
    match file.and_then(path::Path::parent) {
        Some(directory) => {
            let components = engine::path_components(directory);
            quote!(#(#components)*)
        }
        None => quote!(""),
    }
}

/// A struct without its fields: nothing in them matters here.
struct Header {
    attributes: Vec<Meta>,
    /// The place of `struct`.
    keyword: Span,
    ident: Ident,
    generics: Generics,
}

impl Parse for Header {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let attributes = input.call(engine::outer_attributes)?;
        input.parse::<Visibility>()?;
        let keyword = input.parse::<Token![struct]>()?.span;
        let ident = input.parse()?;
        let mut generics: Generics = input.parse()?;
        if input.peek(syn::token::Paren) {
            input.parse::<TokenTree>()?;
        }
        generics.where_clause = input.parse::<Option<WhereClause>>()?;
        input.parse::<Option<Token![;]>>()?;
        Ok(Self {
            attributes,
            keyword,
            ident,
            generics,
        })
    }
}

/// A struct without its documentation and without its last tokens, the fields in braces. Parsing these would take time,
/// and they say nothing about the table.
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

/// The fields in braces, if the struct has them.
fn body(item: &TokenStream) -> TokenStream {
    let last = engine::ungroup(item.clone()).into_iter().last();
    match last {
        Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
            TokenTree::Group(group).into()
        }
        _ => TokenStream::new(),
    }
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
        let (expanded, faults) = expand(None, arguments.parse().unwrap(), item.parse().unwrap(), lex);
        let messages = faults.into_iter().map(|fault| fault.message).collect();
        (tokens(&expanded.to_string()), messages)
    }

    fn lex(text: &str) -> TokenStream {
        text.parse().unwrap()
    }

    /// Without white space: `proc_macro2` prints it differently depending on where a token comes from.
    fn tokens(text: &str) -> String {
        text.split_whitespace().collect()
    }

    #[test]
    fn every_shape_of_struct_is_left_alone() {
        for (item, registration) in [
            ("pub struct User;", "user; User;"),
            ("#[doc = \"A user.\"] struct User {}", "user; User;"),
            (
                "struct Doc<T>(T) where [doc::Row; 1]: Copy;",
                "doc; @ [<T>] Doc<T>; where [doc::Row; 1]: Copy",
            ),
            ("struct User(u8, String);", "user; User;"),
            ("pub(crate) struct User { id: u8 }", "user; User;"),
            ("#[derive(Debug)] struct r#type {}", "r#type; r#type;"),
            (
                "struct Page<'a, T: Copy = u8, const N: usize = { 3 }> where T: 'a { x: &'a [T; N] }",
                "page; @ [<'a, T: Copy, const N: usize>] Page<'a, T, N>; where T: 'a",
            ),
            (
                "struct Pair<T>(T) where T: Copy;",
                "pair; @ [<T>] Pair<T>; where T: Copy",
            ),
        ] {
            let (found, faults) = expansion("", item);
            let (key, table) = registration.split_once("; ").unwrap();
            let registration = format!(
                "\"\" {key} [impl crate::__table_registry::__private::DeclaredByOneStruct for] \
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
            tokens.contains("registered_by_table_registry!{\"\"_user["),
            "{tokens}"
        );
        assert_eq!(faults, ["unknown table kind `trth`"]);
    }

    #[test]
    fn a_column_that_is_not_a_field_is_a_fault() {
        let (_, faults) = expansion("tenant = \"orgid\"", "struct User { id: i64, org_id: i64 }");
        assert_eq!(faults, ["struct `User` has no column `orgid`"]);
        let (_, faults) = expansion(
            "tenant = through(id -> orgs)",
            "struct User { id: i64, org_id: i64 }",
        );
        assert_eq!(faults, [""; 0]);
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
                let (_, faults) = expand(None, arguments, item, lex);
                for fault in faults {
                    proptest::prop_assert!(fault.span.is_some());
                }
            }
        }
    }
}
