//! Exempt tables with rows of tenants that the application can use.

use table_registry_engine::DatabaseCheck;

use crate::database::access::reach::Reach;
use crate::database::catalog::Relation;
use crate::database::context::{Context, exempt_relation};
use crate::database::findings::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let reach = Reach::new(context);
    let exemptions = context.project.registry.exempt().iter();
    let relations =
        exemptions.filter_map(|exempt| Some((exempt.name.as_str(), exempt_relation(context, &exempt.name)?)));
    relations
        .filter_map(|(name, relation)| opened(context, &reach, name, relation))
        .collect()
}

fn opened(context: &Context<'_>, reach: &Reach<'_, '_>, name: &str, relation: &Relation) -> Option<Finding> {
    let tenants = context.all_tenant_columns();
    let mut columns = context.catalog.columns(relation.oid).iter();
    let tenant = columns.find(|column| tenants.contains(column.name.as_str()))?;
    let roles = reach.roles(relation);
    if roles.is_empty() {
        return None;
    }
    let message = format!(
        "exempt table `{name}` has the tenant column `{}`, and the application can use it",
        tenant.name
    );
    let protection = if relation.row_security {
        "it has row-level security, but nobody has checked its policies"
    } else {
        "every tenant can use the rows of all tenants, because no policy is required of an exempt table"
    };
    let finding = Finding::of_table(
        DatabaseCheck::ExemptTenantTable,
        name,
        message,
        reach.close(relation),
    )
    .about(&roles)
    .object(name);
    let facts = reach.ways(relation).into_iter();
    Some(facts.fold(finding, Finding::fact).fact(protection))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    fn with_tenant(it: &mut Database) {
        it.add_column("backfill_state", "org_id", "text");
    }

    #[test]
    fn a_table_that_the_application_can_read() {
        let read = findings(find, |it| {
            with_tenant(it);
            it.grant("SELECT", "backfill_state", "app");
        });
        let fix = "REVOKE SELECT ON TABLE \"public\".\"backfill_state\" FROM \"app\";";
        assert_eq!(read[0].fix, fix);
    }

    #[test]
    fn a_table_that_a_view_shows() {
        assert_eq!(
            found(find, |it| {
                with_tenant(it);
                it.view("states", "v", "backfill_state");
                it.grant("SELECT", "states", "app");
            }),
            ["backfill_state backfill_state"]
        );
    }

    #[test]
    fn a_table_of_a_worker() {
        assert_eq!(found(find, with_tenant), NOTHING);
    }

    #[test]
    fn a_table_without_tenants() {
        assert_eq!(
            found(find, |it| {
                it.grant("SELECT", "backfill_state", "app");
            }),
            NOTHING
        );
    }
}
