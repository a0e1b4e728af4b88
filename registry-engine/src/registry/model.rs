//! The tables of a crate with their policies.

use std::borrow::Cow;
use std::fmt;

use table_registry_core::TableKind;

use crate::policy::Placed;
use crate::report::Diagnostic;
use crate::sources::{CompileCheck, Declaration, Orphan};
use crate::written::DEFAULT_KEY;

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
    /// What the application role may do to its rows.
    pub access: Access,
    /// How its rows belong to a tenant.
    pub tenancy: Tenancy,
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
    /// The structs that declare the table, in the order of files and lines: one, or several under `cfg`. Empty if the
    /// policy file declares it.
    pub declarations: Vec<Declaration>,
    /// The name of the first struct, or of the entry in the policy file.
    pub declared: Placed<()>,
}

impl RegisteredTable {
    /// Adds the place that declares the table to a fault.
    #[must_use]
    pub fn at_declaration(&self, fault: Diagnostic, text: impl Into<Cow<'static, str>>) -> Diagnostic {
        fault.at(&self.declared.source, self.declared.range.clone(), text)
    }

    /// Whether the table gets row-level security.
    #[must_use]
    pub fn has_rls(&self) -> bool {
        self.tenancy != Tenancy::Global
    }
}

/// What the application role may do to the rows of a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Access {
    /// Everything.
    #[default]
    ReadWrite,
    /// Read and add: `update_delete` in the revoke list names the table.
    AppendOnly,
    /// Read: `insert_update_delete` in the revoke list names the table.
    ReadOnly,
}

impl Access {
    /// Whether rows are never updated or deleted.
    #[must_use]
    pub fn is_append_only(self) -> bool {
        self != Self::ReadWrite
    }

    /// Whether rows are not even added.
    #[must_use]
    pub fn is_read_only(self) -> bool {
        self == Self::ReadOnly
    }
}

/// How the rows of a table belong to a tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Tenancy {
    /// Nothing says so: the policy file has no `[tenancy]`, or a fault is reported.
    #[default]
    Unknown,
    /// They belong to no tenant: the table is of kind `system`, or the database has one tenant.
    Global,
    /// By a column of their own.
    Column {
        /// The column.
        name: String,
        /// Whether a row without a tenant is everybody's.
        shared_rows: bool,
    },
    /// By the row of a parent table.
    Through(Parent),
    /// By the policies in `[[tenancy.policies]]`.
    Declared,
}

/// The table that a row's tenant comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// The columns that refer to the parent.
    pub columns: Vec<String>,
    /// The parent's name in the registry.
    pub table: String,
    /// The parent's columns that these refer to, in the same order.
    pub keys: Vec<String>,
}

impl fmt::Display for Parent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |names: &[String]| match names {
            [name] => name.clone(),
            names => format!("({})", names.join(", ")),
        };
        write!(f, "{} -> {}", list(&self.columns), self.table)?;
        match self.keys.as_slice() {
            [key] if key == DEFAULT_KEY => Ok(()),
            keys => write!(f, "({})", keys.join(", ")),
        }
    }
}

/// As the attribute writes it.
impl fmt::Display for Tenancy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Global => f.write_str("none"),
            Self::Column { name, shared_rows } => {
                f.write_str(name)?;
                f.write_str(if *shared_rows { ", shared_rows" } else { "" })
            }
            Self::Through(parent) => write!(f, "through({parent})"),
            Self::Declared => f.write_str("policies"),
        }
    }
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReadWrite => "read-write",
            Self::AppendOnly => "append-only",
            Self::ReadOnly => "read-only",
        })
    }
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
    pub(super) tenant_setting: Option<String>,
    pub(super) has_one_tenant: bool,
    pub(super) default_schema: String,
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
        self.tables.iter().filter(|table| table.has_rls())
    }

    /// The tables whose rows are never updated or deleted: append-only and read-only tables.
    pub fn append_only(&self) -> impl Iterator<Item = &RegisteredTable> {
        self.tables.iter().filter(|table| table.access.is_append_only())
    }

    /// The read-only tables.
    pub fn read_only(&self) -> impl Iterator<Item = &RegisteredTable> {
        self.tables.iter().filter(|table| table.access.is_read_only())
    }

    /// The setting that holds the tenant, if the policy file names one.
    #[must_use]
    pub fn tenant_setting(&self) -> Option<&str> {
        self.tenant_setting.as_deref()
    }

    /// The PostgreSQL schema of the tables that name none.
    #[must_use]
    pub fn default_schema(&self) -> &str {
        &self.default_schema
    }

    /// Whether the database has one tenant, so that no table gets row-level security.
    #[must_use]
    pub fn has_one_tenant(&self) -> bool {
        self.has_one_tenant
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
