//! The content of the two policy files.

use std::sync::Arc;

use super::database::DatabaseSettings;
use super::files::PolicyFiles;
use super::lints::LintSettings;
use super::overrides::{Exemption, Override};
use super::reader::{Placed, PolicyReader};
use crate::report::Diagnostic;
use crate::text::Source;

/// The table with the overrides in the main policy file.
pub const OVERRIDES: &str = "overrides";
/// The table with the exempt tables in the main policy file.
pub const EXEMPT: &str = "exempt";
const LINTS: &str = "lints";
const DATABASE: &str = "database";
/// The list of append-only tables in the revoke list.
pub const UPDATE_DELETE: &str = "update_delete";

/// The decisions in the policy files. Lists are in the order of the files.
#[derive(Debug, Default)]
pub struct Policy {
    /// `[overrides]`.
    pub overrides: Vec<Override>,
    /// `[exempt]`.
    pub exempt: Vec<Exemption>,
    /// `update_delete`: the append-only tables.
    pub revoke: Vec<Placed<String>>,
    /// `[lints]`: how `cargo table-registry lint` checks.
    pub lints: LintSettings,
    /// `[database]`: how the registry maps to a PostgreSQL server.
    pub database: DatabaseSettings,
    /// Whether the main policy file could be read. If not, any table may have an override.
    pub has_main_file: bool,
}

impl Policy {
    /// Reads both files.
    pub fn read(files: &PolicyFiles, faults: &mut Vec<Diagnostic>) -> Self {
        let mut policy = Self::default();
        if let Some(source) = &files.main {
            policy.read_main(source, faults);
        }
        if let Some(source) = &files.revoke {
            policy.read_revoke(source, faults);
        }
        policy
    }

    /// Whether the kind of a table is known: if it has an override, the override could be read.
    #[must_use]
    pub fn decides_kind_of(&self, table: &str) -> bool {
        let is_misspelt = |entry: &Override| entry.table.value == table && entry.kind.is_none();
        self.has_main_file && !self.overrides.iter().any(is_misspelt)
    }

    /// Reads the main policy file, `table-registry.toml`.
    pub fn read_main(&mut self, source: &Arc<Source>, faults: &mut Vec<Diagnostic>) {
        let mut reader = PolicyReader::new(source, faults);
        let Some(document) = reader.document(&[OVERRIDES, EXEMPT, LINTS, DATABASE]) else {
            return;
        };
        self.has_main_file = true;
        for (key, value) in document {
            match key.get_ref().as_str() {
                OVERRIDES => self.overrides = reader.entries(&key, value, Override::read),
                EXEMPT => self.exempt = reader.entries(&key, value, Exemption::read),
                LINTS => self.lints = LintSettings::read(&mut reader, &key, value),
                _ => self.database = DatabaseSettings::read(&mut reader, &key, value),
            }
        }
    }

    /// Reads the revoke list, `revoke.toml`.
    pub fn read_revoke(&mut self, source: &Arc<Source>, faults: &mut Vec<Diagnostic>) {
        let mut reader = PolicyReader::new(source, faults);
        for (key, value) in reader.document(&[UPDATE_DELETE]).unwrap_or_default() {
            let names = reader.strings(&key, value, "audit_logs");
            self.revoke
                .extend(names.into_iter().map(|name| reader.placed(name)));
        }
    }
}

#[cfg(test)]
mod tests {
    use table_registry_core::TableKind;

    use super::*;
    use crate::testing::places;

    fn main_file(text: &str) -> (Policy, Vec<String>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        let source = Arc::new(Source::new("table-registry.toml", text));
        policy.read_main(&source, &mut faults);
        (policy, places(&faults))
    }

    fn revoke(text: &str) -> (Policy, Vec<String>) {
        let (mut policy, mut faults) = (Policy::default(), Vec::new());
        policy.read_revoke(&Arc::new(Source::new("revoke.toml", text)), &mut faults);
        (policy, places(&faults))
    }

    #[test]
    fn entries_in_the_order_of_the_file() {
        let (policy, faults) = main_file(
            "[overrides]\nusers = \"system\"\n\"audit.events\" = 'evidence'\n[exempt]\nold = \"kept\"\n",
        );
        assert_eq!(faults, [""; 0]);
        let kinds: Vec<_> = policy
            .overrides
            .iter()
            .map(|entry| (entry.table.value.as_str(), entry.kind))
            .collect();
        assert_eq!(
            kinds,
            [
                ("users", Some(TableKind::System)),
                ("audit.events", Some(TableKind::Evidence))
            ]
        );
        assert_eq!(policy.exempt[0].table.value, "old");
        let (policy, faults) = revoke("update_delete = [\"b\", \"a\"]");
        assert_eq!(faults, [""; 0]);
        assert_eq!(
            policy
                .revoke
                .iter()
                .map(|name| name.value.as_str())
                .collect::<Vec<_>>(),
            ["b", "a"]
        );
    }

    #[test]
    fn empty_files_and_sections_are_decisions() {
        for text in ["", "# nothing\n", "[overrides]\n[exempt]\n", "\u{feff}"] {
            assert_eq!(main_file(text).1, [""; 0], "{text}");
            assert_eq!(revoke("update_delete = []").1, [""; 0]);
        }
    }

    #[test]
    fn all_faults_of_a_file_at_once() {
        let (policy, faults) = main_file(
            "overides = 1\n[overrides]\nusers = \"sytem\"\nroles = 7\naudit.events = \"link\"\n\
             [exempt]\na = \"\"\nb = \" \"\nc = [\"x\"]\n",
        );
        assert_eq!(
            faults,
            [
                "unknown-key overides",
                "unknown-kind \"sytem\"",
                "wrong-type 7",
                "wrong-type audit",
                "exempt-without-reason \"\"",
                "exempt-without-reason \" \"",
                "wrong-type [\"x\"]",
            ]
        );
        // A name counts even if its value is wrong.
        assert_eq!(policy.overrides.len(), 2);
        assert_eq!(policy.exempt.len(), 3);
    }

    #[test]
    fn help_for_a_table_where_a_string_is_expected() {
        for (text, help) in [
            (
                "[overrides]\naudit.events = \"link\"",
                "quote a name with a dot: `\"audit.events\" = …`",
            ),
            (
                "[overrides]\nusers = { kind = \"link\" }",
                "write a string: `users = \"…\"`",
            ),
            (
                "[overrides.users]\nkind = \"link\"",
                "write a string: `users = \"…\"`",
            ),
            ("[overrides]\n\"a b\" = {}", "write a string: `\"a b\" = \"…\"`"),
        ] {
            let (mut policy, mut faults) = (Policy::default(), Vec::new());
            policy.read_main(&Arc::new(Source::new("table-registry.toml", text)), &mut faults);
            assert_eq!(faults[0].helps, [help], "{text}");
        }
    }

    #[test]
    fn faults_of_the_revoke_file() {
        assert_eq!(revoke("update_delete = \"a\"").1, ["wrong-type \"a\""]);
        assert_eq!(
            revoke("update_delete = [\"a\", 1, true]").1,
            ["wrong-type 1", "wrong-type true"]
        );
        assert_eq!(revoke("updatedelete = []").1, ["unknown-key updatedelete"]);
    }

    #[test]
    fn broken_toml_is_one_fault() {
        assert_eq!(
            main_file("[overrides]\nusers = system\nx = \n").1,
            ["invalid-toml system"]
        );
        assert_eq!(
            main_file("[overrides]\na = \"link\"\na = \"link\"").1,
            ["invalid-toml a"]
        );
    }
}
