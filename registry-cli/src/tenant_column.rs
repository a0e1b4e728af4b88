//! The tenant column in `[tenancy]`, if no table has it: then the policy file is wrong, not the tables.

use std::collections::BTreeMap;

use table_registry_engine::{Policy, Registry, Tenancy, TenantColumn, did_you_mean};

use crate::columns::TableColumns;

/// The column in `[tenancy]` that no table has, and what to write there instead.
pub struct Misnamed<'p> {
    pub column: &'p TenantColumn,
    pub instead: String,
}

impl<'p> Misnamed<'p> {
    /// The tables are those that take the column from `[tenancy]`, with their columns. `None` if one of them has it, or
    /// if their columns do not tell which one is meant.
    pub fn find(column: &'p TenantColumn, tables: &[Vec<&str>]) -> Option<Self> {
        let instead = instead(&column.name.value, tables)?;
        Some(Self { column, instead })
    }

    /// Like [`Self::find`], by the fields of the structs. `None` also if the fields are not all columns.
    pub fn in_structs(
        registry: &Registry,
        policy: &'p Policy,
        fields: &BTreeMap<String, TableColumns>,
    ) -> Option<Self> {
        let column = policy.tenancy.column()?;
        let tables = registry
            .tables()
            .iter()
            .filter(|table| takes(&table.tenancy, column));
        let names = tables.map(|table| {
            let fields = fields.get(&table.name).filter(|fields| fields.is_complete)?;
            Some(fields.columns.iter().map(|field| field.name.as_str()).collect())
        });
        Self::find(column, &names.collect::<Option<Vec<_>>>()?)
    }
}

/// Whether the tenant column of a table is the one that the policy file names.
pub fn takes(tenancy: &Tenancy, column: &TenantColumn) -> bool {
    matches!(tenancy, Tenancy::Column { name, .. } if *name == column.name.value)
}

fn instead(column: &str, tables: &[Vec<&str>]) -> Option<String> {
    let all = || tables.iter().flatten().copied();
    if all().any(|name| name == column) {
        return None;
    }
    let names = ends_as_id(column).then(|| all().filter(|name| ends_as_id(name)));
    let near = match names {
        Some(names) => did_you_mean(column, names),
        None => did_you_mean(column, all()),
    };
    near.map(|near| format!("in `[tenancy]`, {near}"))
        .or_else(|| common(tables))
}

/// The column that most of the tables have, if it refers to something.
fn common(tables: &[Vec<&str>]) -> Option<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for name in tables.iter().flatten().filter(|name| ends_as_id(name)) {
        *counts.entry(name).or_default() += 1;
    }
    // The first of the most frequent ones.
    let (name, count) = counts.into_iter().rev().max_by_key(|(_, count)| *count)?;
    let total = tables.len();
    (count > 1 && count * 2 > total)
        .then(|| format!("{count} of {total} such tables have a column `{name}`: if it holds the tenant, name it in `[tenancy]`"))
}

fn ends_as_id(name: &str) -> bool {
    name.ends_with("_id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(column: &str, tables: &[&[&str]]) -> Option<String> {
        let tables: Vec<Vec<&str>> = tables.iter().map(|columns| columns.to_vec()).collect();
        instead(column, &tables)
    }

    #[test]
    fn a_misspelt_column() {
        let meant = said("ogr_id", &[&["id", "org_id", "name"]]);
        assert_eq!(meant.as_deref(), Some("in `[tenancy]`, did you mean `org_id`?"));
        let meant = said("tenent", &[&["id", "tenant", "name"]]);
        assert_eq!(meant.as_deref(), Some("in `[tenancy]`, did you mean `tenant`?"));
    }

    #[test]
    fn another_column() {
        let meant = said(
            "org_id",
            &[
                &["id", "account_id"],
                &["account_id", "project_id"],
                &["id", "name"],
            ],
        );
        assert_eq!(
            meant.as_deref(),
            Some(
                "2 of 3 such tables have a column `account_id`: if it holds the tenant, name it in `[tenancy]`"
            )
        );
    }

    #[test]
    fn a_column_that_some_tables_lack() {
        assert_eq!(said("org_id", &[&["id", "org_id"], &["id", "ogr_id"]]), None);
        assert_eq!(said("org_id", &[&["id", "user_id"]]), None);
        assert_eq!(said("org_id", &[&["id", "user_id"], &["id", "cart_id"]]), None);
        assert_eq!(said("org_id", &[]), None);
    }
}
