//! What the type of a field says about the type of its column: through imports, aliases, and the newtypes and enums of
//! the crate.

use std::sync::Arc;

use heck::ToSnakeCase;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{
    Data, DeriveInput, Fields, GenericArgument, Generics, Ident, ItemImpl, ItemType, PathArguments, Type,
    TypePath,
};
use table_registry_engine::Source;

use crate::imports::Import;
use crate::orm::{Orm, OrmAttributes};
use crate::source_items::{Definition, Scope, SourceItems, is_too_deep};
use crate::sql_types::{self, LibraryType, SqlType};

/// The parts of a field's type that a column can be compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RustType {
    /// The type as it is written.
    pub text: String,
    /// Whether the type is an `Option`, perhaps through an alias.
    pub is_option: bool,
    /// The type of the column, if the field tells.
    pub sql: Option<SqlType>,
    /// Whether the type is defined in the crate, so that its name does not show what it holds.
    pub is_defined_here: bool,
}

/// Aliases and newtypes of each other: this limit stops a type that contains itself.
const MAX_STEPS: usize = 16;

/// Finds out what types hold.
pub struct RustTypes {
    items: SourceItems,
}

/// What a type holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Held {
    sql: Option<SqlType>,
    is_option: bool,
    is_defined_here: bool,
    /// Whether it is stored as JSON because of a derive of SeaORM, which stores a `Vec` of it so, too.
    is_json_of_sea_orm: bool,
}

/// From where a type is looked at.
#[derive(Clone, Copy)]
struct View<'v> {
    scope: &'v Scope,
    orm: Orm,
    steps: usize,
}

