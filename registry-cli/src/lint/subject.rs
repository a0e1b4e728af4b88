//! The input of the rules, and their findings.

use std::sync::Arc;

use table_registry_engine::{Diagnostic, Exception, Lint, Policy, RegisteredTable, Registry, Source};

use super::exceptions::exceptions;
use crate::columns::{Column, TableColumns};
use crate::workspace::Package;

/// One crate with a registry.
pub struct Crate<'p> {
    pub package: &'p Package,
    pub policy: &'p Policy,
    pub registry: &'p Registry,
    /// The files of the crate, besides those with tables.
    pub sources: &'p [Arc<Source>],
    pub exceptions: Vec<Exception<Lint>>,
}

impl<'p> Crate<'p> {
    pub fn new(package: &'p Package, policy: &'p Policy, registry: &'p Registry) -> Self {
        Self {
            package,
            policy,
            registry,
            sources: &[],
            exceptions: exceptions(policy, registry),
        }
    }

    /// Whether an exception covers a lint for a table.
    pub fn allows(&self, lint: Lint, table: &str) -> bool {
        let mut exceptions = self.exceptions.iter();
        exceptions.any(|exception| exception.rule == lint && exception.subject.value == table)
    }

    /// The option of a lint; empty if the lint has none.
    pub fn option(&self, lint: Lint) -> Vec<String> {
        self.policy.lints.option(lint)
    }
}

/// One table, and the crates that a rule can compare it with.
pub struct Subject<'c> {
    pub krate: &'c Crate<'c>,
    /// The crates of the workspace that were linted before this one.
    pub earlier_crates: &'c [Crate<'c>],
    pub table: &'c RegisteredTable,
    pub columns: Vec<Column>,
    /// Whether `columns` are all columns of the table.
    pub knows_all_columns: bool,
    /// A fault for each struct of the table that cannot be read.
    pub unreadable: Vec<Diagnostic>,
}

impl<'c> Subject<'c> {
    pub fn new(
        krate: &'c Crate<'c>,
        earlier_crates: &'c [Crate<'c>],
        table: &'c RegisteredTable,
        read: TableColumns,
    ) -> Self {
        Self {
            krate,
            earlier_crates,
            table,
            columns: read.columns,
            knows_all_columns: read.is_complete,
            unreadable: read.unreadable,
        }
    }

    /// The name without its PostgreSQL schema.
    pub fn bare_name(&self) -> &'c str {
        match &self.table.schema {
            // The name starts with the schema and a dot.
            Some(schema) => &self.table.name[schema.len() + 1..],
            None => &self.table.name,
        }
    }

    /// The expected columns that the table lacks. Empty if the struct does not show all columns.
    pub fn missing<'n>(&self, expected: &'n [String]) -> Vec<&'n str> {
        if !self.knows_all_columns {
            return Vec::new();
        }
        let has = |name: &str| self.columns.iter().any(|column| column.name == name);
        let names = expected.iter().map(String::as_str);
        names.filter(|name| !has(name)).collect()
    }

    /// A finding about the table, at the name of its struct.
    pub fn finding(&self, lint: Lint, message: String) -> Diagnostic {
        self.table.at_declaration(Diagnostic::new(lint, message), "")
    }
}

/// A finding about a column, at its field.
pub fn finding_about_column(lint: Lint, column: &Column, what: &str) -> Diagnostic {
    let message = format!("column `{}` {what}", column.name);
    Diagnostic::new(lint, message).at(&column.source, column.place.clone(), "")
}

/// A rule that a table breaks, before levels and exceptions.
pub struct Violation<'c> {
    pub lint: Lint,
    pub table: &'c str,
    pub diagnostic: Diagnostic,
}
