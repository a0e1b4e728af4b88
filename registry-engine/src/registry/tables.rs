//! The tables while they are checked, and the search for one by its name.

use super::model::{RegisteredTable, Registry};
use crate::policy::{Exemption, Override, Placed, Policy};
use crate::report::{Diagnostic, Fault};
use crate::sources::{Declaration, HiddenName};
use crate::text::nearest;

/// The tables, as far as they are known.
pub struct Tables {
    /// By name, in byte order.
    pub sorted: Vec<RegisteredTable>,
    pub complete: bool,
    /// The PostgreSQL schema of the tables that are declared without one.
    pub default_schema: String,
}

impl Tables {
    pub fn position(&self, name: &str) -> Option<usize> {
        self.sorted
            .binary_search_by(|table| table.name.as_str().cmp(name))
            .ok()
    }

    pub fn get(&self, name: &str) -> Option<&RegisteredTable> {
        self.position(name).map(|position| &self.sorted[position])
    }

    pub fn get_mut(&mut self, name: &str) -> Option<&mut RegisteredTable> {
        self.position(name).map(|position| &mut self.sorted[position])
    }

    pub fn unknown(&self, name: &Placed<String>, code: Fault, what: &str) -> Diagnostic {
        let implied = self.implied(&name.value);
        let fault = name.fault(
            code,
            format!("{what} unknown table `{}`", name.value),
            "no struct declares this table",
        );
        let fault = match implied {
            Some(declaration) => fault.note(format!(
                "Diesel's derives on `{}` imply the name `{}`",
                declaration.ident, declaration.name
            )),
            None => fault,
        };
        fault.help(match self.meant(&name.value) {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!(
                "remove the name, or give it to a struct: `#[table(name = \"{}\")]`",
                name.value
            ),
        })
    }

    /// The struct that would declare this table if Diesel's derives did not imply another name.
    fn implied(&self, name: &str) -> Option<&Declaration> {
        let mut declarations = self.sorted.iter().flat_map(|table| &table.declarations);
        let is_meant = |hidden: &HiddenName| hidden.is_implied && hidden.name.to_string() == name;
        declarations.find(|declaration| declaration.hidden_name.as_ref().is_some_and(is_meant))
    }

    /// The table that was probably meant by a name that no table has.
    pub fn meant(&self, name: &str) -> Option<&str> {
        let implied = self.implied(name).map(|declaration| declaration.name.to_string());
        let implied = implied.and_then(|implied| self.get(&implied));
        match implied {
            Some(table) => Some(&table.name),
            None => table_meant(&self.sorted, &self.default_schema, name),
        }
    }

    /// The same table under its other name: with the default schema if the given name has no schema, or without it.
    pub fn same_in_database(&self, name: &str) -> Option<&RegisteredTable> {
        self.get(&other_spelling(name, &self.default_schema)?)
    }
}

impl Registry {
    /// The name of the table that was probably meant by a name that no table has.
    #[must_use]
    pub fn meant(&self, name: &str) -> Option<&str> {
        table_meant(&self.tables, &self.default_schema, name)
    }
}

/// The table that was probably meant by an unknown name: the same name with or without the default schema, the same
/// name in another schema, or a similar name.
fn table_meant<'t>(tables: &'t [RegisteredTable], default_schema: &str, name: &str) -> Option<&'t str> {
    let names = || tables.iter().map(|table| table.name.as_str());
    let other = other_spelling(name, default_schema);
    let in_a_schema = |known: &&str| known.split_once('.').is_some_and(|(_, table)| table == name);
    let found = names().find(|known| other.as_deref() == Some(known));
    found
        .or_else(|| names().find(in_a_schema))
        .or_else(|| nearest(name, names()))
}

/// Adds the default schema to a name without a schema, or removes it. `None` if the name has another schema.
pub fn other_spelling(name: &str, default_schema: &str) -> Option<String> {
    match name.split_once('.') {
        None => Some(format!("{default_schema}.{name}")),
        Some((schema, table)) => (schema == default_schema).then(|| table.to_string()),
    }
}

/// The entry of `[exempt]` for a table.
pub fn exempt<'p>(policy: &'p Policy, name: &str) -> Option<&'p Exemption> {
    policy.exempt.iter().find(|entry| entry.table.value == name)
}

/// The override that decides the kind of a table.
pub fn overridden<'p>(policy: &'p Policy, name: &str) -> Option<&'p Override> {
    let mut overrides = policy.overrides.iter();
    overrides.find(|entry| entry.table.value == name && entry.kind.is_some())
}
