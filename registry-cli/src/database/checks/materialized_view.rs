//! Materialized views that hold a copy of rows with row-level security.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::context::Context;
use crate::database::finding::Finding;
use crate::database::openings::{below, revoke, users_of, ways_to};
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let views = context.catalog.relations.iter();
    let copies = views.filter(|relation| relation.kind == "m");
    copies
        .filter_map(|view| materialized_view(context, view))
        .collect()
}

fn materialized_view(context: &Context<'_>, view: &Relation) -> Option<Finding> {
    let mut tables = below(context, view);
    tables.retain(|(table, _)| table.has_rls());
    let names: Vec<&str> = tables.iter().map(|(table, _)| table.name()).collect();
    let first = names.first()?;
    let ways = ways_to(context, &context.app_roles, view, &["SELECT"]);
    if ways.is_empty() {
        return None;
    }
    let message = format!(
        "materialized view `{}` holds a copy of {}",
        view.name,
        quoted(&names)
    );
    let fixes: Vec<String> = ways.iter().map(|way| revoke(context, way, &["SELECT"])).collect();
    let finding = Finding::of_table(DatabaseCheck::MaterializedView, first, message, fixes.join(" "));
    Some(
        finding
            .about(&names)
            .object(context.name_of(view))
            .through(users_of(context, &ways, &["SELECT"]))
            .fact("PostgreSQL has no row-level security for materialized views"),
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_copy_that_the_application_may_read() {
        assert_eq!(
            found(find, |it| {
                it.view("m", "m", "invoices");
                it.grant("SELECT", "m", "app");
            }),
            ["invoices m"]
        );
    }

    #[test]
    fn a_copy_that_it_may_read_through_a_view() {
        assert_eq!(
            found(find, |it| {
                it.view("m", "m", "invoices");
                it.view("v", "v", "m");
                it.grant("SELECT", "v", "app");
            }),
            ["invoices m"]
        );
    }

    #[test]
    fn a_copy_that_it_may_not_read() {
        assert_eq!(found(find, |it| { it.view("m", "m", "invoices") }), NOTHING);
    }

    #[test]
    fn a_copy_of_a_system_table() {
        assert_eq!(
            found(find, |it| {
                it.view("m", "m", "users");
                it.grant("SELECT", "m", "app");
            }),
            NOTHING
        );
    }
}
