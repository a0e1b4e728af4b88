//! The source file of a new table.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::str::FromStr;

use heck::ToUpperCamelCase;
use syn::Type;
use table_registry_core::TableKind;
use table_registry_engine::{Level, Lint, Policy, TableName, key_ident};

use crate::conventions::rows_are_updated;

/// `total_cents:i64`: a column that the user asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnArgument {
    pub name: String,
    ty: String,
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
        Ok(Self {
            name: name.to_string(),
            ty: ty.to_string(),
        })
    }
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

/// A new table whose file is to be written.
#[derive(Debug)]
pub struct NewTable<'a> {
    pub name: &'a str,
    pub kind: TableKind,
    pub append_only: bool,
    pub columns: &'a [ColumnArgument],
    /// The path of the crate with the attribute `#[table]`.
    pub facade: String,
    /// The feature that turns that crate on, if it is optional.
    pub feature: Option<&'a str>,
    /// Whether the user's crate is `no_std`.
    pub is_no_std: bool,
}

impl NewTable<'_> {
    /// The text of the file.
    pub fn text(&self, policy: &Policy, dependencies: &BTreeSet<String>) -> String {
        let (condition, attribute) = match self.feature {
            None => (String::new(), format!("#[{}]", self.attribute())),
            Some(feature) => (
                format!("#[cfg(feature = \"{feature}\")]\n"),
                format!("#[cfg_attr(feature = \"{feature}\", {})]", self.attribute()),
            ),
        };
        let mut text = format!(
            "//! The table `{name}`.\n\n{condition}use {facade}::table;\n\n/// A row of `{name}`.\n{attribute}\npub struct {ident} {{\n",
            name = self.name,
            facade = self.facade,
            ident = self.ident(),
        );
        for column in self.all_columns(policy, dependencies) {
            let name = key_ident(&column.name, proc_macro2::Span::call_site());
            writeln!(text, "    pub {name}: {},", column.ty).expect("writing to a string never fails");
        }
        text + "}\n"
    }

    /// The name of the struct.
    pub fn ident(&self) -> String {
        self.name.to_upper_camel_case()
    }

    fn attribute(&self) -> String {
        let kind = (self.kind != TableKind::default()).then(|| format!("kind = {}", self.kind));
        let is_default = TableName::of_struct(&self.ident()) == self.name;
        let name = (!is_default).then(|| format!("name = \"{}\"", self.name));
        let arguments: Vec<String> = kind.into_iter().chain(name).collect();
        if arguments.is_empty() {
            "table".to_string()
        } else {
            format!("table({})", arguments.join(", "))
        }
    }

    /// The columns that the user asks for, between the keys and the timestamps that the lints require.
    fn all_columns(&self, policy: &Policy, dependencies: &BTreeSet<String>) -> Vec<ColumnArgument> {
        let types = ColumnTypes::of(dependencies, self.is_no_std);
        let is_given = |name: &String| self.columns.iter().any(|column| column.name == *name);
        let required = self.required_columns(policy).into_iter();
        let missing = required
            .filter(|name| !is_given(name))
            .map(|name| ColumnArgument {
                ty: types.of_column(&name).to_string(),
                name,
            });
        let (stamps, keys): (Vec<_>, Vec<_>) = missing.partition(|column| column.name.ends_with("_at"));
        [keys, self.columns.to_vec(), stamps].concat()
    }

    fn required_columns(&self, policy: &Policy) -> Vec<String> {
        let lints = &policy.lints;
        let is_on = |rule: Lint| lints.level(rule) != Level::Allow;
        let of = |rule: Lint| {
            if is_on(rule) {
                lints.option(rule)
            } else {
                Vec::new()
            }
        };
        let tenant = policy
            .tenancy
            .column()
            .map(|column| column.name.clone())
            .filter(|_| self.kind.row_level_security() && is_on(Lint::MissingTenantColumn));
        let is_updated = rows_are_updated(self.kind, self.append_only);
        let updated_at = of(Lint::MissingUpdatedAt).into_iter().filter(|_| is_updated);
        let mut required = of(Lint::MissingRequiredColumn);
        // The tenant column comes after the primary key.
        let place = required.len().min(1);
        required.splice(place..place, tenant);
        required.extend(updated_at);
        let mut seen = BTreeSet::new();
        required.retain(|column| seen.insert(column.clone()));
        required
    }
}

