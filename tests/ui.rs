//! One directory per mistake, below `tests/ui/<category>/`.
//!
//! `TRYBUILD=overwrite cargo test --test ui` rewrites the expected errors; read the diff.

use std::fs;
use std::path::Path;

#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/*/main.rs");
}

/// Users depend only on the facade, so they cannot write a path into another crate of the workspace.
#[test]
fn expected_errors_name_paths_that_users_can_write() {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui");
    let categories = fs::read_dir(cases).unwrap().map(|entry| entry.unwrap().path());
    let mut seen = 0;
    for category in categories.filter(|path| path.is_dir()) {
        for case in fs::read_dir(category).unwrap() {
            let path = case.unwrap().path().join("main.stderr");
            let expected = fs::read_to_string(&path).unwrap();
            for crate_path in ["registry_core::", "registry_macros::", "registry_engine::"] {
                assert!(!expected.contains(crate_path), "{}", path.display());
            }
            seen += 1;
        }
    }
    assert!(seen > 80, "{seen} cases");
}
