//! The columns of a table: the fields of its structs, under the names that an ORM gives them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use heck::{
    ToKebabCase, ToLowerCamelCase, ToShoutyKebabCase, ToShoutySnakeCase, ToSnakeCase, ToTitleCase,
    ToUpperCamelCase,
};
use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Data, Fields, Ident, Type};
use table_registry_engine::{
    Declaration, Diagnostic, Fault, MAX_NESTING, RegisteredTable, Source, start_of_code,
};

use crate::orm::{Holds, Orm, OrmAttributes, Use};
use crate::rust_types::{RustType, RustTypes, argument_of, last_word};
use crate::source_items::{Scope, Unreadable};
use crate::sql_types::SqlType;

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
    /// Whether its struct is only written, so that the field need not hold what the column does.
    pub is_only_written: bool,
    pub source: Arc<Source>,
    /// The range of the field's name in the file.
    pub place: Range<usize>,
}

impl Column {
    /// The type that a statement gives the column, if the field tells: `timestamptz`, `text[]`.
    pub fn sql_type(&self) -> Option<String> {
        self.rust_type.sql.as_ref().and_then(SqlType::spelled)
    }
}

/// The columns of a table: those of all its structs, since twins under `cfg` describe one table.
#[derive(Debug)]
pub struct TableColumns {
    pub columns: Vec<Column>,
    /// Whether these are all columns of the table. Columns may be missing because a field stands for the columns of
    /// another struct, because the fields of a tuple struct have no names, because a struct is only for part of a row,
    /// or because it is unreadable.
    pub is_complete: bool,
    /// A fault for each struct that cannot be read.
    pub unreadable: Vec<Diagnostic>,
    /// The names in the expressions that are selected for fields, which may be columns of the table.
    selected: BTreeSet<String>,
}

/// The columns of each table, by its name. The files of the crate may define types of fields.
pub fn of_tables(tables: &[RegisteredTable], sources: &[Arc<Source>]) -> BTreeMap<String, TableColumns> {
    let reader = ColumnReader::new(tables, sources);
    let by_name = tables
        .iter()
        .map(|table| (table.name.clone(), reader.read(table)));
    by_name.collect()
}

impl TableColumns {
    pub fn has(&self, name: &str) -> bool {
        self.selected.contains(name) || self.has_field(name)
    }

    fn has_field(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    fn add(&mut self, other: StructColumns) {
        self.is_complete &= other.is_complete;
        self.selected.extend(other.selected);
        for column in other.columns {
            if !self.has_field(&column.name) {
                self.columns.push(column);
            }
        }
    }
}

/// The columns that one struct declares.
struct StructColumns {
    columns: Vec<Column>,
    is_complete: bool,
    selected: Vec<String>,
}

/// Reads the columns of tables.
pub struct ColumnReader {
    types: RustTypes,
}

impl ColumnReader {
    pub fn new(tables: &[RegisteredTable], sources: &[Arc<Source>]) -> Self {
        let declarations = tables.iter().flat_map(|table| &table.declarations);
        let declared = declarations.map(|declaration| &declaration.source);
        Self {
            types: RustTypes::new(sources.iter().chain(declared)),
        }
    }

