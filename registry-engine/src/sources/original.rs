//! The struct in the source that a macro copied.

use std::path::PathBuf;
use std::sync::Arc;

use super::declarations::{OutsideImports, declarations_of};
use super::module_tree::{Reachability, ScannedFile};
use super::scan::FoundStruct;
use crate::name::TableName;
use crate::text::Source;

/// A struct with `#[table]`, as it is in the source.
#[derive(Debug)]
pub struct Original {
    /// The struct's name.
    pub ident: String,
    /// The name of the table.
    pub name: TableName,
    /// The first attribute above `#[table]` that may be a macro, without its arguments.
    pub first_macro: Option<String>,
}

/// The struct that one of the places belongs to: a line and a column, both counted from 1, between the struct's first
/// attribute and its name.
#[must_use]
pub fn original_at(source: Arc<Source>, places: &[(usize, usize)]) -> Option<Original> {
    let file = ScannedFile::new(PathBuf::from(&source.path), source);
    let holds = |found: &&FoundStruct| {
        let header = file.source.position(found.start)..file.source.position(found.ident.end);
        places.iter().any(|place| header.contains(place))
    };
    let found = file.scan.structs.iter().find(holds)?;
    let declarations = declarations_of(&file, found, &Reachability::Always, OutsideImports::None);
    let declaration = declarations.into_iter().next()?;
    let first_macro = found.first_macro.clone();
    Some(Original {
        ident: declaration.ident,
        name: declaration.name,
        first_macro: first_macro.map(|range| without_arguments(&file.source.text[range])),
    })
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
        let source = Arc::new(Source::new("a.rs", text.replace('|', "")));
        let place = source.position(text.find('|').unwrap());
        let Some(original) = original_at(source, &[(1, 1_000), place]) else {
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
    fn the_struct_at_a_place() {
        for (text, original) in [
            ("#[a]\n|#[table]\nstruct Users;", "Users users #[a]"),
            ("#[a(|Patch)] #[table] struct Users;", "Users users #[a]"),
            ("#[a]\n#[table] |pub struct Users;", "Users users #[a]"),
            (
                "|#[sea_orm :: model(x)] #[derive(B)] #[b] #[table] struct Users;",
                "Users users #[sea_orm :: model]",
            ),
            (
                "#[serde(x)] #[table(|name = \"u\")] #[a] struct r#Type;",
                "Type u #[serde]",
            ),
            (
                "copy! { #[|table] struct Users; } #[a] #[table] struct Roles;",
                "Users users ",
            ),
            ("#[cfg_attr(x, |table)] struct Users;", "Users users "),
            ("macro_rules! a { () => { #[|table] struct Users; } }", ""),
            ("#[table] struct Users; |struct Roles;", ""),
        ] {
            assert_eq!(found(text), original, "{text}");
        }
    }
}
