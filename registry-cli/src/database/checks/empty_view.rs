//! Views that show nobody a row, because policies bind their owner.

use table_registry_engine::DatabaseCheck;

use crate::database::access::reach::Shadows;
use crate::database::access::roles::Actor;
use crate::database::catalog::Relation;
use crate::database::code::openings::below;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let views = context.catalog.relations.iter();
    let definer_views = views.filter(|view| view.is_view() && !view.security_invoker);
    // `unregistered_table` reports a view that is found before its table.
    let shadows = Shadows::new(context);
    definer_views
        .filter(|view| !shadows.has_view(context, view))
        .filter_map(|view| empty_view(context, view))
        .collect()
}

fn empty_view(context: &Context<'_>, view: &Relation) -> Option<Finding> {
    let mut grants = context.catalog.grants(view.oid).iter();
    let is_shown = grants.any(|grant| grant.privilege == "SELECT" && grant.grantee != view.owner);
    let owner = context.owner(view.owner).filter(|_| is_shown)?;
    let mut tables = below(context, view);
    tables.retain(|(table, relation)| sees_nothing(context, &owner, table, relation));
    let names: Vec<&str> = tables.iter().map(|(table, _)| table.name()).collect();
    let first = names.first()?;
    let message = format!("view `{}` shows nobody the rows of {}", view.name, quoted(&names));
    let fix = if context.catalog.server.version >= 150_000 {
        format!("ALTER VIEW {} SET (security_invoker = true);", view.qualified())
    } else {
        "give the view an owner whom a policy lets see the rows that the view is meant to show".to_string()
    };
    Some(
        Finding::of_table(DatabaseCheck::EmptyView, first, message, fix)
            .about(&names)
            .object(context.name_of(view))
            .fact(format!(
                "it runs as its owner `{}`, to whom row-level security applies, and no policy is for this role",
                owner.role.name
            )),
    )
}

/// Whether row-level security applies to a role that may read a table, and no policy lets it see a row.
fn sees_nothing(context: &Context<'_>, owner: &Actor<'_>, table: &Table<'_>, relation: &Relation) -> bool {
    let policies = context.catalog.policies(relation.oid).iter();
    let mut permissive = policies.filter(|policy| policy.permissive && policy.is_for("r"));
    table.has_rls()
        && owner.holds(relation, "SELECT")
        && owner.is_bound(relation)
        && !permissive.any(|policy| owner.is_given(policy))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    /// A view of the owner of its table.
    fn view(it: &mut Database) {
        it.view("report", "v", "invoices");
        it.relation("report").owner = it.role_oid("owner");
        it.grant("SELECT", "report", "app");
    }

    #[test]
    fn an_owner_to_whom_row_level_security_is_forced() {
        let found = findings(find, view);
        assert_eq!(
            found[0].message,
            "view `report` shows nobody the rows of `invoices`"
        );
        assert_eq!(
            found[0].fix,
            "ALTER VIEW \"public\".\"report\" SET (security_invoker = true);"
        );
    }

    #[test]
    fn unregistered_table_reports_a_view_that_is_found_first() {
        let in_schema = |schema: &'static str| {
            found(find, move |it| {
                view(it);
                it.add_schema(schema, &[]);
                let view = it.relation("report");
                view.schema = schema.to_string();
                view.name = "invoices".to_string();
            })
        };
        assert_eq!(in_schema("app"), NOTHING);
        assert_eq!(in_schema("archive"), ["invoices archive.invoices"]);
    }

    #[test]
    fn owners_who_see_rows() {
        let changed = |change: fn(&mut Database)| {
            found(find, |it| {
                view(it);
                change(it);
            })
        };
        assert_eq!(
            changed(|it| it.relation("invoices").force_row_security = false),
            NOTHING
        );
        assert_eq!(
            changed(|it| it.relation("report").owner = it.role_oid("postgres")),
            NOTHING
        );
        assert_eq!(
            changed(|it| {
                it.add_policy("invoices", "reports", "owner", "true");
            }),
            NOTHING
        );
        assert_eq!(
            changed(|it| {
                let command = it.add_policy("invoices", "reports", "PUBLIC", "true");
                command.command = "d".to_string();
            }),
            ["invoices report"]
        );
    }

    #[test]
    fn views_that_ask_their_caller_or_that_nobody_reads() {
        assert_eq!(
            found(find, |it| {
                view(it);
                it.relation("report").security_invoker = true;
            }),
            NOTHING
        );
        assert_eq!(
            found(find, |it| {
                it.view("report", "v", "invoices");
                it.relation("report").owner = it.role_oid("owner");
            }),
            NOTHING
        );
        // The view below it has `security_invoker`.
        assert_eq!(
            found(find, |it| {
                it.view("inner_view", "v", "invoices");
                it.relation("inner_view").security_invoker = true;
                it.view("report", "v", "inner_view");
                it.relation("report").owner = it.role_oid("owner");
                it.grant("SELECT", "report", "app");
            }),
            NOTHING
        );
    }
}
