//! The content of the two policy files.

use std::sync::Arc;

use super::database::DatabaseSettings;
use super::files::PolicyFiles;
use super::lints::LintSettings;
use super::overrides::{DeclaredTable, Exemption, Override};
use super::reader::{Placed, PolicyReader, TomlKey, TomlValue};
use super::tenancy::TenancySettings;
use crate::report::{Diagnostic, Fault};
use crate::text::Source;

/// The table with the overrides in the main policy file.
pub const OVERRIDES: &str = "overrides";
/// The table with the exempt tables in the main policy file.
pub const EXEMPT: &str = "exempt";
const LINTS: &str = "lints";
const DATABASE: &str = "database";
const TENANCY: &str = "tenancy";
const TABLES: &str = "tables";
/// The list of append-only tables in the revoke list.
pub const UPDATE_DELETE: &str = "update_delete";
/// The list of read-only tables in the revoke list.
pub const INSERT_UPDATE_DELETE: &str = "insert_update_delete";
/// The reasons for system tables in `update_delete`, in the revoke list.
pub const SYSTEM: &str = "system";

/// The decisions in the policy files. Lists are in the order of the files.
#[derive(Debug, Default)]
pub struct Policy {
    /// `[overrides]`.
    pub overrides: Vec<Override>,
    /// `[exempt]`.
    pub exempt: Vec<Exemption>,
    /// The tables in the revoke list: the append-only and the read-only ones.
    pub revoke: Vec<Revoked>,
    /// `[system]` in the revoke list: the system tables that are append-only, each with a reason.
    pub append_only_system: Vec<Placed<String>>,
    /// `[tenancy]`: how rows belong to tenants.
    pub tenancy: TenancySettings,
    /// `[tables]`: the tables that no struct of this crate declares.
    pub tables: Vec<DeclaredTable>,
    /// `[lints]`: how `cargo table-registry lint` checks.
    pub lints: LintSettings,
    /// `[database]`: how the registry maps to a PostgreSQL server.
    pub database: DatabaseSettings,
    /// The path of the main policy file, relative to the package.
    pub main_file: String,
    /// Whether the main policy file could be read. If not, any table may have an override.
    pub has_main_file: bool,
}

/// An entry of the revoke list.
#[derive(Clone, Debug)]
pub struct Revoked {
    /// The table.
    pub table: Placed<String>,
    /// Whether INSERT is revoked, too: the table is in `insert_update_delete`.
    pub is_read_only: bool,
}

impl Policy {
    /// Adds the decisions of another crate about the same database. Where both decide one thing, this one's decision stays.
    pub fn unite(&mut self, other: Self) {
        self.overrides.extend(other.overrides);
        self.exempt.extend(other.exempt);
        self.revoke.extend(other.revoke);
        self.append_only_system.extend(other.append_only_system);
        self.tables.extend(other.tables);
        self.lints.exceptions.extend(other.lints.exceptions);
        self.tenancy.unite(other.tenancy);
        self.database.unite(other.database);
    }

    /// Reads both files.
    pub fn read(files: &PolicyFiles, faults: &mut Vec<Diagnostic>) -> Self {
        let mut policy = Self {
            main_file: files.main_in_package.clone(),
            ..Self::default()
        };
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
        let Some(document) = reader.document(&[TENANCY, OVERRIDES, EXEMPT, TABLES, LINTS, DATABASE]) else {
            return;
        };
        self.has_main_file = true;
        for (key, value) in document {
            match key.get_ref().as_str() {
                OVERRIDES => self.overrides = reader.entries(&key, value, Override::read),
                EXEMPT => self.exempt = reader.entries(&key, value, Exemption::read),
                TENANCY => self.tenancy = TenancySettings::read(&mut reader, &key, value),
                TABLES => self.tables = DeclaredTable::read_all(&mut reader, &key, value),
                LINTS => self.lints = LintSettings::read(&mut reader, &key, value),
                _ => self.database = DatabaseSettings::read(&mut reader, &key, value),
            }
        }
    }

    /// Reads the revoke list, `revoke.toml`.
    pub fn read_revoke(&mut self, source: &Arc<Source>, faults: &mut Vec<Diagnostic>) {
        let mut reader = PolicyReader::new(source, faults);
        let known = [UPDATE_DELETE, INSERT_UPDATE_DELETE, SYSTEM];
        for (key, value) in reader.document(&known).unwrap_or_default() {
            let is_read_only = match key.get_ref().as_str() {
                UPDATE_DELETE => false,
                INSERT_UPDATE_DELETE => true,
                _ => {
                    self.append_only_system = reader.entries(&key, value, system_reason);
                    continue;
                }
            };
            let example = if is_read_only { "countries" } else { "audit_logs" };
            for name in reader.strings(&key, value, example) {
                let table = reader.placed(name);
                self.revoke.push(Revoked { table, is_read_only });
            }
        }
    }
}

/// An entry of `[system]` in the revoke list.
fn system_reason<'a>(reader: &mut PolicyReader<'a>, name: TomlKey, value: &TomlValue<'a>) -> Placed<String> {
    reader.reason(&name, value, "why its rows never change", || {
        let message = format!("append-only system table `{}` has no reason", name.get_ref());
        Diagnostic::new(Fault::PolicyWithoutReason, message)
            .help("say why the rows of a table that belongs to no tenant never change")
    });
    reader.placed(name)
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
        let (policy, faults) = revoke(
            "update_delete = [\"b\", \"a\"]\ninsert_update_delete = [\"countries\"]\n[system]\na = \"a log\"",
        );
        assert_eq!(faults, [""; 0]);
        assert_eq!(
            policy
                .revoke
                .iter()
                .map(|entry| (entry.table.value.as_str(), entry.is_read_only))
                .collect::<Vec<_>>(),
            [("b", false), ("a", false), ("countries", true)]
        );
        assert_eq!(policy.append_only_system[0].value, "a");
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
        assert_eq!(
            revoke("[system]\na = \"\"\nb = 1").1,
            ["policy-without-reason \"\"", "wrong-type 1"]
        );
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
