//! Roles of the application that own a table or its schema, or can become the owner.

use table_registry_engine::DatabaseCheck;

use crate::database::access::ownership;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let apps = context.app_roles.iter();
    apps.flat_map(|app| ownership::findings(context, app, DatabaseCheck::AppRoleOwnsTable))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_table() {
        assert_eq!(
            found(find, |it| { it.relation("invoices").owner = it.role_oid("app") }),
            ["- app"]
        );
    }

    #[test]
    fn a_child() {
        assert_eq!(
            found(find, |it| {
                it.child("old_invoices", "r", "invoices");
                it.relation("old_invoices").owner = it.role_oid("app");
            }),
            ["- app"]
        );
    }

    #[test]
    fn a_schema() {
        assert_eq!(
            found(find, |it| { it.rows.schemas[0].owner = it.role_oid("app") }),
            ["- app"]
        );
    }

    #[test]
    fn a_role_that_the_application_can_become() {
        assert_eq!(found(find, |it| { it.add_member("owner", "app") }), ["- owner"]);
    }

    #[test]
    fn an_unregistered_table() {
        assert_eq!(
            found(find, |it| {
                it.table("notes", &[]);
                it.relation("notes").owner = it.role_oid("app");
            }),
            NOTHING
        );
    }
}
