//! Takes both policy files of a small registry. There is no panic, every fault is inside its file, and the expansion is
//! valid Rust.
#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use table_registry_engine::{Declarations, Inputs, PolicyFiles, Source, declarations_in_text, expand};

const SCHEMA: &str = "use table_registry::table;
#[table] pub struct Users; #[table(kind = evidence)] pub struct Logs; #[table(schema = \"audit\")] pub struct Events;";

fuzz_target!(|text: &str| {
    // A form feed is between `table-registry.toml` and `revoke.toml`.
    let (main, revoke) = text.split_once('\u{c}').unwrap_or((text, ""));
    let file = |path: &str, text: &str| Some(Arc::new(Source::new(path, text)));
    let files = PolicyFiles {
        main: file("table-registry.toml", main),
        revoke: file("revoke.toml", revoke),
        ..PolicyFiles::default()
    };
    let declarations = Declarations {
        list: declarations_in_text(Arc::new(Source::new("schema.rs", SCHEMA))),
        complete: true,
        ..Declarations::default()
    };
    let inputs = Inputs {
        declarations,
        files,
        faults: Vec::new(),
    };
    let analysis = inputs.check();
    for fault in &analysis.faults {
        let _ = fault.render();
        for label in &fault.labels {
            assert!(label.source.text.get(label.range.clone()).is_some(), "{fault:?}");
        }
    }
    syn::parse_file(&expand(&analysis.registry, &[], &[])).expect("an expansion is Rust");
});