    pub fn read(&self, table: &RegisteredTable) -> TableColumns {
        let mut read = TableColumns {
            columns: Vec::new(),
            // Nothing is known of the columns of a table without a struct.
            is_complete: !table.declarations.is_empty(),
            unreadable: Vec::new(),
            selected: BTreeSet::new(),
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

    fn read_struct(&self, declaration: &Declaration) -> Result<StructColumns, Diagnostic> {
        let source = &declaration.source;
        let found = self.types.items().struct_at(&source.path, &declaration.place);
        let (item, scope) = found.map_err(|reason| match reason {
            Unreadable::Invalid => invalid(declaration),
            Unreadable::TooDeep => too_deep(declaration),
        })?;
        let Data::Struct(data) = item.data else {
            return Err(invalid(declaration));
        };
        let of_struct = StructReader {
            types: &self.types,
            source,
            scope,
            attributes: OrmAttributes::read(item.attrs),
        };
        Ok(of_struct.read(data.fields))
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

/// Reads the fields of one struct.
struct StructReader<'r> {
    types: &'r RustTypes,
    source: &'r Arc<Source>,
    scope: Scope,
    attributes: OrmAttributes,
}

impl StructReader<'_> {
    fn read(&self, fields: Fields) -> StructColumns {
        let has_names = matches!(fields, Fields::Named(_));
        let mut read = StructColumns {
            columns: Vec::new(),
            is_complete: has_names && self.attributes.purpose() == Use::Rows,
            selected: Vec::new(),
        };
        for field in fields {
            let Some(ident) = field.ident else { continue };
            let attributes = OrmAttributes::read(field.attrs);
            read.is_complete &= attributes.holds != Holds::Several;
            read.selected.extend(attributes.selected.iter().cloned());
            if attributes.holds == Holds::Column && !is_never_column(&field.ty) {
                read.columns.push(self.column(&ident, &field.ty, attributes));
            }
        }
        // Such a struct is only there to carry the attribute.
        read.is_complete &= !read.columns.is_empty();
        read
    }

    fn column(&self, ident: &Ident, ty: &Type, attributes: OrmAttributes) -> Column {
        let is_only_written = self.attributes.purpose() == Use::Written;
        let orm = self.attributes.orm();
        let rust_type = self
            .types
            .of_field(ty, &attributes, &self.scope, orm, is_only_written);
        let start = start_of_code(&self.source.text);
        let range = ident.span().byte_range();
        let is_float_column = rust_type.sql.as_ref().is_some_and(SqlType::is_float);
        Column {
            name: attributes
                .name
                .unwrap_or_else(|| self.name(&ident.unraw().to_string(), orm)),
            is_float: is_float_column || mentions_float(ty.to_token_stream()),
            rust_type,
            is_converted: attributes.is_converted,
            is_only_written,
            source: Arc::clone(self.source),
            place: range.start + start..range.end + start,
        }
    }

    /// The name of a column whose field has no attribute for it.
    fn name(&self, field: &str, orm: Orm) -> String {
        // `diesel print-schema` adds an underscore to the name of a column that is a key word of Rust.
        if orm == Orm::Diesel
            && let Some(key_word) = field.strip_suffix('_')
            && syn::parse_str::<Ident>(key_word).is_err()
        {
            return key_word.to_string();
        }
        renamed(field, self.attributes.rename_all.as_deref())
    }
}

/// Whether no ORM takes a field of this type for a column: a marker, or what SeaORM treats as a relation even without
/// an attribute: `HasMany<super::posts::Entity>`, `BelongsTo<Option<super::users::Entity>>`.
fn is_never_column(ty: &Type) -> bool {
    let is_relation = |relation: &&str| {
        argument_of(ty, relation)
            .is_some_and(|entity| last_word(argument_of(entity, "Option").unwrap_or(entity)) == "Entity")
    };
    last_word(ty) == "PhantomData" || ["BelongsTo", "HasMany", "HasOne"].iter().any(is_relation)
}

/// The rules of `#[sqlx(rename_all = "…")]` and `#[sea_orm(rename_all = "…")]`.
fn renamed(field: &str, rule: Option<&str>) -> String {
    match rule {
        Some("lowercase") => field.to_lowercase(),
        Some("UPPERCASE") => field.to_uppercase(),
        Some("snake_case") => field.to_snake_case(),
        Some("SCREAMING_SNAKE_CASE") => field.to_shouty_snake_case(),
        Some("kebab-case") => field.to_kebab_case(),
        Some("SCREAMING-KEBAB-CASE") => field.to_shouty_kebab_case(),
        Some("camelCase" | "mixed_case") => field.to_lower_camel_case(),
        Some("PascalCase") => field.to_upper_camel_case(),
        Some("title_case") => field.to_title_case(),
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
        let reader = ColumnReader::new(&[], &[source]);
        match reader.read_struct(&declaration) {
            Ok(read) => listed(&read.columns, read.is_complete),
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
            ("struct S {}", "…"),
            ("struct S();", "…"),
            (
                "struct S { a: PhantomData<T>, b: std::marker::PhantomData<fn() -> T> }",
                "…",
            ),
            ("struct S { #[sqlx(skip)] a: u8, #[sea_orm(ignore)] b: u8 }", "…"),
            ("struct S { a: u8, b: PhantomData<T> }", "a"),
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

    /// The columns of the only table of a file.
    fn columns_in(text: &str) -> TableColumns {
        let inputs = Inputs {
            declarations: Declarations {
                list: declarations_in_text(Arc::new(Source::new("a.rs", text.to_string()))),
                complete: true,
                ..Declarations::default()
            },
            ..Inputs::default()
        };
        let registry = inputs.check().registry;
        ColumnReader::new(registry.tables(), &[]).read(&registry.tables()[0])
    }

    #[test]
    fn a_table_has_the_columns_of_all_its_structs() {
        let read = |fields: &str| {
            let text = format!(
                "use table_registry::table; #[cfg(a)] #[table] struct S {{ a: u8, b: f64 }} \
                 #[cfg(not(a))] #[table] struct S {fields}"
            );
            columns_in(&text)
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
            (
                "struct S { #[diesel(select_expression = avatars::url.nullable())] a: Option<String>, b: u8 }",
                "b",
            ),
            ("struct S { #[diesel(column_name = r#type)] a: u8 }", "type"),
            ("#[derive(Queryable)] struct S { type_: u8, a_: u8 }", "type a_"),
            ("struct S { type_: u8 }", "type_"),
            (
                "#[sea_orm(rename_all = \"SCREAMING-KEBAB-CASE\")] struct S { a_b: u8 }",
                "A-B",
            ),
            (
                "#[sqlx(rename_all = \"camelCase\")] struct S { r#type: u8, r#as_of: u8 }",
                "type asOf",
            ),
            (
                "struct S { #[serde(skip)] a: u8, #[serde(flatten)] b: u8, #[serde(rename = \"x\")] c: u8 }",
                "a b c",
            ),
        ] {
            assert_eq!(found(text), columns, "{text}");
        }
    }

    #[test]
    fn a_struct_for_part_of_a_row() {
        for (derives, columns) in [
            ("Insertable", "a …"),
            ("diesel::Insertable, Identifiable", "a …"),
            ("AsChangeset", "a …"),
            ("Insertable, AsChangeset", "a …"),
            ("DeriveIntoActiveModel", "a …"),
            ("DerivePartialModel", "a …"),
            ("FromQueryResult", "a …"),
            ("DerivePartialModel, FromQueryResult", "a …"),
            ("Insertable, Queryable", "a"),
            ("AsChangeset, HasQuery", "a"),
            ("Identifiable", "a"),
            ("FromRow", "a"),
            ("DeriveEntityModel, FromQueryResult", "a"),
        ] {
            let text = format!("#[derive(Debug)] #[cfg_attr(x, derive({derives}))] struct S {{ a: u8 }}");
            assert_eq!(found(&text), columns, "{derives}");
        }
        assert_eq!(
            found(
                "#[derive(DerivePartialModel)] struct S { #[sea_orm(from_col = \"b\")] a: u8, #[sea_orm(from_expr = \"x\")] c: u8, #[sea_orm(nested)] d: D }"
            ),
            "b …"
        );
    }

    #[test]
    fn a_column_in_a_selected_expression_has_a_field() {
        let text = "use table_registry::table; #[table] struct S { a: u8, \
            #[diesel(select_expression = s::b.nullable())] c: Option<u8> }";
        let read = columns_in(text);
        assert!(read.is_complete && read.has("b") && !read.has("c"));
    }
}
