//! The model: what the sources and the policy files add up to.

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
    /// Whether its kind may be another one, because something is wrong with the overrides, and reported.
    pub is_in_doubt: bool,
    /// Whether the revoke list names it.
    pub append_only: bool,
    /// The file that declares it, relative to the package.
    pub file: String,
    /// What the compiler has to prove.
    pub check: CompileCheck,
    /// Where no `mod` line leads to that file.
    pub orphan: Option<Orphan>,
    /// Whether several structs claim it: a fault that is reported already.
    pub contested: bool,
    /// The identifier of its typed key.
    pub key: String,
    /// Other identifiers under which `#[table]` may refer to the key.
    pub aliases: Vec<String>,
    /// The structs that declare it, in the order of files and lines: one, or twins under `cfg`.
    pub declarations: Vec<Declaration>,
}

/// A table that exists in the database without a struct.
#[derive(Clone, Debug)]
pub struct ExemptTable {
    /// Its name.
    pub name: String,
    /// Why it has no struct.
    pub reason: String,
}

/// Every registered table, sorted by name in byte order, and every exempt one.
#[derive(Clone, Debug)]
pub struct Registry {
    tables: Vec<RegisteredTable>,
    exempt: Vec<ExemptTable>,
    complete: bool,
    tables_is_taken: bool,
}

impl Registry {
    /// For validation alone.
    pub(super) fn new(
        mut tables: Vec<RegisteredTable>,
        mut exempt: Vec<ExemptTable>,
        complete: bool,
        tables_is_taken: bool,
    ) -> Self {
        tables.sort_by(|one, other| one.name.cmp(&other.name));
        exempt.sort_by(|one, other| one.name.cmp(&other.name));
        Self {
            tables,
            exempt,
            complete,
            tables_is_taken,
        }
    }

    /// The tables.
    #[must_use]
    pub fn tables(&self) -> &[RegisteredTable] {
        &self.tables
    }

    /// The table of a name, if it is registered.
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

    /// Whether the crate root has a module `tables` already, which is reported.
    #[must_use]
    pub fn is_tables_taken(&self) -> bool {
        self.tables_is_taken
    }

    /// Whether all schema files could be read. If not, tables may be missing here.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        self.complete
    }
}
