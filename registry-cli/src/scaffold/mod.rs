//! The source file of a new table.

mod arguments;
mod column_types;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use heck::ToUpperCamelCase;
use table_registry_core::TableKind;
use table_registry_engine::{Level, Lint, Policy, TableName, key_ident};

use crate::conventions::rows_are_updated;
use crate::failure::Failure;

pub use arguments::{ColumnArgument, TenantArgument, is_snake_case_identifier};
pub use column_types::ColumnTypes;

use arguments::is_field_name;

/// A new table whose file is to be written.
#[derive(Debug)]
pub struct NewTable<'a> {
    pub name: &'a str,
    pub kind: TableKind,
    pub append_only: bool,
    /// How its rows belong to tenants, if not as the policy file says.
    pub tenant: Option<&'a TenantArgument>,
    pub columns: &'a [ColumnArgument],
    /// The path of the crate with the attribute `#[table]`.
    pub facade: String,
    /// The feature that turns that crate on, if it is optional.
    pub feature: Option<&'a str>,
}

impl NewTable<'_> {
    /// The text of the file. Fails if the type of a column is not clear.
    pub fn text(&self, policy: &Policy, types: &ColumnTypes<'_>) -> Result<String, Failure> {
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
        for column in self.all_columns(policy, types)? {
            let name = key_ident(&column.name, proc_macro2::Span::call_site());
            writeln!(text, "    pub {name}: {},", column.ty).expect("writing to a string never fails");
        }
        Ok(text + "}\n")
    }

    /// The name of the struct.
    pub fn ident(&self) -> String {
        self.name.to_upper_camel_case()
    }

    fn attribute(&self) -> String {
        let kind = (self.kind != TableKind::default()).then(|| format!("kind = {}", self.kind));
        let tenant = self.tenant.map(TenantArgument::attribute);
        let is_default = TableName::of_struct(&self.ident()) == self.name;
        let name = (!is_default).then(|| format!("name = \"{}\"", self.name));
        let arguments: Vec<String> = kind.into_iter().chain(tenant).chain(name).collect();
        if arguments.is_empty() {
            "table".to_string()
        } else {
            format!("table({})", arguments.join(", "))
        }
    }

    /// The columns that the user asks for, between the keys and the timestamps that the lints require.
    fn all_columns(&self, policy: &Policy, types: &ColumnTypes<'_>) -> Result<Vec<ColumnArgument>, Failure> {
        let is_given = |name: &String| self.columns.iter().any(|column| column.name == *name);
        let required = self.required_columns(policy).into_iter();
        let missing = required.filter(|name| !is_given(name)).map(|name| {
            if !is_field_name(&name) {
                let what = format!("the required column `{name}` cannot be the name of a field");
                let help = "write the struct by hand, with a field that an attribute of your ORM renames";
                return Err(Failure::new(what).help(help));
            }
            let ty = self.type_of(&name, types)?;
            Ok(ColumnArgument { name, ty })
        });
        let missing: Vec<ColumnArgument> = missing.collect::<Result<_, Failure>>()?;
        let (stamps, keys): (Vec<_>, Vec<_>) = missing
            .into_iter()
            .partition(|column| column.name.ends_with("_at"));
        Ok([keys, self.columns.to_vec(), stamps].concat())
    }

    fn type_of(&self, column: &str, types: &ColumnTypes<'_>) -> Result<String, Failure> {
        if let Some(tenant) = self.tenant
            && let Some(parent) = &tenant.parent
            && let Some(at) = tenant.columns.iter().position(|own| own == column)
        {
            return types.of_reference(column, &parent.table, &parent.keys[at]);
        }
        types.of_column(column)
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
        let usual = || policy.tenancy.column().map(|column| column.name.value.clone());
        let tenant: Vec<String> = match self.tenant {
            Some(argument) => argument.columns.clone(),
            None if self.kind.row_level_security() && is_on(Lint::MissingTenantColumn) => {
                usual().into_iter().collect()
            }
            None => Vec::new(),
        };
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing::project_of;

    const TENANCY: &str = "[tenancy]\ncolumn = \"org_id\"\nsetting = \"app.org_id\"\n";

    /// The file of a table in a crate without other tables.
    fn text_of(table: &NewTable<'_>, uses: &[&str]) -> String {
        let mut project = project_of("", TENANCY);
        project.package.dependencies = uses.iter().map(ToString::to_string).collect();
        table.text(&project.policy, &ColumnTypes::new(&project)).unwrap()
    }

    fn text(name: &str, kind: TableKind, append_only: bool, columns: &[&str], uses: &[&str]) -> String {
        let arguments = columns.iter().map(|column| column.parse().unwrap());
        let columns: Vec<ColumnArgument> = arguments.collect();
        let table = NewTable {
            name,
            kind,
            append_only,
            tenant: None,
            columns: &columns,
            facade: "table_registry".to_string(),
            feature: None,
        };
        text_of(&table, uses)
    }

    #[test]
    fn an_optional_registry_is_conditional() {
        let table = NewTable {
            name: "zones",
            kind: TableKind::Link,
            append_only: false,
            tenant: None,
            columns: &[],
            facade: "table_registry".to_string(),
            feature: Some("registry"),
        };
        let text = text_of(&table, &[]);
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
}