/// The types of required columns. They are taken only from crates that the package depends on, so that the new file
/// compiles.
struct ColumnTypes {
    id: &'static str,
    time: &'static str,
}

impl ColumnTypes {
    fn of(dependencies: &BTreeSet<String>, is_no_std: bool) -> Self {
        let first = |choices: &[(&str, &'static str)], default| {
            let used = choices
                .iter()
                .find(|(package, _)| dependencies.contains(*package));
            used.map_or(default, |&(_, ty)| ty)
        };
        Self {
            id: first(&[("uuid", "uuid::Uuid")], "i64"),
            time: first(
                &[
                    ("chrono", "chrono::DateTime<chrono::Utc>"),
                    ("time", "time::OffsetDateTime"),
                    ("jiff", "jiff::Timestamp"),
                ],
                if is_no_std { "i64" } else { "std::time::SystemTime" },
            ),
        }
    }

    fn of_column(&self, name: &str) -> &'static str {
        if name.ends_with("_at") {
            self.time
        } else if name == "id" || name.ends_with("_id") {
            self.id
        } else {
            "String"
        }
    }
}

#[cfg(test)]
mod tests {
    use table_registry_engine::Source;

    use super::*;

    fn policy() -> Policy {
        let text = "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n";
        let mut policy = Policy::default();
        policy.read_main(&Source::new("table-registry.toml", text).into(), &mut Vec::new());
        policy
    }

    fn text(name: &str, kind: TableKind, append_only: bool, columns: &[&str], uses: &[&str]) -> String {
        let arguments = columns.iter().map(|column| column.parse().unwrap());
        let columns: Vec<ColumnArgument> = arguments.collect();
        let table = NewTable {
            name,
            kind,
            append_only,
            columns: &columns,
            facade: "table_registry".to_string(),
            feature: None,
            is_no_std: false,
        };
        table.text(&policy(), &uses.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn an_optional_registry_is_conditional() {
        let table = NewTable {
            name: "zones",
            kind: TableKind::Link,
            append_only: false,
            columns: &[],
            facade: "table_registry".to_string(),
            feature: Some("registry"),
            is_no_std: false,
        };
        let text = table.text(&policy(), &BTreeSet::new());
        assert!(
            text.contains(
                "#[cfg(feature = \"registry\")]\nuse table_registry::table;\n\n/// A row of `zones`.\n\
                 #[cfg_attr(feature = \"registry\", table(kind = link))]\npub struct"
            ),
            "{text}"
        );
    }

    #[test]
    fn a_table_has_the_columns_that_the_lints_require() {
        assert_eq!(
            text(
                "invoices",
                TableKind::Truth,
                false,
                &["total_cents:i64", "type: Option<String>"],
                &[]
            ),
            "//! The table `invoices`.

use table_registry::table;

/// A row of `invoices`.
#[table]
pub struct Invoices {
    pub id: i64,
    pub org_id: i64,
    pub total_cents: i64,
    pub r#type: Option<String>,
    pub created_at: std::time::SystemTime,
    pub updated_at: std::time::SystemTime,
}
"
        );
    }

    #[test]
    fn columns_depend_on_the_kind_and_types_on_the_package() {
        let found = text(
            "audit_1",
            TableKind::Evidence,
            true,
            &["id:u8"],
            &["uuid", "time"],
        );
        let expected = "#[table(kind = evidence, name = \"audit_1\")]
pub struct Audit1 {
    pub org_id: uuid::Uuid,
    pub id: u8,
    pub created_at: time::OffsetDateTime,
}
";
        assert!(found.ends_with(expected), "{found}");
        assert!(!text("users", TableKind::System, false, &[], &[]).contains("org_id"));
    }

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
            ("größe:i64", "`größe` is not a `snake_case` identifier"),
            ("_x:i64", "`_x` is not a `snake_case` identifier"),
        ] {
            let error = text.parse::<ColumnArgument>().unwrap_err();
            assert!(error.starts_with(message), "{text}: {error}");
        }
    }
}
