//! The committed files match the output of the generator.

use std::collections::BTreeSet;

use erp_generator::{Data, example, generate, on_disk};

#[test]
fn nobody_edits_generated_files() {
    let generated = generate(&Data::read(&example().join("data")).unwrap());
    let committed = on_disk(&example()).unwrap();
    let paths: BTreeSet<_> = generated.keys().chain(committed.keys()).collect();
    let different: Vec<_> = paths
        .into_iter()
        .filter(|path| generated.get(*path) != committed.get(*path))
        .collect();
    assert!(
        different.is_empty(),
        "not what the generator makes of examples/erp/data: {different:#?}\n\
         edit the data or the generator, then run `cargo run -p erp-generator`"
    );
}
