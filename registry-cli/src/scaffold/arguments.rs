//! What a user says about the columns of a new table.

use std::str::FromStr;

use proc_macro2::{TokenStream, TokenTree};
use syn::Type;
use table_registry_engine::WrittenTenant;

use crate::sql_types;

/// `total_cents:i64`: a column that the user asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnArgument {
    pub name: String,
    pub ty: String,
}

impl FromStr for ColumnArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (before, after) = text
            .split_once(':')
            .ok_or("expected NAME:TYPE, such as `total_cents:i64`")?;
        let (name, ty) = (before.trim(), after.trim());
        if !is_snake_case_identifier(name) {
            return Err(format!("`{name}` is not a `snake_case` identifier"));
        }
        if !is_field_type(ty) {
            return Err(format!(
                "`{ty}` is not a Rust type, such as `i64` or `Option<String>`"
            ));
        }
        if let Some(unknown) = ty.parse().ok().and_then(first_unknown_name) {
            return Err(format!(
                "`{unknown}` is not in scope in the new file: write its path, such as `uuid::Uuid`{}",
                if unknown == "text" { ", or `String`" } else { "" }
            ));
        }
        Ok(Self {
            name: name.to_string(),
            ty: ty.to_string(),
        })
    }
}

/// The first name in a type that neither has a path nor comes with the language.
fn first_unknown_name(ty: TokenStream) -> Option<String> {
    let mut before = String::new();
    let mut trees = ty.into_iter().peekable();
    while let Some(tree) = trees.next() {
        match &tree {
            TokenTree::Ident(ident) => {
                let name = ident.to_string();
                let is_path = matches!(trees.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
                // What follows `::` or the quotation mark of a lifetime is part of another name.
                let is_part = before == ":" || before == "'";
                if !is_part
                    && !is_path
                    && !is_of_language(&name)
                    && syn::parse_str::<syn::Ident>(&name).is_ok()
                {
                    return Some(name);
                }
            }
            TokenTree::Group(group) => {
                if let Some(unknown) = first_unknown_name(group.stream()) {
                    return Some(unknown);
                }
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
        before = tree.to_string();
    }
    None
}

/// Whether a name of a type is in scope everywhere.
pub fn is_of_language(name: &str) -> bool {
    sql_types::primitive(name).is_some() || ["Box", "Option", "Vec"].contains(&name)
}

/// Whether a name is valid for a column, a module, and a table without quotes. It may be a keyword that needs `r#`.
/// It has to be ASCII, since the compiler accepts nothing else in a module's file name.
pub fn is_snake_case_identifier(name: &str) -> bool {
    let is_part = |c: char| c == '_' || c.is_ascii_lowercase() || c.is_ascii_digit();
    name.chars().all(is_part)
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && syn::parse_str::<syn::Ident>(&format!("r#{name}")).is_ok()
}

/// Whether this is a type that a field can have. A comment is refused, because it would hide the text after it.
fn is_field_type(text: &str) -> bool {
    let is_plain = !text.contains("//") && !text.contains("/*") && !text.contains('\n');
    let ty = syn::parse_str::<Type>(text);
    is_plain
        && ty.is_ok_and(|ty| match ty {
            Type::ImplTrait(_) | Type::Infer(_) | Type::Macro(_) | Type::Never(_) => false,
            Type::Reference(reference) => reference
                .lifetime
                .is_some_and(|lifetime| lifetime.ident == "static"),
            _ => true,
        })
}

/// `account_id` or `through(project_id -> projects)`: how the rows of a new table belong to tenants.
#[derive(Clone, Debug)]
pub struct TenantArgument {
    /// The columns of the table that tell the tenant.
    pub columns: Vec<String>,
    /// The parent to which these columns refer, if the tenant is that of a parent.
    pub parent: Option<ParentArgument>,
}

#[derive(Clone, Debug)]
pub struct ParentArgument {
    pub table: String,
    pub keys: Vec<String>,
}

impl TenantArgument {
    /// The argument of `#[table]`.
    pub fn attribute(&self) -> String {
        let list = |names: &[String]| {
            names
                .iter()
                .map(|name| written(name))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let Some(ParentArgument { table, keys }) = &self.parent else {
            return format!("tenant = {:?}", self.columns.join(", "));
        };
        let columns = match self.columns.as_slice() {
            [column] => written(column),
            several => format!("({})", list(several)),
        };
        let keys = match keys.as_slice() {
            [key] if key == "id" => String::new(),
            keys => format!("({})", list(keys)),
        };
        format!("tenant = through({columns} -> {}{keys})", written(table))
    }
}

/// A name as `through(…)` takes it: in quotes unless it is an identifier.
fn written(name: &str) -> String {
    if syn::parse_str::<syn::Ident>(name).is_ok() {
        name.to_string()
    } else {
        format!("{name:?}")
    }
}

impl FromStr for TenantArgument {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = Vec::new();
        let Some(tenant) = WrittenTenant::read_text(text, &mut faults) else {
            let messages: Vec<String> = faults.into_iter().map(|fault| fault.message).collect();
            return Err(messages.join("; "));
        };
        let columns: Vec<String> = tenant
            .columns()
            .iter()
            .map(|column| column.text.clone())
            .collect();
        if let Some(column) = columns.iter().find(|column| !is_field_name(column)) {
            return Err(format!("`{column}` cannot be the name of a field"));
        }
        Ok(Self {
            columns,
            parent: match tenant {
                WrittenTenant::Column(_) => None,
                WrittenTenant::Through(parent) => Some(ParentArgument {
                    table: parent.table.text,
                    keys: parent.keys,
                }),
            },
        })
    }
}

/// Whether a field can have the name, perhaps as a raw identifier.
pub fn is_field_name(name: &str) -> bool {
    syn::parse_str::<syn::Ident>(&format!("r#{name}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_that_are_not_columns() {
        for (text, message) in [
            ("total", "expected NAME:TYPE"),
            ("Total:i64", "`Total` is not a `snake_case` identifier"),
            ("a b:i64", "`a b` is not a `snake_case` identifier"),
            ("self:i64", "`self` is not a `snake_case` identifier"),
            (":i64", "`` is not a `snake_case` identifier"),
            ("total:", "`` is not a Rust type"),
            ("total:i64; x", "`i64; x` is not a Rust type"),
            ("total:i64 // x", "`i64 // x` is not a Rust type"),
            ("total:impl Into<u8>", "`impl Into<u8>` is not a Rust type"),
            ("total:_", "`_` is not a Rust type"),
            ("total:&str", "`&str` is not a Rust type"),
            ("id:Uuid", "`Uuid` is not in scope"),
            ("ids:Option<Vec<Uuid>>", "`Uuid` is not in scope"),
            (
                "body:text",
                "`text` is not in scope in the new file: write its path, such as `uuid::Uuid`, or `String`",
            ),
            ("größe:i64", "`größe` is not a `snake_case` identifier"),
            ("_x:i64", "`_x` is not a `snake_case` identifier"),
        ] {
            let error = text.parse::<ColumnArgument>().unwrap_err();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }

    #[test]
    fn types_of_columns() {
        for text in [
            "id:uuid::Uuid",
            "ids:Option<Vec<::uuid::Uuid>>",
            "name:&'static str",
            "key:[u8; 16]",
            "at:chrono::DateTime<chrono::Utc>",
        ] {
            assert!(text.parse::<ColumnArgument>().is_ok(), "{text}");
        }
    }

    #[test]
    fn ways_to_belong_to_a_tenant() {
        for (text, attribute) in [
            ("account_id", "tenant = \"account_id\""),
            (
                "through(project_id -> projects)",
                "tenant = through(project_id -> projects)",
            ),
            (
                "through((org, no) -> \"sales.orders\"(org, number)) // x",
                "tenant = through((org, no) -> \"sales.orders\"(org, number))",
            ),
        ] {
            assert_eq!(text.parse::<TenantArgument>().unwrap().attribute(), attribute);
        }
        for text in [
            "",
            "through(projects)",
            "through(project_id -> projects",
            "Account Id",
            "self",
            "a\"b",
            "r#type",
        ] {
            assert!(text.parse::<TenantArgument>().is_err(), "{text}");
        }
    }
}
