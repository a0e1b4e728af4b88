//! The procedural macros of [`table-registry`](https://docs.rs/table-registry). Depend on
//! that crate, which re-exports them.

mod emit;
mod registry;
mod table;

use proc_macro::TokenStream;

/// Declares that a struct holds the rows of a table.
///
/// The struct itself is left as it is, token for token. Beside it stands an implementation of
/// `Table`, if `table_registry!` in the crate root has found the struct in its
/// directories; else an error at the struct.
///
/// # Arguments
///
/// All are optional.
///
/// | argument | meaning | default |
/// |---|---|---|
/// | `kind = truth` | what the table holds: `truth`, `control`, `projection`, `evidence`, `link` or `system`, with or without quotes | `truth` |
/// | `name = "users"` | the table's name in PostgreSQL, at most 63 bytes, without a dot | what the ORM attribute on the same struct says (`#[diesel(table_name = users)]`, `#[sea_orm(table_name = "users")]`, also inside `cfg_attr`), else the struct's name in `snake_case` |
/// | `schema = "audit"` | the PostgreSQL schema; the table is then registered as `audit.users` | what `#[sea_orm(schema_name = "audit")]` says, else none |
/// | `allow(float-money, reason = "…")` | lints of `cargo table-registry lint` that do not apply to the table | |
///
/// # Errors
///
/// An unknown or repeated key, an unknown kind, a missing or malformed value, a name that PostgreSQL
/// cannot keep, and everything that is not a struct are errors at the very token. A struct
/// outside the directories of `table_registry!` is an error at the struct's name.
///
/// # Examples
///
/// ```text
/// use table_registry::table;
///
/// #[table(kind = evidence)]
/// pub struct AuditLogs {
///     pub id: Uuid,
///     pub org_id: Uuid,
/// }
/// ```
#[proc_macro_attribute]
pub fn table(arguments: TokenStream, item: TokenStream) -> TokenStream {
    emit::expand(|| table::expand(arguments.into(), item.into()))
}

/// Collects every `#[table]` struct below the given directories, checks them against the policy
/// files, and expands to the registry. Call it once, in the crate root.
///
/// # Arguments
///
/// | argument | meaning |
/// |---|---|
/// | `"schema/"`, one or more | a directory, relative to the invoking file as in `include_str!`; every `.rs` file below it is read |
/// | `overrides = "…"` | the file with `[overrides]`, `[exempt]`, `[lints]` and `[database]`, relative to the invoking file; by default the nearest `table-registry.toml` in the directory of the invoking file and its parents, up to the one with `Cargo.toml` |
/// | `revoke = "…"` | the file with `update_delete`; by default the nearest `revoke.toml`, likewise |
/// | `crate = …` | the path of the crate `table-registry`, where it is not `::table_registry` |
///
/// # What it expands to
///
/// | item | content |
/// |---|---|
/// | `TABLE_NAMES: [&str; N]` | every registered table, sorted by byte order |
/// | `TABLE_REGISTRY: [(&str, TableKind); N]` | the same with kinds |
/// | `REGISTRY_EXEMPT: [&str; E]` | tables in the database with no struct here |
/// | `RLS_TABLES: [&str; M]` | tables whose kind is not `system` |
/// | `REVOKE_UPDATE_DELETE_TABLES: [&str; K]` | append-only tables |
/// | `mod tables` | one uninhabited type a table, each implementing `Table`; `kind_of(name)`, `is_rls(name)`, `is_append_only(name)`, `resolve(name)` |
///
/// # Errors
///
/// Every fault of sources and policy files is reported at once, with the file, the line and the way
/// out, and the items above are still there, so that no fault causes another. A struct that the
/// directories hold and the crate does not compile is an error, too; structs under `cfg` are
/// registered in every build.
///
/// # Examples
///
/// ```text
/// use table_registry::table_registry;
///
/// mod schema;
///
/// table_registry!("schema/");
/// ```
#[proc_macro]
pub fn table_registry(arguments: TokenStream) -> TokenStream {
    let file = proc_macro::Span::call_site().local_file();
    // Where cargo says which package it compiles.
    let package = std::env::var_os("CARGO_MANIFEST_DIR");
    emit::expand(|| registry::expand(file, package, arguments.into(), lex))
}

/// `proc_macro2` would lex the text a second time, and unoptimised.
fn lex(text: &str) -> proc_macro2::TokenStream {
    let tokens: TokenStream = text.parse().expect("an expansion is Rust");
    tokens.into()
}
