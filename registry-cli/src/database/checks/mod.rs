//! The checks, one file each. A check is a function from the registry and the catalog to its findings.

use std::sync::Arc;

use table_registry_engine::{Code, Placed};

use crate::database::columns::missing_tenant_column;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::progress;

/// A check only looks: it changes neither the database nor the context.
type Check = fn(&Context<'_>) -> Vec<Finding>;

macro_rules! checks {
    ($($variant:ident $name:literal in $module:ident: $subject:ident, $how:ident $level:ident;)*) => {
        $(pub mod $module;)*

        /// In the order of the reports.
        const CHECKS: &[Check] = &[$($module::find),*];

        #[cfg(test)]
        const MODULES: &[&str] = &[$(stringify!($module)),*];
    };
}

table_registry_engine::for_each_check!(checks);

/// What somebody who copies such a statement into a migration has to know.
const CONCURRENTLY: &str = "CONCURRENTLY does not block writes; it runs outside a transaction, so give it a migration of its own, or leave it out \
     beside CREATE TABLE";

/// The findings of all checks, explained by the probe if there was one.
pub fn run(context: &Context<'_>) -> Vec<Finding> {
    let _spinner = progress::spinner("Checking", "what the catalogs say");
    let found = CHECKS.iter().flat_map(|check| check(context));
    let mut findings: Vec<Finding> = found.filter_map(|finding| at_level(context, finding)).collect();
    findings.extend(missing_tenant_column::find(context));
    for finding in &mut findings {
        finding.field = field(context, finding);
        let builds_index = finding.fix.contains(" CONCURRENTLY ");
        finding
            .facts
            .extend(builds_index.then(|| CONCURRENTLY.to_string()));
    }
    let findings = probe_allowed::explained(context, findings);
    probe_failed::explained(context, findings)
}

/// The field of the struct for the column that a finding is about.
fn field(context: &Context<'_>, finding: &Finding) -> Option<Placed<String>> {
    let column = finding.column()?;
    let table = context.table_named(finding.table.as_deref()?)?;
    let mut fields = context.fields(table).columns.iter();
    let field = fields.find(|field| field.name == column)?;
    Some(Placed {
        value: field.name.clone(),
        source: Arc::clone(&field.source),
        range: field.place.clone(),
    })
}

/// The finding at the level that the policy file sets, if it can set one.
fn at_level(context: &Context<'_>, finding: Finding) -> Option<Finding> {
    match finding.code {
        Code::DatabaseCheck(check) if check.has_settable_level() => {
            finding.at_level(context.settings.level(check))
        }
        _ => Some(finding),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;
    use std::fs;
    use std::path::Path;

    use table_registry_engine::Severity;

    use super::{MODULES, run};
    use crate::database::testing::Database;

    #[test]
    fn a_sound_database_has_no_finding() {
        let found = Database::sound().inspect(run);
        assert!(found.is_empty(), "{found:?}");
    }

    /// The severities of an extra column and of a nullable one that the struct does not expect, at a level.
    fn severities(level: &str) -> Vec<Severity> {
        let mut database = Database::sound();
        database.add_column("invoices", "note", "text");
        database.column("invoices", "id").not_null = false;
        let _ = write!(
            database.policy_file,
            "[database.levels]\nextra-column = \"{level}\"\ncolumn-type-mismatch = \"{level}\"\n"
        );
        let found = database.inspect(run);
        found.iter().map(|finding| finding.severity).collect()
    }

    #[test]
    fn levels_of_checks() {
        assert_eq!(severities("deny"), [Severity::Error, Severity::Error]);
        assert_eq!(severities("warn"), [Severity::Warning, Severity::Warning]);
        assert_eq!(severities("allow"), []);
    }

    /// A check that is missing in `for_each_check!` would never run.
    #[test]
    fn each_file_is_a_check_of_the_list() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/database/checks");
        let paths = fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let sources = paths.filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
        let mut files: BTreeSet<String> = sources
            .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
            .collect();
        assert!(files.remove("mod"));
        let listed: BTreeSet<String> = MODULES.iter().map(ToString::to_string).collect();
        assert_eq!(files, listed);
    }
}
