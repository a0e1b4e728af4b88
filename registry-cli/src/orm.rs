//! What the attributes and derives of ORMs say about a struct and its fields.

use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::{Attribute, Meta, Type};
use table_registry_engine::{Argument, flatten, split_arguments};

use crate::source_items::is_too_deep;
use crate::sql_types::SqlType;

/// The library that maps a struct.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orm {
    Diesel,
    Sea,
    /// sqlx, or a driver without a mapper.
    Other,
}

/// What a field stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Holds {
    #[default]
    Column,
    /// It is not a column.
    Nothing,
    /// The columns of another struct.
    Several,
}

/// What a struct is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// It holds whole rows.
    Rows,
    /// It holds part of each row that is read.
    PartOfRows,
    /// It is only written, so it leaves out what has a default or is not changed.
    Written,
}

/// Derives that read rows.
const READ: &[&str] = &[
    "DeriveEntityModel",
    "DeriveModel",
    "DerivePartialModel",
    "FromQueryResult",
    "FromRow",
    "HasQuery",
    "Queryable",
    "QueryableByName",
    "Selectable",
];

/// Derives that read the columns of a struct out of wider rows.
const READ_PART: &[&str] = &["DerivePartialModel", "FromQueryResult"];

/// Derives that write rows.
const WRITTEN: &[&str] = &["AsChangeset", "DeriveIntoActiveModel", "Insertable"];

const DIESEL: &[&str] = &[
    "AsChangeset",
    "Associations",
    "HasQuery",
    "Identifiable",
    "Insertable",
    "Queryable",
    "QueryableByName",
    "Selectable",
];

/// The attributes of a struct, an enum or a field.
#[derive(Default)]
pub struct OrmAttributes {
    pub name: Option<String>,
    pub rename_all: Option<String>,
    pub holds: Holds,
    /// The names in the expression that is selected for the field.
    pub selected: Vec<String>,
    /// The field is converted, by whatever means.
    pub is_converted: bool,
    /// The type from which the field is converted when it is read.
    pub read_as: Option<Type>,
    /// The type to which the field is converted when it is written.
    pub written_as: Option<Type>,
    /// The field is stored as JSON.
    pub is_json: bool,
    /// `sql_type` of Diesel.
    pub diesel_types: Vec<Type>,
    /// `column_type` of SeaORM.
    pub column_type: Option<SqlType>,
    /// The type in PostgreSQL that an attribute names.
    pub type_name: Option<String>,
    /// The path to the type that Diesel has for an enum of PostgreSQL.
    pub existing_type: Option<String>,
    pub is_transparent: bool,
    /// `db_type` of SeaORM.
    pub db_type: Option<String>,
    pub enum_name: Option<String>,
    /// The integer type of `#[repr(i32)]`.
    pub repr: Option<String>,
    pub derives: Vec<String>,
    orms: Vec<Orm>,
}

impl OrmAttributes {
    pub fn read(attributes: Vec<Attribute>) -> Self {
        let mut found = Self::default();
        for flat in flatten(attributes.into_iter().map(|attribute| attribute.meta)) {
            found.see_attribute(&flat.meta);
        }
        found
    }

    pub fn derives(&self, name: &str) -> bool {
        self.derives.iter().any(|derive| derive == name)
    }

    pub fn orm(&self) -> Orm {
        let derives_one_of = |names: &[&str]| self.derives.iter().any(|one| names.contains(&one.as_str()));
        if self.orms.contains(&Orm::Sea) || self.derives.iter().any(|one| one.starts_with("Derive")) {
            Orm::Sea
        } else if self.orms.contains(&Orm::Diesel) || derives_one_of(DIESEL) {
            Orm::Diesel
        } else {
            Orm::Other
        }
    }

    pub fn purpose(&self) -> Use {
        let derives_one_of = |names: &[&str]| self.derives.iter().any(|one| names.contains(&one.as_str()));
        let reads_all = self
            .derives
            .iter()
            .any(|one| READ.contains(&one.as_str()) && !READ_PART.contains(&one.as_str()));
        if derives_one_of(READ_PART) && !reads_all {
            Use::PartOfRows
        } else if derives_one_of(WRITTEN) && !derives_one_of(READ) {
            Use::Written
        } else {
            Use::Rows
        }
    }

