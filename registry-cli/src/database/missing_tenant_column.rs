//! The lint `missing-tenant-column`, asked of the database: tables without a tenant column.

use table_registry_engine::Lint;

use super::context::{Context, Table};
use super::finding::Finding;
use super::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let tables = context
        .present()
        .filter(|(table, _)| context.needs_tenant_column(table));
    let without = tables.filter(|(_, relation)| {
        let mut rows = context.catalog.columns(relation.oid).iter();
        rows.all(|row| row.name != context.tenant_column)
    });
    without.filter_map(|(table, _)| finding(context, table)).collect()
}

fn finding(context: &Context<'_>, table: &Table<'_>) -> Option<Finding> {
    let column = &context.tenant_column;
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
