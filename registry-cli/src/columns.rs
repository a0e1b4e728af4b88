//! The columns of a table: the fields of its structs, under the names that an ORM gives them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use heck::{ToKebabCase, ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Fields, GenericArgument, Meta, PathArguments, Type};
use table_registry_engine::{Argument, Declaration, Diagnostic, Fault, Source, flatten, split_arguments};

/// A field that holds a column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name in the database.
    pub name: String,
    /// Whether its type holds a binary floating-point number.
    pub is_float: bool,
    /// The type of its field.
    pub rust_type: RustType,
    /// Whether the field is read by way of another type.
    pub is_converted: bool,
    /// The file.
    pub source: Arc<Source>,
    /// Where the field's name stands in the file.
    pub place: Range<usize>,
}

/// The type of a field, as far as the database has something like it.
#[derive(Clone, Debug)]
pub struct RustType {
    /// As it is written.
    pub text: String,
    /// Its name without path, reference and `Option`; `Vec<u8>` for bytes.
    pub base: String,
    /// Whether it can hold nothing.
    pub is_option: bool,
}

impl RustType {
    fn of(ty: &Type) -> Self {
        let text = without_spaces(&ty.to_token_stream().to_string());
        let inner = argument_of(ty, "Option");
        let is_option = inner.is_some();
        let mut base = inner.unwrap_or(ty);
        while let Type::Reference(reference) = base {
            base = &reference.elem;
        }
        let is_bytes = argument_of(base, "Vec").is_some_and(|item| last_word(item) == "u8");
        let base = if is_bytes {
            "Vec<u8>".to_string()
        } else {
            last_word(base)
        };
        Self {
            text,
            base,
            is_option,
        }
    }
}

/// `T` of `Name<T>`.
fn argument_of<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return None;
    };
    match arguments.args.first()? {
        GenericArgument::Type(inner) if segment.ident == name => Some(inner),
        _ => None,
    }
}

fn last_word(ty: &Type) -> String {
    match ty {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .map(|segment| segment.ident.to_string())
            .unwrap_or_default(),
        _ => String::new(),
    }
}

fn without_spaces(text: &str) -> String {
    let tight = [" :: ", " < ", " >", "& ", " ,"];
    let tight = tight.iter().zip(["::", "<", ">", "&", ","]);
    tight.fold(text.to_string(), |text, (from, to)| text.replace(from, to))
}

/// The fields of one struct.
#[derive(Debug, Default)]
pub struct Columns {
    pub list: Vec<Column>,
    /// Whether these are all: a field may stand for the columns of another struct, and the fields of
    /// a tuple have no names.
    pub is_complete: bool,
}

/// Files as tokens, each read once.
#[derive(Default)]
pub struct Reader {
    files: BTreeMap<String, Option<Vec<TokenTree>>>,
}

impl Reader {
    /// The columns that a struct declares; a struct that cannot be read is a fault.
    pub fn columns(&mut self, declaration: &Declaration) -> Result<Columns, Diagnostic> {
        let source = &declaration.source;
        let start = table_registry_engine::start_of_code(&source.text);
        let trees = self.files.entry(source.path.clone()).or_insert_with(|| {
            let tokens = source.text[start..].parse::<TokenStream>().ok()?;
            Some(tokens.into_iter().collect())
        });
        let name = declaration.place.start - start..declaration.place.end - start;
        let parsed = trees.as_deref().and_then(|trees| struct_named_at(trees, &name));
        match parsed.map(|parsed| (parsed.attrs, parsed.data)) {
            Some((attributes, Data::Struct(data))) => Ok(columns(source, start, attributes, data.fields)),
            _ => Err(unreadable(declaration)),
        }
    }
}

fn unreadable(declaration: &Declaration) -> Diagnostic {
    let message = format!("the fields of `{}` cannot be read", declaration.ident);
    Diagnostic::new(Fault::UnreadableStruct, message)
        .at(&declaration.source, declaration.place.clone(), "")
        .help("run `cargo check`: the compiler says what is wrong with the struct")
}

/// The struct whose name stands at a place: from its first attribute to its body. It may lie in a
/// module, in a function, or in the call of a macro.
fn struct_named_at(trees: &[TokenTree], name: &Range<usize>) -> Option<DeriveInput> {
    let at = trees.partition_point(|tree| tree.span().byte_range().end < name.end);
    if let TokenTree::Group(group) = trees.get(at)? {
        let inner: Vec<TokenTree> = group.stream().into_iter().collect();
        return struct_named_at(&inner, name);
    }
    let start = start_of_item(&trees[..at]);
    // The default of a constant parameter is in braces, too.
    let ends = (at..trees.len()).filter(|end| ends_item(&trees[*end]));
    let mut items = ends.map(|end| trees[start..=end].iter().cloned().collect());
    items.find_map(|item: TokenStream| syn::parse2(item).ok())
}

