//! Crates in memory, for the tests of the rules.

use std::sync::Arc;

use table_registry_engine::{
    Declarations, Diagnostic, Inputs, Policy, PolicyFiles, Registry, Severity, Source, declarations_in_text,
};

use super::lint_workspace;
use super::subject::Crate;
use crate::workspace::Package;

/// A crate with one schema file, and policy files.
pub struct CrateInMemory {
    package: Package,
    policy: Policy,
    registry: Registry,
}

impl CrateInMemory {
    #[track_caller]
    pub fn new(name: &str, schema: &str, main: &str, revoke: &str) -> Self {
        let source = |path: &str, text: &str| Arc::new(Source::new(format!("{name}/{path}"), text));
        let inputs = Inputs {
            declarations: Declarations {
                list: declarations_in_text(source("src/schema/mod.rs", schema)),
                complete: true,
                ..Declarations::default()
            },
            files: PolicyFiles {
                main: Some(source("table-registry.toml", main)),
                revoke: Some(source("revoke.toml", revoke)),
                ..PolicyFiles::default()
            },
            faults: Vec::new(),
        };
        let outcome = inputs.check();
        let faults: Vec<String> = outcome.faults.iter().map(Diagnostic::render).collect();
        assert_eq!(faults, [""; 0]);
        Self {
            package: Package {
                name: name.to_string(),
                is_alone: true,
                ..Package::default()
            },
            policy: outcome.policy,
            registry: outcome.registry,
        }
    }
}

/// The findings in the crates of a workspace.
pub fn lint(crates: &[CrateInMemory]) -> Vec<Diagnostic> {
    let linted: Vec<Crate<'_>> = crates
        .iter()
        .map(|krate| Crate::new(&krate.package, &krate.policy, &krate.registry))
        .collect();
    lint_workspace(&linted)
}

/// A tenant column for every table.
pub const TENANCY: &str = "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n";

/// The findings in a crate with one schema file and policy files: severity, code, and the word at the place. A main
/// policy file without `[tenancy]` gets [`TENANCY`].
#[track_caller]
pub fn findings(schema: &str, main: &str, revoke: &str) -> Vec<String> {
    let tenancy = if main.contains("[tenancy]") { "" } else { TENANCY };
    let krate = CrateInMemory::new("shop", schema, &format!("{tenancy}{main}"), revoke);
    lint(&[krate]).iter().map(summary).collect()
}

pub fn summary(diagnostic: &Diagnostic) -> String {
    let severity = match diagnostic.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let label = &diagnostic.labels[0];
    let word = &label.source.text[label.range.clone()];
    format!("{severity} {} {word}", diagnostic.code)
}

/// The columns that every table needs to be free of findings.
pub const SOUND: &str = "pub id: i64, pub org_id: i64, pub created_at: i64, pub updated_at: i64,";

/// The findings for a table `orders` with these columns besides the [`SOUND`] ones.
#[track_caller]
pub fn with_columns(columns: &str) -> Vec<String> {
    findings(
        &format!("#[table_registry::table]\npub struct Orders {{ {SOUND} {columns} }}\n"),
        "",
        "",
    )
}
