//! Roles of the application that the server does not have.

use table_registry_engine::DatabaseCheck;

use crate::database::context::{Context, missing_app_roles};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    missing_app_roles(context)
        .into_iter()
        .map(|role| {
            Finding::of_role(
                DatabaseCheck::MissingAppRole,
                role,
                format!("role `{role}` does not exist"),
                format!("CREATE ROLE {} LOGIN;", identifier(role)),
            )
            .fact("`pg_roles` has no row of that name")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_role_that_the_server_does_not_have() {
        assert_eq!(
            found(find, |it| { it.role("app").name = "api".to_string() }),
            ["- app"]
        );
    }

    #[test]
    fn a_role_without_privileges_exists() {
        assert_eq!(found(find, |it| { it.rows.grants.clear() }), NOTHING);
    }
}