/// Where the item starts whose tokens up to its name are the last ones.
fn start_of_item(trees: &[TokenTree]) -> usize {
    let mut start = trees.len().saturating_sub(1);
    start = match &trees[..start] {
        [.., TokenTree::Ident(word), TokenTree::Group(_)] if word == "pub" => start - 2,
        [.., TokenTree::Ident(word)] if word == "pub" => start - 1,
        _ => start,
    };
    while let [.., TokenTree::Punct(pound), TokenTree::Group(group)] = &trees[..start] {
        if pound.as_char() != '#' || group.delimiter() != Delimiter::Bracket {
            break;
        }
        start -= 2;
    }
    start
}

fn ends_item(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    }
}

fn columns(source: &Arc<Source>, start: usize, attributes: Vec<Attribute>, fields: Fields) -> Columns {
    let rule = OrmAttributes::read(attributes).rename_all;
    let mut columns = Columns {
        list: Vec::new(),
        is_complete: matches!(fields, Fields::Named(_)),
    };
    for field in fields {
        let Some(ident) = field.ident else { continue };
        let orm = OrmAttributes::read(field.attrs);
        columns.is_complete &= !orm.is_several;
        if orm.is_several || orm.is_none {
            continue;
        }
        let by_rule = || renamed(&ident.unraw().to_string(), rule.as_deref());
        let range = ident.span().byte_range();
        columns.list.push(Column {
            name: orm.name.unwrap_or_else(by_rule),
            is_float: mentions_float(field.ty.to_token_stream()),
            rust_type: RustType::of(&field.ty),
            is_converted: orm.is_converted,
            source: Arc::clone(source),
            place: range.start + start..range.end + start,
        });
    }
    columns
}

/// What the attributes of ORMs say about a field, or about all fields of a struct.
#[derive(Default)]
struct OrmAttributes {
    name: Option<String>,
    rename_all: Option<String>,
    /// The field is no column.
    is_none: bool,
    /// The field stands for the columns of another struct.
    is_several: bool,
    /// The field is read by way of another type.
    is_converted: bool,
}

impl OrmAttributes {
    fn read(attributes: Vec<Attribute>) -> Self {
        let mut found = Self::default();
        for flat in flatten(attributes.into_iter().map(|attribute| attribute.meta)) {
            let Meta::List(list) = &flat.meta else { continue };
            let Some(orm) = list.path.get_ident().map(ToString::to_string) else {
                continue;
            };
            for argument in split_arguments(list.tokens.clone()) {
                found.see(&orm, &argument);
            }
        }
        found
    }

    fn see(&mut self, orm: &str, argument: &Argument) {
        let Some(key) = argument.key().map(|key| key.to_string()) else {
            return;
        };
        match (orm, key.as_str()) {
            ("sqlx", "rename") | ("diesel" | "sea_orm", "column_name") => self.name = text(argument),
            ("sqlx" | "sea_orm", "rename_all") => self.rename_all = text(argument),
            ("sqlx", "skip") | ("sea_orm", "ignore" | "has_one" | "has_many" | "belongs_to" | "self_ref") => {
                self.is_none = true;
            }
            ("sqlx", "json" | "try_from") | ("diesel", "deserialize_as" | "serialize_as") => {
                self.is_converted = true;
            }
            ("sqlx", "flatten") | ("diesel", "embed") | ("sea_orm", "nested") => self.is_several = true,
            _ => {}
        }
    }
}

/// `"x"`, or the identifier `x`, as Diesel takes it.
fn text(argument: &Argument) -> Option<String> {
    let value = argument.value()?;
    let ident = || value.ident().map(|ident| ident.unraw().to_string());
    value.string().map(|literal| literal.value()).or_else(ident)
}

/// The rules of `#[sqlx(rename_all = "…")]` and `#[sea_orm(rename_all = "…")]`.
fn renamed(field: &str, rule: Option<&str>) -> String {
    match rule {
        Some("lowercase") => field.to_lowercase(),
        Some("UPPERCASE") => field.to_uppercase(),
        Some("snake_case") => field.to_snake_case(),
        Some("SCREAMING_SNAKE_CASE") => field.to_shouty_snake_case(),
        Some("kebab-case") => field.to_kebab_case(),
        Some("camelCase") => field.to_lower_camel_case(),
        Some("PascalCase") => field.to_upper_camel_case(),
        _ => field.to_string(),
    }
}

