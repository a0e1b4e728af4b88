//! The lint `missing-tenant-column` for the database: tables without a tenant column.

use table_registry_engine::Lint;

use super::context::{Context, Table};
use super::finding::Finding;
use super::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let without = context.with_tenant_columns().filter(|(_, relation, column)| {
        let mut rows = context.catalog.columns(relation.oid).iter();
        rows.all(|row| row.name != *column)
    });
    without
        .filter_map(|(table, _, column)| finding(context, table, column))
        .collect()
}

fn finding(context: &Context<'_>, table: &Table<'_>, column: &str) -> Option<Finding> {
    let message = format!("table `{}` has no tenant column `{column}`", table.name());
    let fix = format!(
        "ALTER TABLE {} ADD COLUMN {} … NOT NULL;",
        table.qualified,
        identifier(column)
    );
    let level = context.project.policy.lints.level(Lint::MissingTenantColumn);
    let finding = Finding::of_table(Lint::MissingTenantColumn, table.name(), message, fix);
    finding.object(column).at_level(level)
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_table_without_a_tenant() {
        assert_eq!(
            found(find, |it| { it.remove_column("invoices", "org_id") }),
            ["invoices org_id"]
        );
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
