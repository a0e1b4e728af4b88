//! The fields of structs, for the checks that compare them with columns.

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::RegisteredTable;

use crate::columns::{Column, Reader};

/// The fields of all structs of one table.
#[derive(Debug)]
pub struct Fields {
    pub list: Vec<Column>,
    /// Whether these are all columns of the table that the structs declare.
    pub is_complete: bool,
}

impl Fields {
    pub fn have(&self, column: &str) -> bool {
        self.list.iter().any(|field| field.name == column)
    }
}

/// The fields of each table, by its name.
pub fn of_tables(tables: &[RegisteredTable]) -> BTreeMap<String, Fields> {
    let mut reader = Reader::default();
    let by_name = tables
        .iter()
        .map(|table| (table.name.clone(), fields(table, &mut reader)));
    by_name.collect()
}

fn fields(table: &RegisteredTable, reader: &mut Reader) -> Fields {
    let (mut list, mut is_complete): (Vec<Column>, bool) = (Vec::new(), true);
    for declaration in &table.declarations {
        match reader.columns(declaration) {
            Ok(read) => {
                is_complete &= read.is_complete;
                list.extend(read.list);
            }
            // `lint` reports what cannot be read.
            Err(_) => is_complete = false,
        }
    }
    let mut seen = BTreeSet::new();
    list.retain(|field| seen.insert(field.name.clone()));
    Fields { list, is_complete }
}
