//! Both policy files against a small registry: no panic, every fault inside its file, and an expansion
//! whatever they say.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use registry_core::engine::{
    Declarations, Policy, PolicyFiles, Source, declarations_in_text, expand, validate,
};

const SCHEMA: &str = "use table_registry::table;
#[table] pub struct Users; #[table(kind = evidence)] pub struct Logs; #[table(schema = \"audit\")] pub struct Events;";

fuzz_target!(|text: &str| {
    // `table-registry.toml`, and behind a form feed `revoke.toml`.
    let (overrides, revoke) = text.split_once('\u{c}').unwrap_or((text, ""));
    let file = |path: &str, text: &str| Some(Arc::new(Source::new(path, text)));
    let files = PolicyFiles {
        overrides: file("table-registry.toml", overrides),
        revoke: file("revoke.toml", revoke),
        ..PolicyFiles::default()
    };
    let declarations = Declarations {
        list: declarations_in_text(Arc::new(Source::new("schema.rs", SCHEMA))),
        complete: true,
        tables_is_taken: false,
        unread: Vec::new(),
    };
    let mut faults = Vec::new();
    let policy = Policy::read(&files, &mut faults);
    let registry = validate(declarations, &policy, &mut faults);
    for fault in &faults {
        let _ = fault.render();
        for label in &fault.labels {
            assert!(label.source.text.get(label.range.clone()).is_some(), "{fault:?}");
        }
    }
    syn::parse_file(&expand(&registry, &[])).expect("an expansion is Rust");
});
