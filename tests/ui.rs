//! One directory a mistake, below `tests/ui/<category>/`.
//!
//! `TRYBUILD=overwrite cargo test --test ui` blesses; read the diff.

#[test]
fn mistakes() {
    trybuild::TestCases::new().compile_fail("tests/ui/*/*/main.rs");
}
