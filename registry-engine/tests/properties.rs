//! Whatever a schema file, a policy file or an attribute contains, there is no panic, every fault has a place, and the
//! expansion is valid Rust.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use proptest::prelude::*;
use quote::quote;
use table_registry_engine::{Analysis, CallSite, Diagnostic, Invocation, Root, declare, expand, run};

/// The analysis of a package with one valid table and empty policy files, in which one file is replaced.
fn analysis_with(name: &str, path: &str, content: &[u8]) -> Analysis {
    let package = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("properties")
        .join(name);
    fs::create_dir_all(package.join("src/schema")).unwrap();
    let write = |path: &str, content: &[u8]| fs::write(package.join(path), content).unwrap();
    write("Cargo.toml", b"");
    write("table-registry.toml", b"");
    write("revoke.toml", b"");
    write(
        "src/schema/users.rs",
        b"#[table_registry::table] pub struct Users;",
    );
    write(path, content);
    let mut faults = Vec::new();
    let invocation = Invocation::parse(quote!("schema/"), &mut faults);
    assert!(faults.is_empty());
    run(
        &invocation,
        &CallSite::new(Root::current(), package.join("src/lib.rs")),
    )
}

fn assert_consistent(analysis: &Analysis) {
    analysis.faults.iter().for_each(assert_has_a_place);
    let call = CallSite::new(Root::current(), "src/lib.rs");
    syn::parse_file(&expand(&analysis.registry, &analysis.tracked(&call), &[]))
        .expect("an expansion is Rust");
}

fn assert_has_a_place(fault: &Diagnostic) {
    assert!(fault.span.is_some() || !fault.labels.is_empty(), "{fault:?}");
    for label in &fault.labels {
        assert!(label.range.end <= label.source.text.len(), "{fault:?}");
    }
    let text = fault.render();
    assert!(text.starts_with(fault.message.lines().next().unwrap()), "{text}");
    if let Some(label) = fault.labels.first() {
        assert!(text.contains(&format!("{}:", label.source.path)), "{text}");
    }
}

/// Texts of tokens, which get further into the pipeline than random bytes.
fn soup(pieces: &'static [&'static str]) -> impl Strategy<Value = String> {
    let piece = prop_oneof![8 => prop::sample::select(pieces).prop_map(str::to_owned), 1 => "\\PC{0,3}"];
    let gap = prop::sample::select(&["", " ", "\n"][..]);
    prop::collection::vec((piece, gap), 0..40)
        .prop_map(|pieces| pieces.into_iter().map(|(piece, gap)| piece + gap).collect())
}

const RUST: &[&str] = &[
    "#",
    "!",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    "#[table]",
    "#[table(",
    "table",
    "kind",
    "name",
    "=",
    "truth",
    "\"x\"",
    "\"a\\0\"",
    "struct",
    "Users",
    "r#type",
    "mod",
    "use",
    ";",
    ",",
    "cfg",
    "#[cfg(a)]",
    "cfg_attr(a, ",
    "diesel",
    "table_name",
    "path",
    "macro_rules",
    "pub",
    "pub(crate)",
    "//",
    "/*",
    "*/",
    "'",
    "\"",
    "r#\"",
    "\"#",
    "::",
    "$",
    "é",
    "'a",
    "b'x'",
    "1e",
    "0x",
    "\u{feff}",
    "Größe",
    "enum",
    "fn",
];

const TOML: &[&str] = &[
    "[overrides]\n",
    "[exempt]\n",
    "update_delete",
    "users",
    "\"users\"",
    "=",
    "[",
    "]",
    "\"system\"",
    "\"sytem\"",
    "1",
    "{",
    "}",
    ",",
    ".",
    "\n",
    "#",
    "'",
    "\"\"\"",
    "true",
    "\u{feff}",
    "é",
    "\"\"",
    "[[",
    "1979-05-27",
];

/// The expansion and the faults of the first order that was tried.
static FIRST_ORDER: OnceLock<(String, String)> = OnceLock::new();

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_order_in_which_files_are_created_changes_nothing(
        order in Just((0..24).collect::<Vec<u8>>()).prop_shuffle(),
    ) {
        let schema = Path::new(env!("CARGO_TARGET_TMPDIR")).join("properties/order/src/schema");
        let _ = fs::remove_dir_all(&schema);
        fs::create_dir_all(&schema).unwrap();
        for number in order {
            let directory = schema.join(format!("d{}", number % 3));
            fs::create_dir_all(&directory).unwrap();
            let text = format!("#[table_registry::table] struct Table{number};");
            fs::write(directory.join(format!("f{number}.rs")), text).unwrap();
        }
        let analysis = analysis_with("order", "revoke.toml", b"update_delete = ['table7', 'nothing', 'table3']");
        let bytes = expand(&analysis.registry, &[], &[]);
        let faults: String = analysis.faults.iter().map(Diagnostic::render).collect();
        let first = FIRST_ORDER.get_or_init(|| (bytes.clone(), faults.clone()));
        prop_assert_eq!(first, &(bytes, faults));
        prop_assert_eq!(analysis.registry.tables().len(), 25);
    }
}

proptest! {
    #[test]
    fn bytes_in_a_schema_file(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let analysis = analysis_with("schema_bytes", "src/schema/other.rs", &bytes);
        assert_consistent(&analysis);
        prop_assert_eq!(std::str::from_utf8(&bytes).is_err(), !analysis.faults.is_empty());
    }

    #[test]
    fn tokens_in_a_schema_file(text in soup(RUST)) {
        assert_consistent(&analysis_with("schema_tokens", "src/schema/other.rs", text.as_bytes()));
    }

    #[test]
    fn bytes_in_the_overrides(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        assert_consistent(&analysis_with("overrides_bytes", "table-registry.toml", &bytes));
    }

    #[test]
    fn tokens_in_the_overrides(text in soup(TOML)) {
        let analysis = analysis_with("overrides_tokens", "table-registry.toml", text.as_bytes());
        assert_consistent(&analysis);
        if toml::de::DeTable::parse(&text).is_err() {
            prop_assert!(!analysis.faults.is_empty());
        }
    }

    #[test]
    fn tokens_in_the_revoke_list(text in soup(TOML)) {
        let analysis = analysis_with("revoke_tokens", "revoke.toml", text.as_bytes());
        assert_consistent(&analysis);
        if toml::de::DeTable::parse(&text).is_err() {
            prop_assert!(!analysis.faults.is_empty());
        }
    }

    #[test]
    fn tokens_in_an_attribute(text in soup(RUST)) {
        let Ok(tokens) = text.parse() else { return Ok(()) };
        let ident = syn::parse_quote!(Users);
        declare(tokens, &[], &ident, proc_macro2::TokenStream::new).faults.iter().for_each(assert_has_a_place);
    }

    #[test]
    fn tokens_in_the_invocation(text in soup(RUST)) {
        let Ok(tokens) = text.parse() else { return Ok(()) };
        let mut faults = Vec::new();
        let invocation = Invocation::parse(tokens, &mut faults);
        faults.iter().for_each(assert_has_a_place);
        prop_assert_eq!(invocation.complete, faults.is_empty());
    }
}
