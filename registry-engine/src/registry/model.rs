//! The tables of a crate with their policies.

use table_registry_core::TableKind;

use crate::sources::{CompileCheck, Declaration, Orphan};

/// One registered table.
#[derive(Clone, Debug)]
pub struct RegisteredTable {
    /// The name in the registry, with the PostgreSQL schema if one is given.
    pub name: String,
    /// The PostgreSQL schema.
    pub schema: Option<String>,
    /// The kind, after the overrides.
    pub kind: TableKind,
    /// Whether the kind may be wrong because of a fault in the overrides.
    pub is_in_doubt: bool,
    /// Whether the revoke list names the table.
    pub append_only: bool,
    /// The file that declares the table, relative to the package.
    pub file: String,
    /// What has to be checked when the crate is compiled.
    pub check: CompileCheck,
    /// Set if no `mod` line leads to the file.
    pub orphan: Option<Orphan>,
    /// Whether several structs claim the table, which `duplicate-table` or `key-collision` reports.
    pub contested: bool,
    /// The identifier of the typed key.
    pub key: String,
    /// Other identifiers by which `#[table]` may refer to the key.
    pub aliases: Vec<String>,
    /// The structs that declare the table, in the order of files and lines: one, or several under `cfg`.
    pub declarations: Vec<Declaration>,
}

/// A table that exists in the database without a struct.
#[derive(Clone, Debug)]
pub struct ExemptTable {
    /// The name in the database.
    pub name: String,
    /// Why it has no struct.
    pub reason: String,
}

/// The registered and the exempt tables, sorted by name in byte order.
#[derive(Clone, Debug)]
pub struct Registry {
    pub(super) tables: Vec<RegisteredTable>,
    pub(super) exempt: Vec<ExemptTable>,
    pub(super) complete: bool,
    pub(super) tables_is_taken: bool,
}

impl Registry {
    /// The registered tables.
    #[must_use]
    pub fn tables(&self) -> &[RegisteredTable] {
        &self.tables
    }

    /// The registered table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&RegisteredTable> {
        let position = self
            .tables
            .binary_search_by(|table| table.name.as_str().cmp(name));
        position.ok().map(|position| &self.tables[position])
    }

    /// The tables with row-level security.
    pub fn row_secured(&self) -> impl Iterator<Item = &RegisteredTable> {
        self.tables.iter().filter(|table| table.kind.row_level_security())
    }

    /// The append-only tables.
    pub fn append_only(&self) -> impl Iterator<Item = &RegisteredTable> {
        self.tables.iter().filter(|table| table.append_only)
    }

    /// The tables that exist in the database without a struct.
    #[must_use]
    pub fn exempt(&self) -> &[ExemptTable] {
        &self.exempt
    }

    /// Whether the crate root already has a module `tables`, which is reported as a fault.
    #[must_use]
    pub fn is_tables_taken(&self) -> bool {
        self.tables_is_taken
    }

    /// Whether all schema files could be read. If not, tables may be missing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}