fn mentions_float(ty: TokenStream) -> bool {
    ty.into_iter().any(|tree| match tree {
        TokenTree::Ident(ident) => ident == "f32" || ident == "f64",
        TokenTree::Group(group) => mentions_float(group.stream()),
        _ => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The columns of the struct `S`: names, `~` for floating-point numbers, `…` if there may be more.
    fn found(text: &str) -> String {
        let source = Arc::new(Source::new("a.rs", text));
        let place = text.find("struct S").unwrap() + "struct ".len();
        let declaration = Declaration {
            place: place..place + 1,
            ident: "S".to_string(),
            ..declaration(&source)
        };
        let columns = match Reader::default().columns(&declaration) {
            Ok(columns) => columns,
            Err(fault) => return fault.message,
        };
        let names = columns.list.iter().map(|column| {
            assert!(text.is_char_boundary(column.place.start));
            format!("{}{}", column.name, if column.is_float { "~" } else { "" })
        });
        let more = if columns.is_complete { "" } else { "…" };
        names
            .chain([more.to_string()])
            .collect::<Vec<_>>()
            .join(" ")
            .trim()
            .to_string()
    }

    fn declaration(source: &Arc<Source>) -> Declaration {
        Declaration {
            name: table_registry_engine::TableName {
                schema: None,
                table: "s".to_string(),
            },
            kind: table_registry_core::TableKind::Truth,
            ident: String::new(),
            conditional: false,
            check: table_registry_engine::CompileCheck::None,
            other_name: None,
            hidden_name: None,
            source: Arc::clone(source),
            file: source.path.clone(),
            is_doubtful: false,
            orphan: None,
            place: 0..0,
            attribute: 0..0,
            is_struct: true,
            allowed: Vec::new(),
            faults: Vec::new(),
        }
    }

    #[test]
    fn fields_are_columns() {
        for (text, columns) in [
            ("pub struct S { pub id: i64, r#type: Option<f64> }", "id type~"),
            ("struct S;", "…"),
            ("struct S(i64);", "…"),
            (
                "pub(crate) struct S<'a, const N: usize = { 1 }> where T: X { a: &'a [f32; N] }",
                "a~",
            ),
            ("mod a { fn f() { x! { #[b] struct S { c: u8 } } } }", "c"),
            ("x!{} struct A { b: u8 } struct S { c: u8 }", "c"),
            ("\u{feff}// é\nstruct S { größe: u8 }", "größe"),
            ("struct S {", "the fields of `S` cannot be read"),
            ("struct S { a b }", "the fields of `S` cannot be read"),
        ] {
            assert_eq!(found(text), columns, "{text}");
        }
    }

    #[test]
    fn types_without_what_stands_around_them() {
        for (text, written, base, is_option) in [
            ("i64", "i64", "i64", false),
            (
                "Option < chrono :: DateTime < Utc > >",
                "Option<chrono::DateTime<Utc>>",
                "DateTime",
                true,
            ),
            (
                "std::option::Option<Vec<u8>>",
                "std::option::Option<Vec<u8>>",
                "Vec<u8>",
                true,
            ),
            ("&'a str", "&'a str", "str", false),
            ("Vec<String>", "Vec<String>", "Vec", false),
            ("(i32, i32)", "(i32, i32)", "", false),
        ] {
            let found = RustType::of(&syn::parse_str(text).unwrap());
            assert_eq!(
                (found.text.as_str(), found.base.as_str(), found.is_option),
                (written, base, is_option)
            );
        }
    }

    #[test]
    fn the_name_is_that_of_the_orm() {
        for (text, columns) in [
            ("struct S { #[sqlx(rename = \"b\")] a: u8 }", "b"),
            ("struct S { #[diesel(column_name = b)] a: u8 }", "b"),
            ("struct S { #[diesel(column_name = \"b\")] a: u8 }", "b"),
            (
                "struct S { #[sea_orm(primary_key, column_name = \"b\")] a: u8 }",
                "b",
            ),
            ("struct S { #[cfg_attr(x, sqlx(rename = \"b\"))] a: u8 }", "b"),
            ("struct S { #[serde(rename = \"b\")] a: u8 }", "a"),
            (
                "#[sqlx(rename_all = \"camelCase\")] #[table] struct S { a_b: u8, #[sqlx(rename = \"c_d\")] c: u8 }",
                "aB c_d",
            ),
            (
                "#[table] #[sea_orm(rename_all = \"UPPERCASE\")] pub struct S { a: u8 }",
                "A",
            ),
            (
                "struct S { #[sqlx(skip)] a: u8, #[sea_orm(ignore)] b: u8, c: u8 }",
                "c",
            ),
            (
                "struct S { #[sea_orm(has_many)] a: HasMany<super::a::Entity>, c: u8 }",
                "c",
            ),
            ("struct S { #[sqlx(flatten)] a: A, c: u8 }", "c …"),
            ("struct S { #[diesel(embed)] a: A }", "…"),
        ] {
            assert_eq!(found(text), columns, "{text}");
        }
    }
}