impl RustTypes {
    pub fn new<'s>(sources: impl IntoIterator<Item = &'s Arc<Source>>) -> Self {
        Self {
            items: SourceItems::new(sources),
        }
    }

    pub fn items(&self) -> &SourceItems {
        &self.items
    }

    /// The type of a field.
    pub fn of_field(
        &self,
        ty: &Type,
        attributes: &OrmAttributes,
        scope: &Scope,
        orm: Orm,
        is_written: bool,
    ) -> RustType {
        let view = View { scope, orm, steps: 0 };
        let of_type = self.held(ty, view);
        let converted = if is_written {
            &attributes.written_as
        } else {
            &attributes.read_as
        };
        let by_attribute = if attributes.is_json {
            Some(SqlType::json())
        } else if !attributes.diesel_types.is_empty() {
            self.of_diesel(&attributes.diesel_types, view)
        } else if let Some(converted) = converted {
            self.held(converted, view).sql
        } else if attributes.is_converted {
            None
        } else {
            of_type.sql.or_else(|| attributes.column_type.clone())
        };
        RustType {
            text: without_spaces(&ty.to_token_stream().to_string()),
            is_option: of_type.is_option,
            sql: by_attribute,
            is_defined_here: of_type.is_defined_here,
        }
    }

    fn held(&self, ty: &Type, view: View<'_>) -> Held {
        if view.steps > MAX_STEPS {
            return Held::default();
        }
        match ty {
            Type::Reference(reference) => self.held(&reference.elem, view),
            Type::Paren(inner) => self.held(&inner.elem, view),
            Type::Group(inner) => self.held(&inner.elem, view),
            Type::Array(array) if is_u8(&array.elem) => SqlType::byte_array().into(),
            Type::Array(array) => self.array(&array.elem, view),
            Type::Slice(slice) => self.sequence(&slice.elem, view),
            Type::Path(path) if path.qself.is_none() => self.named(path, view),
            _ => Held::default(),
        }
    }

    fn sequence(&self, element: &Type, view: View<'_>) -> Held {
        if is_u8(element) {
            SqlType::bytes().into()
        } else {
            self.array(element, view)
        }
    }

    fn array(&self, element: &Type, view: View<'_>) -> Held {
        let element = self.held(element, view);
        let sql = if element.is_json_of_sea_orm && view.orm == Orm::Sea {
            element.sql
        } else {
            element.sql.map(|sql| SqlType::Array(Box::new(sql)))
        };
        Held {
            sql: sql.filter(|sql| *sql != SqlType::Array(Box::new(SqlType::Unmapped))),
            is_defined_here: element.is_defined_here,
            ..Held::default()
        }
    }

    fn named(&self, path: &TypePath, view: View<'_>) -> Held {
        let Some(last) = path.path.segments.last() else {
            return Held::default();
        };
        let arguments = type_arguments(&last.arguments);
        let name = last.ident.unraw().to_string();
        match (name.as_str(), arguments.as_slice()) {
            ("Option", [inner]) => Held {
                is_option: true,
                ..self.held(inner, view)
            },
            ("Box" | "Arc" | "Rc" | "Cow", [inner]) => self.held(inner, view),
            ("Vec", [element]) => self.sequence(element, view),
            _ => {
                let segments = path.path.segments.iter();
                let written = segments.map(|one| one.ident.unraw().to_string()).collect();
                self.of_name(written, !arguments.is_empty(), view)
            }
        }
    }

    fn of_name(&self, written: Vec<String>, has_arguments: bool, view: View<'_>) -> Held {
        if let [name] = written.as_slice()
            && let Some(sql) = sql_types::primitive(name)
        {
            return sql.into();
        }
        let imports = self.items.imports(view.scope);
        let path = full_path(written, &imports);
        let Some((name, modules)) = path.split_last() else {
            return Held::default();
        };
        let root = modules.first().map(String::as_str);
        let module = modules
            .last()
            .map(String::as_str)
            .filter(|module| !is_relative(module));
        let is_of_crate = root.is_none_or(is_relative);
        let defined = self.items.types(name, module, view.scope);
        if !defined.is_empty() && root.is_none_or(|root| !sql_types::is_library(root)) {
            return self.of_definitions(&defined, view);
        }
        if root.is_some_and(|root| matches!(root, "std" | "core"))
            && let Some(sql) = sql_types::primitive(name)
        {
            return sql.into();
        }
        let has_prelude = imports.iter().any(|import| {
            import.name.is_none() && import.path.first().is_some_and(|first| first == "sea_orm")
        });
        let library = LibraryType {
            name,
            krate: root.filter(|_| !is_of_crate),
            has_arguments,
            in_sea_orm: has_prelude || view.orm == Orm::Sea,
            in_diesel: view.orm == Orm::Diesel,
        };
        library.sql_type().map(Held::from).unwrap_or_default()
    }

    /// What all definitions with one name hold, if it is the same.
    fn of_definitions(&self, definitions: &[&Definition], view: View<'_>) -> Held {
        let mut held = definitions.iter().map(|one| self.of_definition(one, view));
        let first = held.next().unwrap_or_default();
        let is_same = held.all(|other| other == first);
        let known = if is_same { first } else { Held::default() };
        Held {
            is_defined_here: true,
            ..known
        }
    }

    fn of_definition(&self, definition: &Definition, view: View<'_>) -> Held {
        let tokens = definition.tokens.clone();
        if is_too_deep(&tokens) {
            return Held::default();
        }
        let inner = View {
            scope: &definition.scope,
            steps: view.steps + 1,
            ..view
        };
        if let Ok(alias) = syn::parse2::<ItemType>(tokens.clone()) {
            let has_parameters = alias.generics.type_params().next().is_some();
            return if has_parameters {
                Held::default()
            } else {
                self.held(&alias.ty, inner)
            };
        }
        match syn::parse2::<DeriveInput>(tokens) {
            Ok(item) => self.of_item(item, inner),
            Err(_) => Held::default(),
        }
    }

    fn of_item(&self, item: DeriveInput, view: View<'_>) -> Held {
        let DeriveInput {
            attrs,
            ident,
            generics,
            data,
            ..
        } = item;
        let name = ident.unraw().to_string();
        let attributes = OrmAttributes::read(attrs);
        if !attributes.diesel_types.is_empty() {
            return self.of_diesel(&attributes.diesel_types, view).into();
        }
        if let Some(path) = &attributes.existing_type {
            let bare = path.rsplit("::").next().unwrap_or(path).trim();
            return self.of_diesel_name(bare, view).into();
        }
        if let Some(name) = &attributes.type_name {
            return SqlType::named(name).into();
        }
        if attributes.derives("FromJsonQueryResult") {
            return Held {
                is_json_of_sea_orm: true,
                ..SqlType::json().into()
            };
        }
        if attributes.derives("DeriveActiveEnum") {
            return of_active_enum(&name, &attributes).into();
        }
        if attributes.derives("DbEnum") {
            return SqlType::named(&name.to_snake_case()).into();
        }
        if let Some(sql) = &attributes.column_type {
            return sql.clone().into();
        }
        let of_sqlx = attributes.derives("Type");
        match &data {
            Data::Enum(_) if of_sqlx => match &attributes.repr {
                Some(integer) => sql_types::primitive(integer).into(),
                None => SqlType::named(&name).into(),
            },
            Data::Struct(data) => match only_field(&generics, &data.fields, attributes.is_transparent) {
                Some(field) if attributes.is_transparent || of_sqlx || derives_newtype(&attributes) => {
                    self.held(field, view)
                }
                Some(field) => match self.by_hand(&name, view) {
                    Some(held) => held,
                    None => self.held(field, view),
                },
                None if of_sqlx => SqlType::named(&name).into(),
                None => self.by_hand(&name, view).unwrap_or_default(),
            },
            _ => self.by_hand(&name, view).unwrap_or_default(),
        }
    }

    /// What implementations of the traits of ORMs say about a type. `Held::default()` if they do not say what it holds.
    fn by_hand(&self, name: &str, view: View<'_>) -> Option<Held> {
        let mut found = None;
        for header in self.items.impls(name) {
            let Some((the_trait, argument)) = implemented(header, name) else {
                continue;
            };
            let held = match (the_trait.as_str(), argument) {
                ("FromSql" | "ToSql" | "Queryable" | "FromStaticSqlRow", Some(sql_type)) => {
                    Held::from(self.of_diesel(&[sql_type], view))
                }
                ("Type" | "Decode" | "Encode" | "TryGetable" | "FromSql" | "ToSql" | "ValueType", _) => {
                    Held::default()
                }
                _ => continue,
            };
            match &found {
                Some(other) if *other != held => return Some(Held::default()),
                _ => found = Some(held),
            }
        }
        found
    }

    /// The type of a column that has one of these types of Diesel.
    fn of_diesel(&self, types: &[Type], view: View<'_>) -> Option<SqlType> {
        let mut all = types.iter().map(|ty| self.of_diesel_type(ty, view));
        let first = all.next()??;
        all.try_fold(first, |known, next| match (known, next?) {
            (SqlType::OneOf(mut known), SqlType::OneOf(more)) => {
                known.extend(more);
                Some(SqlType::OneOf(known))
            }
            (known, more) => (known == more).then_some(known),
        })
    }

    fn of_diesel_type(&self, ty: &Type, view: View<'_>) -> Option<SqlType> {
        let Type::Path(path) = ty else { return None };
        let last = path.path.segments.last()?;
        let arguments = type_arguments(&last.arguments);
        match (last.ident.to_string().as_str(), arguments.as_slice()) {
            ("Nullable", [inner]) => self.of_diesel_type(inner, view),
            ("Array", [element]) => {
                let element = self.of_diesel_type(element, view)?;
                Some(SqlType::Array(Box::new(element)))
            }
            (name, []) => self.of_diesel_name(name, view),
            _ => None,
        }
    }

    /// A type of `diesel::sql_types`, or one that `schema.rs` defines: `#[diesel(postgres_type(name = "mood"))]`.
    fn of_diesel_name(&self, name: &str, view: View<'_>) -> Option<SqlType> {
        let defined = self.items.types(name, None, view.scope).into_iter();
        let names = defined.filter_map(|one| {
            let item = syn::parse2::<DeriveInput>(one.tokens.clone()).ok()?;
            OrmAttributes::read(item.attrs).type_name
        });
        match names.collect::<Vec<_>>().as_slice() {
            [] => sql_types::diesel(name),
            [only] => Some(SqlType::named(only)),
            _ => None,
        }
    }
}

