//! The types of the columns that a new table gets without being asked.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use table_registry_engine::TenantColumn;

use crate::columns::{self, Column, TableColumns};
use crate::failure::Failure;
use crate::imports::{Import, imports};
use crate::project::Project;
use crate::rust_types::full_path;
use crate::scaffold::arguments::is_of_language;

/// The types of columns, so that the new file compiles: those that the other tables give to columns of the same name, or
/// else those that the package has for the column's type in PostgreSQL.
pub struct ColumnTypes<'p> {
    tables: BTreeMap<String, TableColumns>,
    tenant: Option<&'p TenantColumn>,
    dependencies: &'p BTreeSet<String>,
    is_no_std: bool,
}

impl<'p> ColumnTypes<'p> {
    pub fn new(project: &'p Project) -> Self {
        Self {
            tables: columns::of_tables(project.registry.tables(), &project.sources),
            tenant: project.policy.tenancy.column(),
            dependencies: &project.package.dependencies,
            is_no_std: project.root.text.contains("#![no_std]"),
        }
    }

    /// The type of a column. Fails if its type in PostgreSQL is known, but no type of Rust for it.
    pub fn of_column(&self, name: &str) -> Result<String, Failure> {
        let all = self.tables.values().flat_map(|table| &table.columns);
        if let Some(found) = self.as_elsewhere(name, all.filter(|column| column.name == name)) {
            return found;
        }
        let tenant = self.tenant.filter(|tenant| tenant.name.value == name);
        match tenant.and_then(|tenant| tenant.sql_type.as_deref()) {
            Some(sql) => self.of_sql(sql).map(ToString::to_string).ok_or_else(|| {
                unknown(name).note(format!(
                    "`[tenancy]` says `type = {sql:?}`, and no type of Rust is known for it here"
                ))
            }),
            None => Ok(self.usual(name).to_string()),
        }
    }

    /// The type of a column that refers to a column of a parent.
    pub fn of_reference(&self, name: &str, parent: &str, key: &str) -> Result<String, Failure> {
        let of_parent = self
            .tables
            .get(parent)
            .into_iter()
            .flat_map(|table| &table.columns);
        self.as_elsewhere(name, of_parent.filter(|column| column.name == key))
            .unwrap_or_else(|| self.of_column(name))
    }

