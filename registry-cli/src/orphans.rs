//! Files with tables that no `mod` line leads to.

use std::collections::BTreeMap;

use table_registry_engine::{CompileCheck, Declaration, Diagnostic, Fault, Registry, Severity};

/// One warning for each file. Only the compiler knows whether a macro brings the file in without a `mod` line.
pub fn warnings(registry: &Registry) -> Vec<Diagnostic> {
    warnings_except(registry, |_| false)
}

/// The warnings, except for the files that are about to get a `mod` line. Files are relative to the package.
pub fn warnings_except(registry: &Registry, gets_line: impl Fn(&str) -> bool) -> Vec<Diagnostic> {
    let tables = registry.tables().iter();
    let declarations = tables.flat_map(|table| &table.declarations);
    let mut files: BTreeMap<&str, Vec<&Declaration>> = BTreeMap::new();
    for declaration in declarations.filter(|declaration| is_orphan(declaration)) {
        let orphan = declaration.orphan.as_ref();
        let file = orphan.map_or(&declaration.file, |orphan| &orphan.file);
        files.entry(file).or_default().push(declaration);
    }
    files
        .into_iter()
        .filter(|(file, _)| !gets_line(file))
        .map(|(file, declarations)| warning(file, &declarations))
        .collect()
}

fn is_orphan(declaration: &Declaration) -> bool {
    let orphan = declaration.orphan.as_ref();
    declaration.check == CompileCheck::File && orphan.is_none_or(|orphan| orphan.below_cfg.is_none())
}

fn warning(file: &str, declarations: &[&Declaration]) -> Diagnostic {
    let tables: Vec<String> = declarations
        .iter()
        .map(|declaration| format!("`{}`", declaration.name))
        .collect();
    let (noun, verb) = if tables.len() == 1 {
        ("table", "is")
    } else {
        ("tables", "are")
    };
    let message = format!(
        "{noun} {} {verb} declared in `{file}`, but no `mod` line leads to that file",
        tables.join(", ")
    );
    let first = declarations[0];
    Diagnostic {
        severity: Severity::Warning,
        ..Diagnostic::new(Fault::NotCompiled, message)
    }
    .at(&first.source, first.place.clone(), "")
    .note("the crate does not compile, unless a macro brings the file in")
    .help("name the file in a `mod` line, or remove it")
}