impl From<SqlType> for Held {
    fn from(sql: SqlType) -> Self {
        Some(sql).into()
    }
}

impl From<Option<SqlType>> for Held {
    fn from(sql: Option<SqlType>) -> Self {
        Self {
            sql,
            ..Self::default()
        }
    }
}

/// The type of the only field of a newtype. The field may have a name if the struct is declared transparent.
fn only_field<'f>(generics: &Generics, fields: &'f Fields, may_have_name: bool) -> Option<&'f Type> {
    let fields = match fields {
        Fields::Unnamed(fields) => &fields.unnamed,
        Fields::Named(fields) if may_have_name => &fields.named,
        Fields::Named(_) | Fields::Unit => return None,
    };
    let types = fields.iter().map(|field| &field.ty);
    let mut types = types.filter(|ty| last_word(ty) != "PhantomData");
    let only = types.next()?;
    let mut parameters = generics.type_params();
    let is_generic = parameters.any(|parameter| mentions(only.to_token_stream(), &parameter.ident));
    (types.next().is_none() && !is_generic).then_some(only)
}

fn derives_newtype(attributes: &OrmAttributes) -> bool {
    attributes.derives("DeriveValueType") || attributes.derives("DieselNewType")
}

fn of_active_enum(name: &str, attributes: &OrmAttributes) -> Option<SqlType> {
    match attributes.db_type.as_deref()? {
        "Enum" => {
            let by_default = || heck::ToUpperCamelCase::to_upper_camel_case(name);
            let name = attributes.enum_name.clone().unwrap_or_else(by_default);
            Some(SqlType::Named(name))
        }
        other => sql_types::sea_orm(other),
    }
}

