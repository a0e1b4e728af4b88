//! Views that run as an owner who is exempt from the protection of a table.

use table_registry_engine::DatabaseCheck;

use crate::database::CHANGES;
use crate::database::catalog::Relation;
use crate::database::code::openings::{Access, below, opens, revoke, users_of, ways_to};
use crate::database::code::triggers::replaces_insert;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::relatives::ANY;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let views = context.catalog.relations.iter();
    // A view uses the rights of its owner, even on the views that it uses, unless those are `security_invoker` views.
    let definer_views = views.filter(|relation| relation.kind == "v" && !relation.security_invoker);
    definer_views
        .filter_map(|view| definer_view(context, view))
        .collect()
}

fn definer_view(context: &Context<'_>, view: &Relation) -> Option<Finding> {
    let changes = context.is_used(view, CHANGES);
    let access = Access {
        reads: true,
        writes: changes || (context.is_used(view, &["INSERT"]) && !replaces_insert(context, view)),
        changes,
        truncates: false,
    };
    let mut tables = below(context, view);
    tables.retain(|(table, relation)| opens(context, view.owner, table, relation, access));
    let names: Vec<&str> = tables.iter().map(|(table, _)| table.name()).collect();
    let first = names.first()?;
    // Checked last, because it looks at every other view.
    let mut privileges = ANY.to_vec();
    if replaces_insert(context, view) {
        privileges.retain(|privilege| *privilege != "INSERT");
    }
    let ways = ways_to(context, &context.app_roles, view, &privileges);
    if ways.is_empty() {
        return None;
    }
    let name = view.qualified();
    let fix = if context.catalog.server.version >= 150_000 {
        format!("ALTER VIEW {name} SET (security_invoker = true);")
    } else {
        revoke(context, view, ANY)
    };
    let message = format!("view `{}` opens {}", view.name, quoted(&names));
    let owner = context.catalog.role_name(view.owner);
    let finding = Finding::of_table(DatabaseCheck::DefinerView, first, message, fix).about(&names);
    Some(
        finding
            .object(context.name_of(view))
            .through(users_of(context, &ways, &privileges))
            .fact(format!(
                "it runs as its owner `{owner}`, to whom the rules of the table do not apply"
            )),
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, findings, found};

    #[test]
    fn a_view_of_a_superuser() {
        assert_eq!(
            found(find, |it| {
                it.view("v", "v", "invoices");
                it.grant("SELECT", "v", "app");
            }),
            ["invoices v"]
        );
    }

    #[test]
    fn a_view_used_by_another() {
        assert_eq!(
            found(find, |it| {
                it.view("v", "v", "invoices");
                it.view("w", "v", "v");
                it.grant("SELECT", "w", "app");
            }),
            ["invoices v"]
        );
    }

    #[test]
    fn a_view_through_which_rows_can_be_changed() {
        let changes = |privilege| {
            found(find, |it| {
                it.view("v", "v", "audit_logs");
                it.relation("v").owner = it.role_oid("owner");
                it.grant(privilege, "v", "app");
            })
        };
        assert_eq!(changes("UPDATE"), ["audit_logs v"]);
        assert_eq!(changes("SELECT"), NOTHING);
    }

    /// The owner sees the rows of its own tenant, but writes those of all.
    #[test]
    fn a_view_through_which_rows_of_others_can_be_written() {
        let granted = |privilege: &str| {
            found(find, |it| {
                it.view("v", "v", "invoices");
                it.relation("v").owner = it.role_oid("owner");
                it.add_policy("invoices", "writes", "owner", "true").command = "a".to_string();
                it.grant(privilege, "v", "app");
            })
        };
        assert_eq!(granted("INSERT"), ["invoices v"]);
        assert_eq!(granted("SELECT"), NOTHING);
    }

    #[test]
    fn before_postgresql_15_the_fix_is_to_revoke_privileges() {
        let found = findings(find, |it| {
            it.view("v", "v", "invoices");
            it.grant("SELECT", "v", "app");
            it.rows.server.version = 140_000;
        });
        assert_eq!(
            found[0].fix,
            "REVOKE SELECT ON TABLE \"public\".\"v\" FROM \"app\";"
        );
    }

    #[test]
    fn a_view_that_uses_the_rights_of_its_caller() {
        assert_eq!(
            found(find, |it| {
                it.view("v", "v", "invoices");
                it.grant("SELECT", "v", "app");
                it.relation("v").security_invoker = true;
            }),
            NOTHING
        );
    }

    #[test]
    fn a_view_of_an_owner_whom_policies_bind() {
        assert_eq!(
            found(find, |it| {
                it.view("v", "v", "invoices");
                it.grant("SELECT", "v", "app");
                it.relation("v").owner = it.role_oid("owner");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_view_that_the_application_cannot_use() {
        assert_eq!(found(find, |it| { it.view("v", "v", "invoices") }), NOTHING);
    }

    #[test]
    fn a_view_of_a_system_table() {
        assert_eq!(
            found(find, |it| {
                it.view("v", "v", "users");
                it.grant("SELECT", "v", "app");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_view_of_an_owner_who_may_not_read_the_table() {
        let of_backup = |change: fn(&mut Database)| {
            found(find, |it| {
                it.add_role("backup").bypass_rls = true;
                it.view("v", "v", "invoices");
                it.grant("SELECT", "v", "app");
                it.relation("v").owner = it.role_oid("backup");
                change(it);
            })
        };
        assert_eq!(of_backup(|_| ()), NOTHING);
        assert_eq!(
            of_backup(|it| {
                it.grant("SELECT", "invoices", "backup");
            }),
            ["invoices v"]
        );
        let not_inherited = of_backup(|it| {
            it.add_member("owner", "backup");
            it.rows.memberships.last_mut().unwrap().inherit = false;
        });
        assert_eq!(not_inherited, NOTHING);
        assert_eq!(of_backup(|it| it.add_member("owner", "backup")), ["invoices v"]);
    }

    #[test]
    fn a_view_of_an_invoker_view() {
        assert_eq!(
            found(find, |it| {
                it.view("v", "v", "invoices");
                it.relation("v").security_invoker = true;
                it.view("w", "v", "v");
                it.grant("SELECT", "w", "app");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_view_for_inserts_with_a_trigger() {
        let granted = |privilege: &str| {
            found(find, |it| {
                it.view("v", "v", "invoices");
                it.add_trigger("v");
                it.trigger().events = 0b100_0101;
                it.grant(privilege, "v", "app");
            })
        };
        assert_eq!(granted("INSERT"), NOTHING);
        assert_eq!(granted("SELECT"), ["invoices v"]);
    }
}
