//! The struct in the source that a macro copied.

use std::path::PathBuf;
use std::sync::Arc;

use super::declarations::{OutsideImports, declarations_of};
use super::module_tree::{Reachability, ScannedFile};
use super::scan::FoundStruct;
use crate::name::TableName;
use crate::text::Source;

/// A struct with `#[table]`, as it stands in the source.
#[derive(Debug)]
pub struct Original {
    /// The struct's name.
    pub ident: String,
    /// The name of the table.
    pub name: TableName,
    /// The first attribute above `#[table]` that may be a macro, without its arguments.
    pub first_macro: Option<String>,
}

/// The struct whose `#[table]` holds this place: a line and a column, both counted from 1.
#[must_use]
pub fn original_at(source: Arc<Source>, place: (usize, usize)) -> Option<Original> {
    let file = ScannedFile::new(PathBuf::from(&source.path), source);
    let structs = file.scan.structs.iter();
    let found = structs.rev().find(|found| starts_before(&file.source, found, place))?;
    let declarations = declarations_of(&file, found, &Reachability::Always, OutsideImports::None);
    let holds = |start, end| (file.source.position(start)..file.source.position(end)).contains(&place);
    let declaration = declarations
        .into_iter()
        .find(|declaration| holds(declaration.attribute.start, declaration.attribute.end))?;
    let first_macro = found.first_macro.clone();
    Some(Original {
        ident: declaration.ident,
        name: declaration.name,
        first_macro: first_macro.map(|range| without_arguments(&file.source.text[range])),
    })
}

fn starts_before(source: &Source, found: &FoundStruct, place: (usize, usize)) -> bool {
    let first = found.attributes.first();
    first.is_some_and(|attribute| source.position(attribute.start) <= place)
}

/// `#[model]` of `#[model(…)]`.
fn without_arguments(attribute: &str) -> String {
    match attribute.split_once('(') {
        Some((path, _)) => format!("{path}]"),
        None => attribute.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> String {
        let at = text.find("table").unwrap();
        let source = Arc::new(Source::new("a.rs", text));
        let place = source.position(at);
        let Some(original) = original_at(source, place) else {
            return String::new();
        };
        let Original {
            ident,
            name,
            first_macro,
        } = original;
        format!("{ident} {name} {}", first_macro.unwrap_or_default())
    }

    #[test]
    fn the_struct_below_an_attribute() {
        for (text, original) in [
            ("#[a]\n#[table]\nstruct Users;", "Users users #[a]"),
            ("#[sea_orm :: model(x)] #[derive(B)] #[b] #[table] struct Users;", "Users users #[sea_orm :: model]"),
            ("#[serde(x)] #[table(name = \"u\")] #[a] struct r#Type;", "Type u #[serde]"),
            ("copy! { #[table] struct Users; } #[a] #[table] struct Roles;", "Users users "),
            ("#[cfg_attr(x, table)] struct Users;", "Users users "),
            ("macro_rules! a { () => { #[table] struct Users; } }", ""),
            ("#[a] struct Users; // table", ""),
        ] {
            assert_eq!(found(text), original, "{text}");
        }
    }
}