/// The trait that is implemented for a type of this name, and the first of the types that the trait is given.
fn implemented(header: &TokenStream, name: &str) -> Option<(String, Option<Type>)> {
    let mentions_name = header.clone().into_iter().any(|tree| tree.to_string() == name);
    if !mentions_name || is_too_deep(header) {
        return None;
    }
    let mut whole = header.clone();
    whole.extend("{}".parse::<TokenStream>().ok()?);
    let item = syn::parse2::<ItemImpl>(whole).ok()?;
    let path = item.trait_?.0;
    let segment = path.segments.into_iter().next_back()?;
    let argument = match segment.arguments {
        PathArguments::AngleBracketed(arguments) => arguments.args.into_iter().find_map(|one| match one {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        }),
        _ => None,
    };
    (last_word(&item.self_ty) == name).then(|| (segment.ident.to_string(), argument))
}

fn is_relative(word: &str) -> bool {
    matches!(word, "crate" | "self" | "super")
}

/// The path that a name stands for, as far as the imports of the file tell.
pub fn full_path(mut path: Vec<String>, imports: &[Import]) -> Vec<String> {
    for _ in 0..MAX_STEPS {
        let import = imports.iter().find(|import| {
            import.name.is_some() && import.name.as_deref() == path.first().map(String::as_str)
        });
        let Some(import) = import else { break };
        // `use chrono;` names the crate by itself.
        if import.path.first() == path.first() {
            if import.path.len() > 1 {
                path.splice(..1, import.path.iter().cloned());
            }
            break;
        }
        path.splice(..1, import.path.iter().cloned());
    }
    path
}

fn type_arguments(arguments: &PathArguments) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.collect()
}

fn is_u8(ty: &Type) -> bool {
    last_word(ty) == "u8"
}

/// The name of a type without its path; empty if it has none.
pub fn last_word(ty: &Type) -> String {
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

/// `T` of `Name<T>`.
pub fn argument_of<'t>(ty: &'t Type, name: &str) -> Option<&'t Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    let arguments = type_arguments(&segment.arguments);
    arguments.first().copied().filter(|_| segment.ident == name)
}

