//! Materialized views that hold a copy of rows with row-level security.

use std::collections::BTreeSet;

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::code::openings::{below, revoke, users_of, ways_to};
use crate::database::code::tenant_statements::code_of_query;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let views = context.catalog.relations.iter();
    let copies = views.filter(|relation| relation.kind == "m");
    copies
        .filter_map(|view| materialized_view(context, view))
        .collect()
}

fn materialized_view(context: &Context<'_>, view: &Relation) -> Option<Finding> {
    let below = below(context, view).into_iter();
    let copied = below
        .filter(|(table, _)| table.has_rls())
        .map(|(table, _)| table.name());
    let names: BTreeSet<&str> = copied.chain(read_by_functions(context, view)).collect();
    let names: Vec<&str> = names.into_iter().collect();
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

/// The tables that functions read for a view: with the rights of the view's owner, when the view is refreshed.
fn read_by_functions<'c>(context: &'c Context<'c>, view: &Relation) -> Vec<&'c str> {
    let Some(query) = context.catalog.definition(view.oid) else {
        return Vec::new();
    };
    let code = code_of_query(context, query);
    let secured = context.row_secured();
    let read = secured.filter(|(_, relation)| code.reads(&relation.schema, &relation.name));
    read.map(|(table, _)| table.name()).collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::Definition;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_copy_that_functions_make() {
        let of = |query: &'static str| {
            found(find, move |it| {
                it.function("all_invoices", "SELECT * FROM invoices").is_definer = false;
                it.function(
                    "ours",
                    "BEGIN RETURN QUERY SELECT * FROM public.all_invoices(); END",
                );
                it.view("totals", "m", "users");
                it.grant("SELECT", "totals", "app");
                let view = it.oid("totals");
                let definition = query.to_string();
                it.rows.definitions.push(Definition { view, definition });
            })
        };
        assert_eq!(of(" SELECT a FROM public.all_invoices() a;"), ["invoices totals"]);
        assert_eq!(of(" SELECT a FROM public.ours() a;"), ["invoices totals"]);
        assert_eq!(
            of(" SELECT query_to_xml('SELECT * FROM invoices'::text, true, true, ''::text);"),
            ["invoices totals"]
        );
        assert_eq!(of(" SELECT upper(users.name) FROM public.users;"), NOTHING);
    }

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