    fn see_attribute(&mut self, meta: &Meta) {
        let path: Vec<String> = meta
            .path()
            .segments
            .iter()
            .map(|one| one.ident.to_string())
            .collect();
        let names: Vec<&str> = path.iter().map(String::as_str).collect();
        match (names.as_slice(), meta) {
            (["sea_orm", "model" | "compact_model"], _) => self.orms.push(Orm::Sea),
            (["derive"], Meta::List(list)) => {
                let derives = split_arguments(list.tokens.clone());
                self.derives.extend(derives.iter().filter_map(last_ident));
            }
            (["repr"], Meta::List(list)) => {
                let arguments = split_arguments(list.tokens.clone());
                let mut keys = arguments.iter().filter_map(Argument::key);
                self.repr = keys.next().map(|key| key.to_string());
            }
            // `diesel_derive_enum` before version 2.1.
            (["ExistingTypePath"], Meta::NameValue(value)) => self.existing_type = literal(&value.value),
            (["PgType" | "DieselTypePath"], Meta::NameValue(value)) => self.type_name = literal(&value.value),
            ([orm], Meta::List(list)) => {
                match *orm {
                    "diesel" => self.orms.push(Orm::Diesel),
                    "sea_orm" => self.orms.push(Orm::Sea),
                    _ => {}
                }
                for argument in split_arguments(list.tokens.clone()) {
                    self.see(orm, &argument);
                }
            }
            _ => {}
        }
    }

    fn see(&mut self, orm: &str, argument: &Argument) {
        let Some(key) = argument.key().map(|key| key.to_string()) else {
            return;
        };
        match (orm, key.as_str()) {
            ("sqlx", "rename") | ("diesel" | "sea_orm", "column_name") | ("sea_orm", "from_col") => {
                self.name = text(argument);
            }
            ("sqlx" | "sea_orm", "rename_all") => self.rename_all = text(argument),
            ("sqlx", "skip")
            | (
                "sea_orm",
                "ignore" | "skip" | "from_expr" | "has_one" | "has_many" | "belongs_to" | "self_ref",
            ) => self.holds = Holds::Nothing,
            ("diesel", "select_expression") => {
                self.holds = Holds::Nothing;
                self.selected = argument
                    .value()
                    .map(|value| idents(value.stream()))
                    .unwrap_or_default();
            }
            ("sqlx", "json") => (self.is_converted, self.is_json) = (true, true),
            ("sqlx", "try_from") | ("diesel", "deserialize_as") => {
                self.is_converted = true;
                self.read_as = written_type(argument);
            }
            ("diesel", "serialize_as") => {
                self.is_converted = true;
                self.written_as = written_type(argument);
            }
            ("sea_orm", "select_as" | "save_as") => self.is_converted = true,
            ("sqlx", "flatten") | ("diesel", "embed") | ("sea_orm", "nested") => {
                self.holds = Holds::Several;
            }
            ("diesel", "sql_type") => self.diesel_types.extend(written_type(argument)),
            ("sea_orm", "column_type") => {
                self.column_type = text(argument).and_then(|written| crate::sql_types::sea_orm(&written));
            }
            ("sea_orm", "value_type") => {
                self.column_type = text(argument).and_then(|written| crate::sql_types::primitive(&written));
            }
            ("sea_orm", "db_type") => self.db_type = text(argument),
            ("sea_orm", "enum_name") => self.enum_name = text(argument),
            ("sqlx", "type_name") | ("db_enum", "pg_type") => self.type_name = text(argument),
            ("diesel", "postgres_type") => {
                let inner = split_arguments(argument.list().unwrap_or_default());
                let named = inner
                    .iter()
                    .find(|one| one.key().is_some_and(|key| key == "name"));
                self.type_name = named.and_then(text);
            }
            ("db_enum", "existing_type_path") => self.existing_type = text(argument),
            ("sqlx", "transparent") => self.is_transparent = true,
            _ => {}
        }
    }
}

/// The value `"x"` or, as in Diesel, the identifier `x`.
fn text(argument: &Argument) -> Option<String> {
    let value = argument.value()?;
    let ident = || value.ident().map(|ident| ident.unraw().to_string());
    value.string().map(|literal| literal.value()).or_else(ident)
}

fn literal(value: &syn::Expr) -> Option<String> {
    match value {
        syn::Expr::Lit(expression) => match &expression.lit {
            syn::Lit::Str(literal) => Some(literal.value()),
            _ => None,
        },
        _ => None,
    }
}

/// The type in `key = "x::Y"` or, as in Diesel, in `key = x::Y`.
fn written_type(argument: &Argument) -> Option<Type> {
    let value = argument.value()?;
    let tokens = match value.string() {
        Some(literal) => literal.value().parse().ok()?,
        None => value.stream(),
    };
    if is_too_deep(&tokens) {
        return None;
    }
    syn::parse2(tokens).ok()
}

/// `FromRow` of the argument `sqlx::FromRow`.
fn last_ident(argument: &Argument) -> Option<String> {
    idents(argument.whole().stream()).pop()
}

fn idents(tokens: TokenStream) -> Vec<String> {
    let mut open = vec![tokens.into_iter()];
    let mut found = Vec::new();
    while let Some(innermost) = open.last_mut() {
        match innermost.next() {
            Some(proc_macro2::TokenTree::Ident(ident)) => found.push(ident.unraw().to_string()),
            Some(proc_macro2::TokenTree::Group(group)) => open.push(group.stream().into_iter()),
            Some(_) => {}
            None => _ = open.pop(),
        }
    }
    found
}
