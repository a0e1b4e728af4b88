//! The columns of a table: the fields of its structs, under the names that an ORM gives them.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use heck::{ToKebabCase, ToLowerCamelCase, ToShoutySnakeCase, ToSnakeCase, ToUpperCamelCase};
use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Attribute, Data, DeriveInput, Fields, GenericArgument, Meta, PathArguments, Type};
use table_registry_engine::{
    Argument, Declaration, Diagnostic, Fault, MAX_NESTING, RegisteredTable, Source, flatten,
    nests_too_deeply, split_arguments, start_of_code,
};

use crate::nesting::{self, AngleBracket};

/// A field that holds a column.
#[derive(Clone, Debug)]
pub struct Column {
    /// The name in the database.
    pub name: String,
    /// Whether its type holds a binary floating-point number.
    pub is_float: bool,
    /// The type of its field.
    pub rust_type: RustType,
    /// Whether an attribute converts the field from another type.
    pub is_converted: bool,
    pub source: Arc<Source>,
    /// The range of the field's name in the file.
    pub place: Range<usize>,
}

/// The parts of a field's type that a database type can be compared with.
#[derive(Clone, Debug)]
pub struct RustType {
    /// The type as it is written.
    pub text: String,
    /// The name of the type without path, reference and `Option`; `Vec<u8>` for bytes.
    pub base: String,
    /// Whether the type is an `Option`.
    pub is_option: bool,
}

impl Column {
    /// The type that a statement gives the column, if the field tells: `timestamp with time zone`.
    pub fn sql_type(&self) -> Option<String> {
        (!self.is_converted)
            .then(|| self.rust_type.sql_type().map(str::to_string))
            .flatten()
    }
}

impl RustType {
    fn sql_type(&self) -> Option<&'static str> {
        Some(match self.base.as_str() {
            "bool" => "boolean",
            "i16" => "smallint",
            "i32" => "integer",
            "i64" => "bigint",
            "f32" => "real",
            "f64" => "double precision",
            "String" | "str" => "text",
            "Uuid" => "uuid",
            "Decimal" | "BigDecimal" => "numeric",
            "NaiveDate" => "date",
            "Vec<u8>" => "bytea",
            _ => return None,
        })
    }

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
    let replacements = [
        (" :: ", "::"),
        (" < ", "<"),
        (" >", ">"),
        ("& ", "&"),
        (" ,", ","),
    ];
    let start = text.to_string();
    replacements
        .iter()
        .fold(start, |text, (spaced, tight)| text.replace(spaced, tight))
}

/// The columns of a table: those of all its structs, since twins under `cfg` describe one table.
#[derive(Debug)]
pub struct TableColumns {
    pub columns: Vec<Column>,
    /// Whether these are all columns of the table. Columns may be missing because a field stands for the columns of
    /// another struct, because the fields of a tuple struct have no names, or because a struct is unreadable.
    pub is_complete: bool,
    /// A fault for each struct that cannot be read.
    pub unreadable: Vec<Diagnostic>,
}

/// The columns of each table, by its name.
pub fn of_tables(tables: &[RegisteredTable]) -> BTreeMap<String, TableColumns> {
    let mut reader = ColumnReader::default();
    let by_name = tables
        .iter()
        .map(|table| (table.name.clone(), reader.read(table)));
    by_name.collect()
}

impl TableColumns {
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    fn add(&mut self, other: StructColumns) {
        self.is_complete &= other.is_complete;
        for column in other.columns {
            if !self.has(&column.name) {
                self.columns.push(column);
            }
        }
    }
}

/// The columns that one struct declares.
struct StructColumns {
    columns: Vec<Column>,
    is_complete: bool,
}

/// Reads the columns of tables. Each file is tokenized once.
#[derive(Default)]
pub struct ColumnReader {
    files: BTreeMap<String, Option<Vec<TokenTree>>>,
}

impl ColumnReader {
    pub fn read(&mut self, table: &RegisteredTable) -> TableColumns {
        let mut read = TableColumns {
            columns: Vec::new(),
            // Nothing is known of the columns of a table without a struct.
            is_complete: !table.declarations.is_empty(),
            unreadable: Vec::new(),
        };
        for declaration in &table.declarations {
            match self.read_struct(declaration) {
                Ok(columns) => read.add(columns),
                Err(fault) => {
                    read.is_complete = false;
                    read.unreadable.push(fault);
                }
            }
        }
        read
    }

