//! Which file imports which: no two files of a crate import each other in a loop, and the stages of the engine
//! import only those before them.

mod graph;
mod source;

use std::path::Path;

use graph::Crate;

const CRATES: &[&str] = &[
    "",
    "registry-core",
    "registry-engine",
    "registry-macros",
    "registry-cli",
];

/// The files and folders of the engine. Each may import those in the lines above its own.
const STAGES: &[&[&str]] = &[
    &["text"],
    &["report"],
    &["name"],
    &["written"],
    &["call_site"],
    &["sources", "policy"],
    &["registry"],
    &["expand"],
    &["pipeline"],
    &["lib"],
];

fn read(package: &str) -> Crate {
    Crate::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(package))
}

#[test]
fn no_files_import_each_other_in_a_loop() {
    let of_package = |package: &&str| {
        let circles = read(package).circles().into_iter();
        let with_package = circles.map(|circle| format!("{package}/src: {circle}"));
        with_package.collect::<Vec<_>>()
    };
    let circles: Vec<String> = CRATES.iter().flat_map(of_package).collect();
    assert!(circles.is_empty(), "{circles:#?}");
}

#[test]
fn the_stages_of_the_engine_import_only_those_before_them() {
    let engine = read("registry-engine");
    let imports = engine.imports();
    assert!(
        imports["pipeline.rs"].contains("sources/discover.rs"),
        "{imports:?}"
    );
    for (file, targets) in &imports {
        for target in targets {
            let (from, to) = (folder(file), folder(target));
            assert!(
                from == to || stage(from) > stage(to),
                "`{file}` imports `{target}`"
            );
        }
    }
}

/// The folder of a file, or the file itself beside the folders.
fn folder(file: &str) -> &str {
    file.split('/').next().unwrap_or(file).trim_end_matches(".rs")
}

fn stage(folder: &str) -> usize {
    let found = STAGES.iter().position(|stage| stage.contains(&folder));
    found.unwrap_or_else(|| panic!("`{folder}` has no place in `STAGES`"))
}

#[test]
fn every_form_of_import_is_found() {
    for b in [
        "use crate::a::A; fn b(a: A) {}",
        "use super::a::{self, C}; fn b() { a::a() }",
        "use crate::{c::{D}, a::{C, A as E}}; fn b(e: E) {}",
        "fn b(a: crate::A) {}",
        "use crate::*; fn b(a: super::A) {}",
        "pub use crate::a::A; fn b() -> A { r#\"\"#; '\"'; \"\\\"\"; A }",
        "mod inner; fn b() { inner::inner() }",
    ] {
        let krate = Crate::new([
            ("lib.rs", "mod a; mod b; mod c; pub use a::A;"),
            ("a.rs", "use crate::b::b; pub struct A; pub fn a() { b() }"),
            ("b.rs", b),
            ("b/inner.rs", "use crate::a::A; pub fn inner(a: A) {}"),
            ("c.rs", "pub struct D;"),
            ("expected.rs", "mod tables { use crate::expected; }"),
        ]);
        assert_eq!(krate.circles().len(), 1, "{b}: {:?}", krate.imports());
    }
}

#[test]
fn other_mentions_of_a_file_are_not_imports() {
    for b in [
        "pub use crate::a::A;",
        "use crate::a; fn b() { a }",
        "use other::a::A; fn b(a: A) {}",
        "// crate::a::A\nfn b() { \"crate::a::A\" }",
        "#[cfg(test)] use crate::a::{A}; fn b() {}",
        "#[cfg(test)] mod tests { use crate::a::A; fn t(a: A) {} } fn b() {}",
        "#[cfg(test)] mod inner; fn b() {}",
        "fn b() { quote! { crate::generated! { crate::tables::a } } }",
    ] {
        let krate = Crate::new([
            ("lib.rs", "mod a; mod b;"),
            ("a.rs", "use crate::b::b; pub struct A; pub fn a() { b() }"),
            ("b.rs", b),
            ("b/inner.rs", "use crate::a::A; fn inner(a: A) {}"),
        ]);
        assert_eq!(krate.circles(), [""; 0], "{b}: {:?}", krate.imports());
    }
}
