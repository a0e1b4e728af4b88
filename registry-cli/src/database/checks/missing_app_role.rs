//! Roles of the application that the server does not have.

use std::collections::BTreeSet;

use table_registry_engine::{DatabaseCheck, did_you_mean};

use crate::database::context::{Context, missing_app_roles};
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let missing = missing_app_roles(context).into_iter();
    missing.map(|role| finding(context, role)).collect()
}

fn finding(context: &Context<'_>, role: &str) -> Finding {
    let create = format!("CREATE ROLE {} LOGIN;", identifier(role));
    let fix = match did_you_mean(role, others(context)) {
        Some(near) => format!("in `app_roles`, {near} If not:\n{create}"),
        None => create,
    };
    let message = format!("role `{role}` does not exist");
    Finding::of_role(DatabaseCheck::MissingAppRole, role, message, fix)
        .fact("`pg_roles` has no row of that name")
}

/// The roles that may be meant: those that come neither with the server nor with a list in the policy file.
fn others<'c>(context: &'c Context<'_>) -> impl Iterator<Item = &'c str> {
    let settings = context.settings;
    let roles = context.catalog.roles().filter(|role| !role.superuser);
    let names = roles.map(|role| role.name.as_str());
    let owner = settings.owner.iter().map(|owner| owner.value.as_str());
    let listed: BTreeSet<&str> = settings.checked_roles().chain(owner).collect();
    names.filter(move |name| !name.starts_with("pg_") && !listed.contains(name))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_role_that_the_server_does_not_have() {
        assert_eq!(
            found(find, |it| { it.role("app").name = "api".to_string() }),
            ["- app"]
        );
    }

    #[test]
    fn a_misspelt_role() {
        let with = |name: &'static str| findings(find, |it| it.role("app").name = name.to_string());
        assert_eq!(
            with("apps")[0].fix,
            "in `app_roles`, did you mean `apps`? If not:\nCREATE ROLE \"app\" LOGIN;"
        );
        assert_eq!(with("web")[0].fix, "CREATE ROLE \"app\" LOGIN;");
    }

    #[test]
    fn a_role_without_privileges_exists() {
        assert_eq!(found(find, |it| { it.rows.grants.clear() }), NOTHING);
    }
}