    fn read_struct(&mut self, declaration: &Declaration) -> Result<StructColumns, Diagnostic> {
        let source = &declaration.source;
        let start = start_of_code(&source.text);
        let trees = self.files.entry(source.path.clone()).or_insert_with(|| {
            let file = source.text[start..].parse::<TokenStream>().ok()?;
            Some(file.into_iter().collect())
        });
        let name = declaration.place.start - start..declaration.place.end - start;
        let item = trees
            .as_deref()
            .and_then(|trees| item_named_at(trees, &name))
            .ok_or_else(|| invalid(declaration))?;
        let tokens: TokenStream = item.into_iter().collect();
        if nests_too_deeply(&tokens) || nesting::has_deep_brackets(&tokens) {
            return Err(too_deep(declaration));
        }
        match syn::parse2(tokens) {
            Ok(DeriveInput {
                attrs,
                data: Data::Struct(data),
                ..
            }) => Ok(columns(source, start, attrs, data.fields)),
            _ => Err(invalid(declaration)),
        }
    }
}

fn invalid(declaration: &Declaration) -> Diagnostic {
    unreadable(declaration).help("run `cargo check`: the compiler says what is wrong with the struct")
}

fn too_deep(declaration: &Declaration) -> Diagnostic {
    unreadable(declaration)
        .note(format!(
            "its types may be nested at most {MAX_NESTING} levels deep"
        ))
        .help("move part of a deep type into a type alias")
}

fn unreadable(declaration: &Declaration) -> Diagnostic {
    let message = format!("the fields of `{}` cannot be read", declaration.ident);
    Diagnostic::new(Fault::UnreadableStruct, message).at(&declaration.source, declaration.place.clone(), "")
}

/// The item whose name is at this place, from its first attribute to its body. The item may be in a module, in a
/// function, or in the arguments of a macro.
fn item_named_at(trees: &[TokenTree], name: &Range<usize>) -> Option<Vec<TokenTree>> {
    let mut trees = Cow::Borrowed(trees);
    loop {
        let at = trees.partition_point(|tree| tree.span().byte_range().end < name.end);
        let inner: Vec<TokenTree> = match trees.get(at)? {
            TokenTree::Group(group) => group.stream().into_iter().collect(),
            _ => return Some(trees[start_of_item(&trees[..at])..=end_of_item(&trees, at)?].to_vec()),
        };
        trees = Cow::Owned(inner);
    }
}

/// The index of an item's first token. The slice ends right before the item's name.
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

/// The index of an item's body or semicolon. Braces inside angle brackets do not count: the default of a const
/// parameter has braces, too.
fn end_of_item(trees: &[TokenTree], name: usize) -> Option<usize> {
    let mut open = 0_usize;
    (name..trees.len()).find(|&at| {
        match nesting::angle_bracket(trees, at) {
            Some(AngleBracket::Open) => open += 1,
            Some(AngleBracket::Close) => open = open.saturating_sub(1),
            None => {}
        }
        open == 0 && ends_item(&trees[at])
    })
}

fn ends_item(tree: &TokenTree) -> bool {
    match tree {
        TokenTree::Punct(punct) => punct.as_char() == ';',
        TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
        _ => false,
    }
}

fn columns(source: &Arc<Source>, start: usize, attributes: Vec<Attribute>, fields: Fields) -> StructColumns {
    let rule = OrmAttributes::read(attributes).rename_all;
    let mut read = StructColumns {
        columns: Vec::new(),
        is_complete: matches!(fields, Fields::Named(_)),
    };
    for field in fields {
        let Some(ident) = field.ident else { continue };
        let orm = OrmAttributes::read(field.attrs);
        read.is_complete &= !orm.is_several;
        if orm.is_several || orm.is_none || is_relation(&field.ty) {
            continue;
        }
        let by_rule = || renamed(&ident.unraw().to_string(), rule.as_deref());
        let range = ident.span().byte_range();
        read.columns.push(Column {
            name: orm.name.unwrap_or_else(by_rule),
            is_float: mentions_float(field.ty.to_token_stream()),
            rust_type: RustType::of(&field.ty),
            is_converted: orm.is_converted,
            source: Arc::clone(source),
            place: range.start + start..range.end + start,
        });
    }
    read
}

/// Whether SeaORM treats a field of this type as a relation, even without an attribute:
/// `HasMany<super::posts::Entity>`, `BelongsTo<Option<super::users::Entity>>`.
fn is_relation(ty: &Type) -> bool {
    ["BelongsTo", "HasMany", "HasOne"].iter().any(|relation| {
        argument_of(ty, relation)
            .is_some_and(|entity| last_word(argument_of(entity, "Option").unwrap_or(entity)) == "Entity")
    })
}

