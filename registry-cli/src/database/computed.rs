//! What several checks need of the same context, each computed once, by the first of them.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::database::catalog::Oid;
use crate::database::findings::finding::Finding;

#[derive(Default)]
pub struct Computed {
    /// The findings of `definer_function`, which other checks leave to it.
    pub definer_functions: OnceCell<Vec<Finding>>,
    pub called_by_policies: OnceCell<Vec<CalledRoutine>>,
    /// The events that each role of the application causes: those of each relation, as bits of `pg_trigger.tgtype`.
    pub caused: OnceCell<Vec<BTreeMap<Oid, i16>>>,
    /// The names of the relations that hold or show rows of tenants.
    pub protected_names: OnceCell<BTreeSet<String>>,
    /// Whether the application may use rows of any table with row-level security.
    pub uses_tenant_tables: OnceCell<bool>,
}

/// A routine that policies call, given by its position in the catalog, as are its callers.
pub struct CalledRoutine {
    pub at: usize,
    /// The registered tables whose policies call it.
    pub tables: BTreeSet<String>,
    /// The routines whose bodies call it.
    pub callers: Vec<usize>,
}
