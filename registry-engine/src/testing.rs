//! Schemas in memory, and faults as text, for unit tests.

use std::path::PathBuf;
use std::sync::Arc;

use crate::sources::{OutsideImports, Reachability, ScannedFile, declarations_in};
use crate::{Declaration, Declarations, Diagnostic, Inputs, Orphan, PolicyFiles, Registry, Source};

/// The registry of some files and policies, and every fault. No `mod` line leads to the files.
pub fn registry(files: &[(&str, &str)], main: &str, revoke: &str) -> (Registry, Vec<Diagnostic>) {
    let declared = files.iter().flat_map(|(path, text)| {
        let file = ScannedFile::new(PathBuf::from(path), Arc::new(Source::new(*path, *text)));
        let never = Reachability::Never {
            orphan: 0,
            conditional: false,
            below_cfg: None,
        };
        declarations_in(&file, &never, OutsideImports::None)
    });
    let orphans = declared.map(|declaration| Declaration {
        orphan: Some(Orphan {
            file: declaration.file.clone(),
            below_cfg: None,
        }),
        ..declaration
    });
    let declarations = Declarations {
        list: orphans.collect(),
        complete: true,
        ..Declarations::default()
    };
    let analysis = inputs(declarations, main, revoke).check();
    (analysis.registry, analysis.faults)
}

/// Declarations with the texts of both policy files.
pub fn inputs(declarations: Declarations, main: &str, revoke: &str) -> Inputs {
    let source = |path, text| Some(Arc::new(Source::new(path, text)));
    let files = PolicyFiles {
        main: source("table-registry.toml", main),
        revoke: source("revoke.toml", revoke),
        ..PolicyFiles::default()
    };
    Inputs {
        declarations,
        files,
        faults: Vec::new(),
    }
}

pub fn codes(faults: &[Diagnostic]) -> Vec<String> {
    faults.iter().map(|fault| fault.code.to_string()).collect()
}

/// The code of each fault and the text at its place.
pub fn places(faults: &[Diagnostic]) -> Vec<String> {
    let place = |fault: &Diagnostic| {
        let label = &fault.labels[0];
        format!("{} {}", fault.code, &label.source.text[label.range.clone()])
    };
    faults.iter().map(place).collect()
}
