//! Reads the names that the attribute of an ORM gives a table.

use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Meta, Path};

use super::arguments::{self, Argument, Value};
use super::names::{checked, name_fault};
use crate::report::Diagnostic;

/// The attributes that name the table of a struct: `#[diesel(table_name = users)]`,
/// `#[sea_orm(schema_name = "auth", table_name = "users")]`.
const ORMS: &[&str] = &["diesel", "sea_orm"];
const ORM_NAME: &str = "table_name";
const ORM_SCHEMA: &str = "schema_name";

/// Whether an attribute of this name may name the table.
pub fn is_orm(attribute: &str) -> bool {
    ORMS.contains(&attribute)
}

/// What a Diesel derive says about the name of the table if there is no `table_name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DieselDerive {
    /// The code it generates may not name a table, so a struct may well have the name `Users`.
    Suggests,
    /// The code it generates does not compile unless the `table!` has the implied name.
    Implies,
}

/// Whether a derive of this name is one of Diesel's for rows.
pub fn diesel_derive(derive: &str) -> Option<DieselDerive> {
    match derive {
        "Queryable" | "QueryableByName" => Some(DieselDerive::Suggests),
        "AsChangeset" | "Associations" | "HasQuery" | "Identifiable" | "Insertable" | "Selectable" => {
            Some(DieselDerive::Implies)
        }
        _ => None,
    }
}

/// The name of the table that Diesel's derives imply: `invoices` for `Invoice`. An acronym has an underscore before
/// each of its letters, as in `infer_table_name` of `diesel_derives`.
pub fn diesel_name(ident: &str, derive: DieselDerive) -> Option<String> {
    let mut name = String::new();
    for letter in ident.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(letter.to_lowercase());
    }
    let is_plural = name.ends_with('s') && derive == DieselDerive::Suggests;
    name.push('s');
    (!is_plural && name_fault("table name", &name).is_none()).then_some(name)
}

/// The names in the attributes of ORMs on one struct.
#[derive(Default)]
pub struct OrmNames {
    pub table: Option<String>,
    /// A different name for the same table.
    pub other_table: Option<String>,
    pub schema: Option<String>,
}

impl OrmNames {
    pub fn read(neighbours: &[&Meta], name_is_wanted: bool, faults: &mut Vec<Diagnostic>) -> Self {
        let mut names = Self::default();
        for argument in neighbours.iter().copied().flat_map(orm_arguments) {
            let (Some(key), Some(value)) = (argument.key(), argument.value()) else {
                continue;
            };
            if key == ORM_NAME && name_is_wanted {
                let Some(name) = orm_name(&value, faults) else {
                    continue;
                };
                match &names.table {
                    Some(first) if *first != name => names.other_table = Some(name),
                    _ => names.table = Some(name),
                }
            } else if key == ORM_SCHEMA {
                names.schema = value
                    .string()
                    .and_then(|literal| checked("schema name", &literal, faults));
            }
        }
        names
    }
}

fn orm_arguments(meta: &Meta) -> Vec<Argument> {
    match meta {
        Meta::List(list)
            if list
                .path
                .get_ident()
                .is_some_and(|name| is_orm(&name.to_string())) =>
        {
            arguments::split(list.tokens.clone())
        }
        _ => Vec::new(),
    }
}

/// For SeaORM the name is a string; for Diesel, the last segment of a path to a `table!` module.
fn orm_name(value: &Value, faults: &mut Vec<Diagnostic>) -> Option<String> {
    if let Some(literal) = value.string() {
        return checked("table name", &literal, faults);
    }
    let path = Path::parse_mod_style.parse2(value.stream()).ok()?;
    let ident = &path.segments.last()?.ident;
    let name = ident.unraw().to_string();
    faults.extend(name_fault("table name", &name).map(|fault| fault.spanned(ident.span())));
    Some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_diesel_implies() {
        use DieselDerive::{Implies, Suggests};
        for (ident, derive, name) in [
            ("Invoice", Suggests, Some("invoices")),
            ("Invoice", Implies, Some("invoices")),
            ("OrderLine", Implies, Some("order_lines")),
            ("HTTPLog", Implies, Some("h_t_t_p_logs")),
            ("Category", Implies, Some("categorys")),
            ("Users", Implies, Some("userss")),
            ("Users", Suggests, None),
        ] {
            assert_eq!(diesel_name(ident, derive).as_deref(), name, "{ident}");
        }
    }
}
