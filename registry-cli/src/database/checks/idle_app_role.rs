//! Roles of the application that may use none of the registered tables.

use table_registry_engine::DatabaseCheck;

use crate::database::context::Context;
use crate::database::finding::Finding;
use crate::database::relatives::ANY;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let idle = context
        .app_roles
        .iter()
        .filter(|app| context.present().all(|(_, relation)| !app.may(relation, ANY)));
    let findings = idle.map(|app| {
        let name = &app.role.name;
        let message = format!("role `{name}` cannot use any registered table");
        let fix = format!(
            "before running `verify`, grant `{name}` the privileges it needs, or remove it from `app_roles`"
        );
        Finding::of_role(DatabaseCheck::IdleAppRole, name, message, fix)
            .fact("nothing that this role could do was checked")
    });
    findings.collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_role_without_privileges() {
        let without = findings(find, |it| it.rows.grants.clear());
        assert_eq!(without[0].message, "role `app` cannot use any registered table");
    }

    #[test]
    fn a_role_that_may_not_use_the_schema() {
        assert_eq!(found(find, |it| it.rows.schemas[0].users.clear()), ["- app"]);
    }

    #[test]
    fn a_privilege_on_one_table_is_enough() {
        assert_eq!(
            found(find, |it| {
                it.rows.grants.clear();
                it.grant("SELECT", "users", "app");
            }),
            NOTHING
        );
    }
}
