//! The registry of a database that several crates share.

use std::collections::BTreeMap;

use super::model::{RegisteredTable, Registry};

impl Registry {
    /// Adds the tables of another registry. A table that one registry exempts and the other one registers is registered.
    /// Returns the tables of which the registries say different things.
    pub fn unite(&mut self, other: Self) -> Vec<String> {
        let mut tables: BTreeMap<String, RegisteredTable> = BTreeMap::new();
        let mut conflicts = Vec::new();
        for table in std::mem::take(&mut self.tables).into_iter().chain(other.tables) {
            match tables.get_mut(&table.name) {
                Some(known) if known.agrees_with(&table) => known.declarations.extend(table.declarations),
                Some(_) => conflicts.push(table.name),
                None => {
                    tables.insert(table.name.clone(), table);
                }
            }
        }
        self.exempt.extend(other.exempt);
        self.exempt.sort_by(|one, other| one.name.cmp(&other.name));
        self.exempt.dedup_by(|one, other| one.name == other.name);
        self.exempt.retain(|exempt| !tables.contains_key(&exempt.name));
        self.tables = tables.into_values().collect();
        self.complete &= other.complete;
        self.tenant_setting = self.tenant_setting.take().or(other.tenant_setting);
        conflicts
    }
}

impl RegisteredTable {
    /// Whether both mean the same in the database.
    fn agrees_with(&self, other: &Self) -> bool {
        self.kind == other.kind
            && self.schema == other.schema
            && self.access == other.access
            && self.tenancy == other.tenancy
    }
}