    /// The type that most of these columns have. `None` if there are none.
    fn as_elsewhere<'c>(
        &self,
        name: &str,
        columns: impl Iterator<Item = &'c Column>,
    ) -> Option<Result<String, Failure>> {
        let mut by_type: BTreeMap<&str, Vec<&Column>> = BTreeMap::new();
        for column in columns.filter(|column| !column.rust_type.is_option && !column.is_converted) {
            by_type.entry(&column.rust_type.text).or_default().push(column);
        }
        let total: usize = by_type.values().map(Vec::len).sum();
        // The first of the most frequent ones.
        let (ty, columns) = by_type
            .into_iter()
            .rev()
            .max_by_key(|(_, columns)| columns.len())?;
        // The type of one table's own key is not that of another's.
        let is_of_one =
            name == KEY && columns[0].rust_type.is_defined_here && columns.len() * 2 <= total.max(2);
        let mut usable = columns.iter().filter(|_| !is_of_one);
        let written = usable.find_map(|column| self.with_paths(column));
        let of_sql = || self.of_sql(&columns[0].sql_type()?).map(ToString::to_string);
        Some(written.or_else(of_sql).ok_or_else(|| {
            unknown(name).note(format!(
                "it is `{ty}` in `{}`, which may mean something else in a new file",
                columns[0].source.path
            ))
        }))
    }

    /// The type for a type in PostgreSQL, if the package has one.
    fn of_sql(&self, sql: &str) -> Option<&'static str> {
        match sql.to_ascii_lowercase().as_str() {
            "smallint" | "int2" => Some("i16"),
            "integer" | "int" | "int4" => Some("i32"),
            "bigint" | "int8" => Some("i64"),
            "text" | "citext" | "varchar" | "character varying" => Some("String"),
            "uuid" => self.of_crates(UUID),
            "timestamptz" | "timestamp with time zone" => self.of_crates(TIME),
            _ => None,
        }
    }

    /// The type of a column with the full path of each name, so that it means the same in another file. `None` if a name
    /// is not one that an import or the language gives.
    fn with_paths(&self, column: &Column) -> Option<String> {
        let ty = column.rust_type.text.parse().ok()?;
        let imports = imports(column.source.text.parse().ok()?);
        self.written(ty, &imports)
    }

    fn written(&self, tokens: TokenStream, imports: &[Import]) -> Option<String> {
        let mut text = String::new();
        let mut trees = tokens.into_iter().peekable();
        while let Some(tree) = trees.next() {
            match tree {
                TokenTree::Ident(ident) if text.ends_with("::") => text += &ident.to_string(),
                TokenTree::Ident(ident) => {
                    let is_path =
                        matches!(trees.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
                    text += &self.first_name(&ident.to_string(), is_path, imports)?;
                }
                TokenTree::Group(group) => {
                    let (open, close) = match group.delimiter() {
                        Delimiter::Parenthesis => ("(", ")"),
                        Delimiter::Bracket => ("[", "]"),
                        Delimiter::Brace | Delimiter::None => return None,
                    };
                    text += open;
                    text += &self.written(group.stream(), imports)?;
                    text += close;
                }
                other => {
                    let is_separator =
                        matches!(&other, TokenTree::Punct(punct) if matches!(punct.as_char(), ',' | ';'));
                    text += &other.to_string();
                    text += if is_separator { " " } else { "" };
                }
            }
        }
        Some(text)
    }

    /// The full path of a name with which a path starts.
    fn first_name(&self, name: &str, is_path: bool, imports: &[Import]) -> Option<String> {
        let path = full_path(vec![name.to_string()], imports);
        let first = path.first()?;
        let is_crate = ["crate", "std", "core", "alloc"].contains(&first.as_str())
            || self
                .dependencies
                .iter()
                .any(|package| package.replace('-', "_") == *first);
        let is_imported = path.len() > 1 && first != "self" && first != "super";
        let is_plain = !is_path && is_of_language(name);
        (is_imported || is_plain || (is_path && is_crate)).then(|| path.join("::"))
    }

    fn of_crates(&self, choices: &[(&str, &'static str)]) -> Option<&'static str> {
        let mut choices = choices.iter();
        let used = choices.find(|(package, _)| self.dependencies.contains(*package));
        used.map(|&(_, ty)| ty)
    }

    /// The type of a column of which nothing is known but its name.
    fn usual(&self, name: &str) -> &'static str {
        if name.ends_with("_at") {
            let of_std = if self.is_no_std {
                "i64"
            } else {
                "std::time::SystemTime"
            };
            self.of_crates(TIME).unwrap_or(of_std)
        } else if name == KEY || name.ends_with("_id") {
            self.of_crates(UUID).unwrap_or("i64")
        } else {
            "String"
        }
    }
}

/// The usual name of a primary key.
const KEY: &str = "id";

const UUID: &[(&str, &str)] = &[("uuid", "uuid::Uuid")];

const TIME: &[(&str, &str)] = &[
    ("chrono", "chrono::DateTime<chrono::Utc>"),
    ("time", "time::OffsetDateTime"),
    ("jiff", "jiff::Timestamp"),
];

fn unknown(name: &str) -> Failure {
    Failure::new(format!("the type of the column `{name}` is not clear"))
        .help(format!("say which it is: `--column {name}:TYPE`"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing::project_of;

    const TENANCY: &str = "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n";

    /// The type of a column in a crate with a schema, settings and dependencies.
    fn found(column: &str, schema: &str, settings: &str, uses: &[&str]) -> Result<String, String> {
        let mut project = project_of(schema, &format!("{TENANCY}{settings}"));
        project.package.dependencies = uses.iter().map(ToString::to_string).collect();
        let types = ColumnTypes::new(&project);
        types.of_column(column).map_err(|failure| failure.render())
    }

    #[test]
    fn the_type_that_most_tables_have() {
        let schema = "#[table] pub struct As { pub org_id: i32, pub id: i64 }\n\
                      #[table] pub struct Bs { pub org_id: i32, pub id: i64 }\n\
                      #[table] pub struct Cs { pub org_id: i64, pub id: Option<i32> }\n";
        for (column, ty) in [
            ("org_id", "i32"),
            ("id", "i64"),
            ("created_at", "std::time::SystemTime"),
        ] {
            assert_eq!(found(column, schema, "", &[]), Ok(ty.to_string()));
        }
    }

    #[test]
    fn names_of_another_file_are_written_in_full() {
        for (imports, ty, expected) in [
            ("use uuid::Uuid;", "Uuid", "uuid::Uuid"),
            ("use crate::ids::OrgId as Org;", "Org", "crate::ids::OrgId"),
            ("use crate::ids;", "ids::OrgId", "crate::ids::OrgId"),
            (
                "use chrono::{DateTime, Utc};",
                "DateTime<Utc>",
                "chrono::DateTime<chrono::Utc>",
            ),
            ("", "[u8; 16]", "[u8; 16]"),
            ("", "crate::ids::Key<i64, String>", "crate::ids::Key<i64, String>"),
        ] {
            let schema = format!("{imports}\n#[table] pub struct As {{ pub org_id: {ty} }}");
            assert_eq!(
                found("org_id", &schema, "", &[]),
                Ok(expected.to_string()),
                "{ty}"
            );
        }
    }

    #[test]
    fn a_name_without_a_path_has_the_type_in_postgresql() {
        let prelude = "use sea_orm::entity::prelude::*;\n#[table] pub struct As { pub org_id: Uuid, pub made_at: DateTimeWithTimeZone }";
        assert_eq!(
            found("org_id", prelude, "", &["uuid"]),
            Ok("uuid::Uuid".to_string())
        );
        assert_eq!(
            found("made_at", prelude, "", &["chrono"]),
            Ok("chrono::DateTime<chrono::Utc>".to_string())
        );
        let newtype = "use super::ids::OrgId;\n#[table] pub struct As { pub org_id: OrgId }";
        let unclear = found("org_id", newtype, "", &[]).unwrap_err();
        assert!(unclear.contains("`OrgId` in `src/schema/mod.rs`"), "{unclear}");
    }

    #[test]
    fn the_type_in_the_policy_file() {
        for (ty, uses, expected) in [
            ("bigint", &["uuid"][..], Some("i64")),
            ("INT4", &[], Some("i32")),
            ("text", &[], Some("String")),
            ("uuid", &["uuid"], Some("uuid::Uuid")),
            ("uuid", &[], None),
            ("public.org_key", &[], None),
        ] {
            let found = found("org_id", "", &format!("type = \"{ty}\"\n"), uses);
            assert_eq!(found.ok().as_deref(), expected, "{ty}");
        }
    }

    #[test]
    fn the_key_of_one_table_is_not_that_of_another() {
        let ids = "use crate::ids::{OrderId, ProjectId};\npub struct OrderId(pub i64);\npub struct ProjectId(pub i64);\n";
        let schema = "#[table] pub struct Orders { pub id: OrderId }\n#[table] pub struct Projects { pub id: ProjectId }";
        assert_eq!(
            found("id", &format!("{ids}{schema}"), "", &[]),
            Ok("i64".to_string())
        );
        let shared = schema.replace("ProjectId", "OrderId");
        assert_eq!(
            found("id", &format!("{ids}{shared}"), "", &[]),
            Ok("crate::ids::OrderId".to_string())
        );
    }

    #[test]
    fn a_path_that_starts_in_its_own_file() {
        let schema = "mod ids;\n#[table] pub struct As { pub org_id: ids::OrgId }";
        assert!(found("org_id", schema, "", &[]).is_err());
    }

    #[test]
    fn a_reference_has_the_type_of_the_key() {
        let project = project_of(
            "#[table] pub struct Projects { pub id: i32, pub org_id: i64 }",
            TENANCY,
        );
        let types = ColumnTypes::new(&project);
        assert_eq!(types.of_reference("project_id", "projects", "id").unwrap(), "i32");
        assert_eq!(types.of_reference("folder_id", "folders", "id").unwrap(), "i64");
    }

    #[test]
    fn usual_types() {
        assert_eq!(
            found("id", "", "", &["uuid", "time"]),
            Ok("uuid::Uuid".to_string())
        );
        assert_eq!(
            found("created_at", "", "", &["uuid", "time"]),
            Ok("time::OffsetDateTime".to_string())
        );
        assert_eq!(found("id", "", "", &[]), Ok("i64".to_string()));
        assert_eq!(found("state", "", "", &[]), Ok("String".to_string()));
    }
}
