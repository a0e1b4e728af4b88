//! The tables while they are checked, and the search for one by its name.

use super::model::RegisteredTable;
use crate::policy::{Exemption, Override, Placed, Policy};
use crate::report::{Diagnostic, Fault};
use crate::sources::{Declaration, HiddenName};
use crate::text::nearest;

/// The tables, as far as they are known.
pub struct Tables {
    /// By name, in byte order.
    pub sorted: Vec<RegisteredTable>,
    pub complete: bool,
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

    /// The table that was probably meant: one of the same name in a PostgreSQL schema, or of almost the same name.
    pub fn meant(&self, name: &str) -> Option<&str> {
        let names = || self.sorted.iter().map(|table| table.name.as_str());
        let in_a_schema = |known: &&str| known.split_once('.').is_some_and(|(_, table)| table == name);
        let implied = self.implied(name).map(|declaration| declaration.name.to_string());
        let is_implied = |known: &&str| implied.as_deref() == Some(known);
        let found = names().find(|known| in_a_schema(known) || is_implied(known));
        found.or_else(|| nearest(name, names()))
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
