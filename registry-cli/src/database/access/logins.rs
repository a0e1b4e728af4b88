//! The sessions of the application: which roles log in, and what their sessions start with.

use crate::database::access::roles::Actor;
use crate::database::catalog::{PUBLIC, Role, Setting};
use crate::database::context::Context;
use crate::database::requirements::statements::identifier;

/// The role of the application itself, and the roles that log in and can become it. A superuser can become any role, but
/// is not one of the application.
pub fn roles<'c>(context: &Context<'c>, app: &Actor<'c>) -> Vec<&'c Role> {
    let catalog = context.catalog;
    let members = catalog.roles().filter(|role| {
        let is_other = role.oid != app.role.oid && role.can_log_in && !role.superuser;
        is_other && Actor::new(catalog, role).reaches(app.role.oid)
    });
    std::iter::once(app.role).chain(members).collect()
}

/// Whether sessions of the application start with a setting.
pub fn start_with<'c>(context: &Context<'c>, app: &Actor<'c>, setting: &Setting) -> bool {
    let mut roles = roles(context, app).into_iter();
    setting.role == PUBLIC || roles.any(|role| role.oid == setting.role)
}

/// Where a setting comes from, as a fact of a finding.
pub fn source(context: &Context<'_>, setting: &Setting) -> String {
    if setting.of_server {
        return format!("the configuration of the server sets `{}`", setting.name);
    }
    let of_role = if setting.role == PUBLIC {
        "every role".to_string()
    } else {
        format!("role `{}`", context.catalog.role_name(setting.role))
    };
    let place = if setting.in_database {
        " in this database"
    } else {
        ""
    };
    format!(
        "`pg_db_role_setting` sets `{}` for {of_role}{place}",
        setting.name
    )
}

/// The fix that removes a setting.
pub fn reset(context: &Context<'_>, setting: &Setting) -> String {
    if setting.of_server {
        return format!("remove `{}` from the configuration of the server", setting.name);
    }
    let parts: Vec<String> = setting.name.split('.').map(identifier).collect();
    let name = parts.join(".");
    let database = identifier(&context.catalog.server.database);
    let role = context
        .catalog
        .role_of(setting.role)
        .map(|role| identifier(&role.name));
    match (role, setting.in_database) {
        (Some(role), true) => format!("ALTER ROLE {role} IN DATABASE {database} RESET {name};"),
        (Some(role), false) => format!("ALTER ROLE {role} RESET {name};"),
        (None, true) => format!("ALTER DATABASE {database} RESET {name};"),
        (None, false) => format!("ALTER ROLE ALL RESET {name};"),
    }
}

/// The schemas in which sessions of a role look for a table: <https://www.postgresql.org/docs/current/ddl-schemas.html>.
pub fn search_path(context: &Context<'_>, app: &Actor<'_>) -> Vec<String> {
    search_path_of(context, app, app.role)
}

/// The schemas in which sessions look for a table whose role has logged in as another one.
pub fn search_path_of(context: &Context<'_>, app: &Actor<'_>, login: &Role) -> Vec<String> {
    const DEFAULT: &str = "\"$user\", public";
    let settings = context.catalog.settings.iter();
    let own = settings.filter(|one| {
        one.name == "search_path" && (one.role == PUBLIC || one.role == login.oid) && !one.of_server
    });
    let most_particular = own.max_by_key(|one| (one.role != PUBLIC, one.in_database));
    let path = most_particular.map_or(DEFAULT, |one| one.value.as_str());
    let schemas = identifiers(path).into_iter();
    let own = |schema: String| {
        if schema == "$user" {
            app.role.name.clone()
        } else {
            schema
        }
    };
    schemas.map(own).collect()
}

/// A list of identifiers, in which those without quotes are in lower case.
pub fn identifiers(list: &str) -> Vec<String> {
    let (mut found, mut current, mut is_quoted) = (vec![], String::new(), false);
    let mut characters = list.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if is_quoted && characters.peek() == Some(&'"') => {
                characters.next();
                current.push('"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => found.push(std::mem::take(&mut current)),
            other if is_quoted => current.push(other),
            space if space.is_whitespace() => {}
            other => current.extend(other.to_lowercase()),
        }
    }
    found.push(current);
    found.retain(|one| !one.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing::Database;

    #[test]
    fn lists_of_identifiers() {
        assert_eq!(identifiers("\"$user\", public"), ["$user", "public"]);
        assert_eq!(
            identifiers("\"$user\", Public, \"a\"\"b\""),
            ["$user", "public", "a\"b"]
        );
        assert_eq!(
            identifiers("Billing,\"a, \"\"b\"\"\" ,, pg_temp"),
            ["billing", "a, \"b\"", "pg_temp"]
        );
        assert_eq!(identifiers(""), [""; 0]);
    }

    fn path(change: impl FnOnce(&mut Database)) -> Vec<String> {
        let mut database = Database::sound();
        change(&mut database);
        database.inspect(|context| search_path(context, &context.app_roles[0]))
    }

    #[test]
    fn the_most_particular_search_path_counts() {
        assert_eq!(path(|_| ()), ["app", "public"]);
        let set = |it: &mut Database| {
            it.setting("PUBLIC", "search_path", "everybody").in_database = true;
            it.setting("owner", "search_path", "other");
        };
        assert_eq!(path(set), ["everybody"]);
        assert_eq!(
            path(|it| {
                it.setting("app", "search_path", "billing, public");
                set(it);
            }),
            ["billing", "public"]
        );
    }
}