fn mentions(tokens: TokenStream, name: &Ident) -> bool {
    tokens.into_iter().any(|tree| match tree {
        proc_macro2::TokenTree::Ident(ident) => ident == *name,
        proc_macro2::TokenTree::Group(group) => mentions(group.stream(), name),
        _ => false,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    const UNKNOWN: &str = "?";

    /// The type of the column for the field `f` of the struct `S`, in a crate of one file or more.
    fn sql(files: &[&str]) -> String {
        let sources: Vec<Arc<Source>> = files
            .iter()
            .enumerate()
            .map(|(number, text)| Arc::new(Source::new(format!("src/f{number}.rs"), *text)))
            .collect();
        let types = RustTypes::new(&sources);
        let start = files[0].find("struct S ").expect("the struct") + "struct ".len();
        let (item, scope) = types.items().struct_at("src/f0.rs", &(start..start + 1)).unwrap();
        let Data::Struct(data) = item.data else {
            panic!("no struct")
        };
        let orm = OrmAttributes::read(item.attrs).orm();
        let field = data.fields.into_iter().next().unwrap();
        let attributes = OrmAttributes::read(field.attrs);
        let found = types.of_field(&field.ty, &attributes, &scope, orm, false);
        let spelled = match &found.sql {
            Some(SqlType::Unmapped) => "!".to_string(),
            Some(sql) => sql.spelled().unwrap(),
            None => UNKNOWN.to_string(),
        };
        format!("{spelled}{}", if found.is_option { " null" } else { "" })
    }

    #[track_caller]
    fn types(cases: &[(&str, &str)]) {
        for (text, expected) in cases {
            assert_eq!(sql(&[text]), *expected, "{text}");
        }
    }

    #[track_caller]
    fn fields(cases: &[(&str, &str)]) {
        for (ty, expected) in cases {
            assert_eq!(sql(&[&format!("struct S {{ f: {ty} }}")]), *expected, "{ty}");
        }
    }

    #[test]
    fn types_of_rust_and_of_libraries() {
        fields(&[
            ("i64", "bigint"),
            ("std::primitive::i64", "bigint"),
            ("u64", "!"),
            ("u32", "oid"),
            ("usize", "!"),
            ("&'a str", "text"),
            ("Box<str>", "text"),
            ("std::sync::Arc<str>", "text"),
            ("Cow<'static, str>", "text"),
            ("Box<i64>", "bigint"),
            ("Option<i64>", "bigint null"),
            ("std::option::Option<Vec<u8>>", "bytea null"),
            ("Option<Option<i32>>", "integer null"),
            ("&'a [u8]", "bytea"),
            ("Box<[u8]>", "bytea"),
            ("[u8; 32]", "bytea"),
            ("Vec<String>", "text[]"),
            ("Vec<Option<String>>", "text[]"),
            ("&'a [i32]", "integer[]"),
            ("Vec<u64>", UNKNOWN),
            ("(i32, i32)", UNKNOWN),
            ("Uuid", "uuid"),
            ("uuid::Uuid", "uuid"),
            ("sqlx::types::Uuid", "uuid"),
            ("other::Uuid", UNKNOWN),
            ("chrono::DateTime<chrono::Utc>", "timestamptz"),
            ("DateTime<Utc>", "timestamptz"),
            ("chrono::NaiveDateTime", "timestamp"),
            ("DateTimeUtc", "timestamptz"),
            ("DateTimeWithTimeZone", "timestamptz"),
            ("TimeDateTime", "timestamp"),
            ("TimeDateTimeWithTimeZone", "timestamptz"),
            ("DateTime", UNKNOWN),
            ("sea_orm::prelude::DateTime", "timestamp"),
            ("time::Date", "date"),
            ("sqlx::types::time::OffsetDateTime", "timestamptz"),
            ("Date", UNKNOWN),
            ("jiff_sqlx::Timestamp", "timestamptz"),
            ("jiff::civil::DateTime", "timestamp"),
            ("serde_json::Value", "jsonb"),
            ("Value", UNKNOWN),
            ("sqlx::types::Json<Settings>", "jsonb"),
            ("Json<Vec<u8>>", "jsonb"),
            ("rust_decimal::Decimal", "numeric"),
            ("bigdecimal::BigDecimal", "numeric"),
            ("ipnetwork::IpNetwork", "inet"),
            ("bit_vec::BitVec", "bit"),
            ("PgInterval", "interval"),
            ("std::time::SystemTime", "timestamptz"),
        ]);
    }

    #[test]
    fn imports_say_which_library_is_meant() {
        types(&[
            (
                "use sea_orm::entity::prelude::*; struct S { f: DateTime }",
                "timestamp",
            ),
            ("use sea_orm::entity::prelude::*; struct S { f: Json }", "jsonb"),
            ("use sea_orm::entity::prelude::*; struct S { f: Date }", "date"),
            ("use sea_orm::entity::prelude::*; struct S { f: Time }", "time"),
            (
                "use sea_orm::entity::prelude::*; use chrono::{DateTime, Utc}; struct S { f: DateTime<Utc> }",
                "timestamptz",
            ),
            (
                "use sea_orm::{ActiveValue::Set, entity::prelude::*}; struct S { f: Option<DateTime> }",
                "timestamp null",
            ),
            ("use bson::DateTime; struct S { f: DateTime }", UNKNOWN),
            (
                "use bson::DateTime; #[sea_orm(x)] struct S { f: DateTime }",
                UNKNOWN,
            ),
            (
                "use chrono::NaiveDateTime as Stamp; struct S { f: Stamp }",
                "timestamp",
            ),
            ("use time::{self, Date}; struct S { f: Date }", "date"),
            (
                "use sqlx::types::chrono; struct S { f: chrono::DateTime<chrono::Utc> }",
                "timestamptz",
            ),
            ("use serde_json::Value; struct S { f: Value }", "jsonb"),
            (
                "mod m { use jiff_sqlx::DateTime; struct S { f: DateTime } }",
                "timestamp",
            ),
            (
                "#[sea_orm(table_name = \"s\")] struct S { f: DateTime }",
                "timestamp",
            ),
        ]);
    }

    #[test]
    fn diesel_reads_other_types_than_other_drivers() {
        types(&[
            (
                "#[derive(Queryable)] struct S { f: std::time::SystemTime }",
                "timestamp",
            ),
            (
                "#[diesel(table_name = s)] struct S { f: NaiveDateTime }",
                "timestamp",
            ),
        ]);
    }

    #[test]
    fn newtypes_and_aliases() {
        types(&[
            ("struct UserId(i64); struct S { f: UserId }", "bigint"),
            (
                "pub struct UserId(pub uuid::Uuid); struct S { f: Option<UserId> }",
                "uuid null",
            ),
            ("type Id = i64; struct S { f: Id }", "bigint"),
            ("type Name = Option<String>; struct S { f: Name }", "text null"),
            ("type Of<T> = T; struct S { f: Of<i64> }", UNKNOWN),
            (
                "type DateTime = chrono::DateTime<chrono::Utc>; struct S { f: DateTime }",
                "timestamptz",
            ),
            (
                "#[derive(sqlx::Type)] #[sqlx(transparent)] struct Id { id: i64 } struct S { f: Id }",
                "bigint",
            ),
            ("struct Id { id: i64 } struct S { f: Id }", UNKNOWN),
            (
                "#[derive(DeriveValueType)] struct Id(i32); struct S { f: Vec<Id> }",
                "integer[]",
            ),
            (
                "struct Id<T>(i64, PhantomData<T>); struct S { f: Id<User> }",
                "bigint",
            ),
            ("struct Id<T>(T); struct S { f: Id<User> }", UNKNOWN),
            (
                "#[diesel(sql_type = BigInt)] struct Id(Inner); struct S { f: Id }",
                "bigint",
            ),
            (
                "#[diesel(sql_type = diesel::sql_types::Array<Nullable<Text>>)] struct Tags(T); struct S { f: Tags }",
                "text[]",
            ),
            (
                "#[derive(FromJsonQueryResult)] struct Meta { a: u8 } struct S { f: Meta }",
                "jsonb",
            ),
            (
                "#[derive(FromJsonQueryResult)] struct Meta { a: u8 } #[sea_orm(x)] struct S { f: Vec<Meta> }",
                "jsonb",
            ),
            ("struct Id(Id); struct S { f: Id }", UNKNOWN),
            ("struct A(B); struct B(i16); struct S { f: A }", "smallint"),
            ("struct Uuid(String); struct S { f: Uuid }", "text"),
            ("struct Uuid(String); struct S { f: uuid::Uuid }", "uuid"),
        ]);
    }

    #[test]
    fn a_type_with_implementations_by_hand() {
        types(&[
            (
                "struct Id(i64); impl FromSql<Text, Pg> for Id {} struct S { f: Id }",
                "text",
            ),
            (
                "enum E {} impl<DB: Backend> diesel::deserialize::FromSql<SmallInt, DB> for E where A: B {} struct S { f: E }",
                "smallint",
            ),
            (
                "struct Id(i64); impl sqlx::Type<Postgres> for Id {} struct S { f: Id }",
                UNKNOWN,
            ),
            (
                "struct Id(i64); impl TryGetable for Id {} struct S { f: Id }",
                UNKNOWN,
            ),
            (
                "struct Id(i64); impl Display for Id {} struct S { f: Id }",
                "bigint",
            ),
            (
                "struct V(semver::Version); impl Queryable<Text, Pg> for V {} struct S { #[diesel(deserialize_as = V)] f: semver::Version }",
                "text",
            ),
        ]);
    }

    #[test]
    fn enums() {
        types(&[
            (
                "#[derive(sqlx::Type)] #[sqlx(type_name = \"mood\", rename_all = \"lowercase\")] enum Mood {} struct S { f: Mood }",
                "mood",
            ),
            (
                "#[derive(sqlx::Type)] enum Mood {} struct S { f: Vec<Mood> }",
                "mood[]",
            ),
            (
                "#[derive(Type)] #[repr(i16)] enum Mood { A = 1 } struct S { f: Mood }",
                "smallint",
            ),
            ("enum Mood {} struct S { f: Mood }", UNKNOWN),
            (
                "#[derive(DeriveActiveEnum)] #[sea_orm(rs_type = \"String\", db_type = \"Enum\", enum_name = \"tea\")] enum Tea {} struct S { f: Tea }",
                "tea",
            ),
            (
                "#[derive(DeriveActiveEnum)] #[sea_orm(rs_type = \"i32\", db_type = \"Integer\")] enum Tea {} struct S { f: Tea }",
                "integer",
            ),
            (
                "#[derive(DeriveActiveEnum)] #[sea_orm(rs_type = \"String\", db_type = \"String(StringLen::N(1))\")] enum Tea {} struct S { f: Tea }",
                "text",
            ),
            (
                "#[derive(diesel_derive_enum::DbEnum)] enum OrderKind {} struct S { f: OrderKind }",
                "order_kind",
            ),
            (
                "#[diesel(postgres_type(name = \"mood_kind\"))] pub struct MoodMapping; \
                 #[derive(DbEnum)] #[ExistingTypePath = \"crate::schema::MoodMapping\"] enum Mood {} struct S { f: Mood }",
                "mood_kind",
            ),
            (
                "#[diesel(sql_type = crate::schema::Mood)] enum E {} #[diesel(postgres_type(name = \"mood\"))] struct Mood; struct S { f: E }",
                "mood",
            ),
        ]);
    }

    #[test]
    fn attributes_of_the_field() {
        types(&[
            ("struct S { #[sqlx(json)] f: Settings }", "jsonb"),
            ("struct S { #[sqlx(try_from = \"i64\")] f: u64 }", "bigint"),
            ("struct S { #[sqlx(try_from = \"Foreign\")] f: i64 }", UNKNOWN),
            (
                "struct S { #[diesel(deserialize_as = String)] f: Secret }",
                "text",
            ),
            ("struct S { #[diesel(serialize_as = String)] f: i64 }", UNKNOWN),
            (
                "struct S { #[diesel(sql_type = Nullable<Timestamptz>)] f: Option<Stamp> }",
                "timestamptz null",
            ),
            (
                "struct S { #[sea_orm(column_type = \"JsonBinary\")] f: Foreign }",
                "jsonb",
            ),
            ("struct S { #[sea_orm(column_type = \"Text\")] f: i64 }", "bigint"),
            ("struct S { #[sea_orm(select_as = \"text\")] f: String }", UNKNOWN),
            ("struct S { #[serde(with = \"x\")] f: String }", "text"),
        ]);
    }

    #[test]
    fn types_of_other_files() {
        let schema = "use crate::ids::UserId; struct S { f: UserId }";
        assert_eq!(sql(&[schema, "pub struct UserId(pub i64);"]), "bigint");
        assert_eq!(
            sql(&[
                schema,
                "pub struct UserId(pub i64);",
                "pub struct UserId(pub String);"
            ]),
            UNKNOWN
        );
        assert_eq!(
            sql(&[
                "struct S { f: f1::Id }",
                "pub struct Id(i16);",
                "pub struct Id(i64);"
            ]),
            "smallint"
        );
        assert_eq!(sql(&[schema, "struct UserId(Nested"]), UNKNOWN);
    }
}
