//! The lint `missing-tenant-column` for the database: tables without a tenant column.

use table_registry_engine::Lint;

use crate::database::catalog::Relation;
use crate::database::columns::renames;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::{add_column, identifier};
use crate::tenant_column::{Misnamed, takes};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let without = context.with_tenant_columns().filter(|(_, relation, column)| {
        let mut rows = context.catalog.columns(relation.oid).iter();
        rows.all(|row| row.name != *column)
    });
    let misnamed = misnamed(context);
    let found = without.filter_map(|(table, relation, column)| match &misnamed {
        Some(misnamed) if misnamed.column.name.value == column => at_policy_file(context, table, misnamed),
        _ => finding(context, table, relation, column),
    });
    found.collect()
}

fn misnamed<'c>(context: &Context<'c>) -> Option<Misnamed<'c>> {
    let column = context.project.policy.tenancy.column()?;
    let takers: Vec<_> = context
        .present()
        .filter(|(table, _)| takes(&table.registered.tenancy, column))
        .collect();
    // If structs and policy file agree, the database lacks the column.
    if takers
        .iter()
        .any(|(table, _)| context.fields(table).has(&column.name.value))
    {
        return None;
    }
    let names = takers.into_iter().map(|(_, relation)| {
        let rows = context.catalog.columns(relation.oid).iter();
        rows.map(|row| row.name.as_str()).collect()
    });
    Misnamed::find(column, &names.collect::<Vec<_>>())
}

/// The finding about one of the tables that lack the column, at the policy file.
fn at_policy_file(context: &Context<'_>, table: &Table<'_>, misnamed: &Misnamed<'_>) -> Option<Finding> {
    let column = &misnamed.column.name;
    let finding = at_level(context, table, &column.value, misnamed.instead.clone())?;
    let line = column.source.line(column.range.start);
    let fact = format!(
        "`{}:{line}` names this column, and no table has it",
        column.source.path
    );
    Some(finding.fact(fact).at_entry(column))
}

fn finding(context: &Context<'_>, table: &Table<'_>, relation: &Relation, column: &str) -> Option<Finding> {
    let renamed = renames::columns(context, table, relation).into_iter();
    let mut renamed = renamed.map(|(field, row)| (field.name.as_str(), row.name.as_str()));
    let fix = match renamed.find(|(field, _)| *field == column) {
        Some((_, row)) => format!(
            "it looks renamed to `{row}`: name that one, with `#[table(tenant = {row:?})]`, or take the old name back: \
             ALTER TABLE {} RENAME COLUMN {} TO {};",
            table.qualified,
            identifier(row),
            identifier(column)
        ),
        None => format!(
            "add the column, and then what `{}` prints{}",
            context.project.package.command("sql --diff"),
            statement(context, table, column).map_or_else(String::new, |add| format!(":\n{add}"))
        ),
    };
    at_level(context, table, column, fix)
}

fn at_level(context: &Context<'_>, table: &Table<'_>, column: &str, fix: String) -> Option<Finding> {
    let message = format!("table `{}` has no tenant column `{column}`", table.name());
    let level = context.project.policy.lints.level(Lint::MissingTenantColumn);
    let finding = Finding::of_table(Lint::MissingTenantColumn, table.name(), message, fix);
    finding.object(column).of_column(column).at_level(level)
}

/// Adds the column, if its type is known.
fn statement(context: &Context<'_>, table: &Table<'_>, column: &str) -> Option<String> {
    let sql_type = context.sql_type(table, column)?;
    let is_required = table.column_of_shared_rows() != Some(column);
    Some(add_column(&table.qualified, column, &sql_type, is_required))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_table_without_a_tenant() {
        assert_eq!(
            found(find, |it| { it.remove_column("invoices", "org_id") }),
            ["invoices org_id"]
        );
    }

    #[test]
    fn a_column_that_no_table_has() {
        let found = findings(find, |it| {
            it.policy_file = it
                .policy_file
                .replace("column = \"org_id\"", "column = \"ogr_id\"");
        });
        assert_eq!(found.len(), 2);
        let entry = found[0].entry.as_ref().unwrap();
        assert_eq!(entry.source.path, "table-registry.toml");
        assert_eq!(found[0].fix, "in `[tenancy]`, did you mean `org_id`?");
    }

    #[test]
    fn a_system_table_needs_none() {
        assert_eq!(found(find, |it| { it.remove_column("users", "name") }), NOTHING);
    }

    #[test]
    fn an_exception_of_the_lint() {
        assert_eq!(
            found(find, |it| {
                it.remove_column("invoices", "org_id");
                it.policy_file
                    .push_str("[lints.allow.missing-tenant-column]\ninvoices = \"shared\"\n");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_lint_that_is_off() {
        assert_eq!(
            found(find, |it| {
                it.remove_column("invoices", "org_id");
                it.policy_file
                    .push_str("[lints]\nmissing-tenant-column = \"allow\"\n");
            }),
            NOTHING
        );
    }
}