/// The ORM attributes of a field, or of a struct for all its fields.
#[derive(Default)]
struct OrmAttributes {
    name: Option<String>,
    rename_all: Option<String>,
    /// The field is not a column.
    is_none: bool,
    /// The field stands for the columns of another struct.
    is_several: bool,
    /// The field is converted from another type.
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

/// The value `"x"` or, as in Diesel, the identifier `x`.
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
    use table_registry_engine::{Declarations, Inputs, declarations_in_text};

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
        match ColumnReader::default().read_struct(&declaration) {
            Ok(StructColumns { columns, is_complete }) => listed(&columns, is_complete),
            Err(fault) => [vec![fault.message], fault.notes].concat().join("; "),
        }
    }

    fn listed(columns: &[Column], is_complete: bool) -> String {
        let names = columns.iter().map(|column| {
            assert!(column.source.text.is_char_boundary(column.place.start));
            format!("{}{}", column.name, if column.is_float { "~" } else { "" })
        });
        let more = (!is_complete).then(|| "…".to_string());
        names.chain(more).collect::<Vec<_>>().join(" ")
    }

    fn declaration(source: &Arc<Source>) -> Declaration {
        Declaration {
            name: table_registry_engine::TableName {
                schema: None,
                table: "s".to_string(),
            },
            kind: table_registry_core::TableKind::Truth,
            ident: String::new(),
            left_out: table_registry_engine::LeftOut::Never,
            is_in_body: false,
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
            tenant: None,
            shared_rows: None,
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
            (
                "struct S<F: Fn() -> A<{ N }> = B<{ 1 }>>(F) where [(); { N }]:; struct B { b: u8 }",
                "…",
            ),
            ("struct S {", "the fields of `S` cannot be read"),
            ("struct S { a b }", "the fields of `S` cannot be read"),
            (
                "struct S<T { a: T } struct B { b: u8 }",
                "the fields of `S` cannot be read",
            ),
        ] {
            assert_eq!(found(text), columns, "{text}");
        }
    }

    #[test]
    fn a_table_has_the_columns_of_all_its_structs() {
        let read = |fields: &str| {
            let text = format!(
                "use table_registry::table; #[cfg(a)] #[table] struct S {{ a: u8, b: f64 }} \
                 #[cfg(not(a))] #[table] struct S {fields}"
            );
            let inputs = Inputs {
                declarations: Declarations {
                    list: declarations_in_text(Arc::new(Source::new("a.rs", text))),
                    complete: true,
                    ..Declarations::default()
                },
                ..Inputs::default()
            };
            ColumnReader::default().read(&inputs.check().registry.tables()[0])
        };
        let merged = read("{ b: u8, c: u8 }");
        assert_eq!(listed(&merged.columns, merged.is_complete), "a b~ c");
        let flattened = read("{ #[sqlx(flatten)] b: B }");
        assert_eq!(listed(&flattened.columns, flattened.is_complete), "a b~ …");
        assert!(flattened.unreadable.is_empty());
        let unreadable = read("{ b u8 }");
        assert_eq!(listed(&unreadable.columns, unreadable.is_complete), "a b~ …");
        assert_eq!(unreadable.unreadable.len(), 1);
    }

    #[test]
    fn a_struct_with_types_nested_too_deeply_is_unreadable() {
        let too_deep = "the fields of `S` cannot be read; its types may be nested at most 32 levels deep";
        for (open, close) in [("Vec<", ">"), ("&", ""), ("[", "]"), ("(", ")"), ("fn() -> ", "")] {
            let (before, behind) = (open.repeat(10_000), close.repeat(10_000));
            assert_eq!(
                found(&format!("struct S {{ a: {before}u8{behind} }}")),
                too_deep,
                "{open}"
            );
            let other = format!("struct A {{ a: {before}u8{behind} }} struct S {{ b: u8 }}");
            assert_eq!(found(&other), "b", "{open}");
        }
        let (before, behind) = ("mod m { ".repeat(10_000), "}".repeat(10_000));
        assert_eq!(found(&format!("{before} struct S {{ b: u8 }} {behind}")), "b");
        let attribute = format!("#[x{}{}]", "(".repeat(10_000), ")".repeat(10_000));
        assert_eq!(found(&format!("{attribute} struct S {{ b: u8 }}")), too_deep);
        assert_eq!(found(&format!("struct S {{ {attribute} b: u8 }}")), too_deep);
    }

    #[test]
    fn types_without_path_reference_and_option() {
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
            (
                "struct S { a: HasMany<super::a::Entity>, b: BelongsTo<Option<b::Entity>>, c: HasOne<Entity>, d: u8 }",
                "d",
            ),
            (
                "struct S { #[sea_orm(belongs_to, from = \"b_id\", to = \"id\")] b: BelongsTo<b::Entity>, b_id: u8 }",
                "b_id",
            ),
            ("struct S { a: HasMany<u8> }", "a"),
            ("struct S { #[sqlx(flatten)] a: A, c: u8 }", "c …"),
            ("struct S { #[diesel(embed)] a: A }", "…"),
        ] {
            assert_eq!(found(text), columns, "{text}");
        }
    }
}
