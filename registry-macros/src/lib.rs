//! The procedural macros of [`table-registry`](https://docs.rs/table-registry). Depend on
//! that crate, which re-exports them.

mod emit;
mod generics;
mod outside;
mod registry;
mod table;

use proc_macro::TokenStream;
use table_registry_engine::Compilation;

/// Declares that a struct holds the rows of a table.
///
/// The struct itself stays as it is, token for token. If `table_registry!` in the crate root finds the struct in its
/// directories, the attribute adds an implementation of `Table`; otherwise, it reports an error at the struct.
///
/// # Arguments
///
/// All are optional.
///
#[doc = include_str!("docs/table_arguments.md")]
///
/// # Errors
///
/// An unknown or repeated key, an unknown kind, a missing or malformed value, a column that the struct does not have, a
/// name that PostgreSQL cannot store, and an item that is not a struct are errors at the token in question. A struct
/// outside the directories of `table_registry!` is an error at the struct's name.
///
/// # Examples
///
#[doc = include_str!("docs/table_example.md")]
#[proc_macro_attribute]
pub fn table(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let file = proc_macro::Span::call_site().local_file();
    emit::expand(|| table::expand(file.as_deref(), arguments.into(), item.into(), lex))
}

/// Collects every `#[table]` struct below the given directories, checks the structs against the policy
/// files, and expands to the registry. Call it once, in the crate root.
///
/// # Arguments
///
#[doc = include_str!("docs/call_arguments.md")]
///
/// # What it expands to
///
#[doc = include_str!("docs/generated_items.md")]
///
/// # Errors
///
/// All faults of sources and policy files are reported at once, each with the file, the line and a fix. The items above
/// are generated all the same, so that no fault causes another. A struct in the directories that the crate does not
/// compile is an error, too. Structs under `cfg` are registered in every build.
///
/// # Examples
///
#[doc = include_str!("docs/call_example.md")]
#[proc_macro]
pub fn table_registry(arguments: TokenStream) -> TokenStream {
    let file = proc_macro::Span::call_site().local_file();
    let compilation = Compilation::of_process();
    emit::expand(|| registry::expand(file, &compilation, arguments.into(), lex))
}

/// What `#[table]` expands to for a struct outside the directories of `table_registry!`. Not public API.
#[doc(hidden)]
#[proc_macro]
pub fn __outside_directories(input: TokenStream) -> TokenStream {
    outside::expand(input.into()).into()
}

/// The compiler's own lexer. It is optimised, while the lexer of `proc_macro2` is built without optimisation, like the
/// rest of a macro.
fn lex(text: &str) -> proc_macro2::TokenStream {
    let tokens: TokenStream = text.parse().expect("an expansion is Rust");
    tokens.into()
}
