//! Tables whose row-level security does not hold for their owner.

use table_registry_engine::DatabaseCheck;

use crate::database::context::Context;
use crate::database::finding::Finding;
use crate::database::requirements::Requirement;
use crate::database::statements::force_rls;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let not_forced = context.unmet(Requirement::ForcedRowSecurity);
    not_forced
        .filter(|(_, relation)| relation.row_security)
        .map(|(table, relation)| {
            Finding::of_table(
                DatabaseCheck::RlsNotForced,
                table.name(),
                format!(
                    "row-level security of table `{}` does not hold for its owner",
                    table.name()
                ),
                force_rls(&table.qualified),
            )
            .object(context.catalog.role_name(relation.owner))
            .fact("`pg_class.relforcerowsecurity` is false")
        })
        .collect()
}
