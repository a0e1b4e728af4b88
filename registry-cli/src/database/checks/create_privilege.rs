//! Roles of the application that may create what others then find.

use std::collections::{BTreeMap, BTreeSet};

use table_registry_engine::DatabaseCheck;

use crate::database::access::logins;
use crate::database::access::roles::Actor;
use crate::database::catalog::{Oid, SchemaRow};
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::statements::identifier;
use crate::text::quoted;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = searched(context)
        .into_values()
        .filter_map(|(schema, apps)| in_schema(context, schema, &apps))
        .collect();
    findings.extend(in_database(context));
    findings
}

/// The schemas in which tables are looked for: those of the search paths of the application and of SECURITY DEFINER
/// functions, and those of registered tables. Each with the roles that look there.
fn searched<'x, 'c>(context: &'x Context<'c>) -> BTreeMap<&'x str, (&'x SchemaRow, Vec<&'x Actor<'c>>)> {
    let registered = schemas_of_tables(context);
    let mut searched: BTreeMap<&str, (&SchemaRow, Vec<&Actor<'_>>)> = BTreeMap::new();
    for app in &context.app_roles {
        let logins = logins::roles(context, app).into_iter();
        let path = logins.flat_map(|login| logins::search_path_of(context, app, login));
        let named = path.chain(registered.iter().map(ToString::to_string));
        let named: BTreeSet<String> = named.chain(paths_of_definers(context)).collect();
        for schema in named.iter().filter_map(|name| context.catalog.schemas.get(name)) {
            let apps = searched.entry(&schema.name).or_insert((schema, Vec::new()));
            apps.1.push(app);
        }
    }
    searched
}

/// The search paths of SECURITY DEFINER functions.
fn paths_of_definers(context: &Context<'_>) -> impl Iterator<Item = String> {
    let paths = context
        .catalog
        .definers()
        .filter_map(|function| function.search_path.as_deref());
    paths.flat_map(logins::identifiers)
}

fn schemas_of_tables<'x>(context: &'x Context<'_>) -> BTreeSet<&'x str> {
    context
        .present()
        .map(|(_, relation)| relation.schema.as_str())
        .collect()
}

fn in_schema(context: &Context<'_>, schema: &SchemaRow, apps: &[&Actor<'_>]) -> Option<Finding> {
    let name = &schema.name;
    // `app_role_owns_table` reports owners of schemas with registered tables.
    let is_reported = schemas_of_tables(context).contains(name.as_str());
    let owning = apps.iter().find(|app| app.reaches(schema.owner));
    let sql = format!("SCHEMA {}", identifier(name));
    if let Some(app) = owning {
        let message = format!(
            "role `{}` owns schema `{name}`, in which it looks for tables",
            app.role.name
        );
        let fix = format!("ALTER {sql} OWNER TO …;");
        return (!is_reported).then(|| finding(&[app], message, fix, &format!("CREATE on schema {name}")));
    }
    let creating = creating(&schema.creators, apps);
    let creators = names(&creating);
    let message = format!("{} may create objects in schema `{name}`", quoted(&creators));
    let fix = revoke(context, &sql, &schema.creators, &creating);
    (!creating.is_empty()).then(|| finding(&creating, message, fix, &format!("CREATE on schema {name}")))
}

/// A role may create a schema with the name of another role, which that role's search path starts with.
fn in_database(context: &Context<'_>) -> Option<Finding> {
    let server = &context.catalog.server;
    let apps: Vec<&Actor<'_>> = context.app_roles.iter().collect();
    let others: Vec<&Actor<'_>> = apps
        .into_iter()
        .filter(|app| !app.reaches(server.owner))
        .collect();
    let creating = creating(&server.creators, &others);
    let message = format!(
        "{} may create schemas in database `{}`",
        quoted(names(&creating)),
        server.database
    );
    let sql = format!("DATABASE {}", identifier(&server.database));
    let fix = revoke(context, &sql, &server.creators, &creating);
    (!creating.is_empty()).then(|| finding(&creating, message, fix, "CREATE on database"))
}

fn creating<'x, 'c>(creators: &[Oid], apps: &[&'x Actor<'c>]) -> Vec<&'x Actor<'c>> {
    let may = |app: &&&Actor<'_>| creators.iter().any(|role| app.reaches(*role));
    apps.iter().filter(may).copied().collect()
}

fn names<'x>(apps: &[&'x Actor<'_>]) -> Vec<&'x str> {
    apps.iter().map(|app| app.role.name.as_str()).collect()
}

fn revoke(context: &Context<'_>, object: &str, creators: &[Oid], apps: &[&Actor<'_>]) -> String {
    let held = creators
        .iter()
        .filter(|role| apps.iter().any(|app| app.reaches(**role)));
    let grantees: BTreeSet<String> = held.map(|role| context.catalog.grantee(*role)).collect();
    let grantees: Vec<String> = grantees.into_iter().collect();
    format!("REVOKE CREATE ON {object} FROM {};", grantees.join(", "))
}

fn finding(apps: &[&Actor<'_>], message: String, fix: String, privilege: &str) -> Finding {
    let names = names(apps);
    Finding::of_role(DatabaseCheck::CreatePrivilege, names[0], message, fix)
        .about(&names)
        .object(privilege)
        .fact("what one session creates there, sessions of every tenant find, perhaps in place of something else")
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::PUBLIC;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_schema_in_which_a_definer_function_looks() {
        let creates = |is_definer: bool| {
            found(find, move |it| {
                it.add_schema("tools", &["app"]);
                let function = it.function("f", "SELECT count(*) FROM users");
                function.search_path = Some("tools, public, pg_temp".to_string());
                function.is_definer = is_definer;
            })
        };
        assert_eq!(creates(true), ["- CREATE on schema tools"]);
        assert_eq!(creates(false), NOTHING);
    }

    #[test]
    fn a_schema_of_registered_tables() {
        let in_public = findings(find, |it| it.rows.schemas[0].creators.push(PUBLIC));
        assert_eq!(
            in_public[0].message,
            "`app` may create objects in schema `public`"
        );
        assert_eq!(
            in_public[0].fix,
            "REVOKE CREATE ON SCHEMA \"public\" FROM PUBLIC;"
        );
    }

    #[test]
    fn a_schema_of_the_search_path() {
        assert_eq!(
            found(find, |it| {
                it.add_schema("tools", &["app"]);
                it.setting("app", "search_path", "public, tools");
            }),
            ["- CREATE on schema tools"]
        );
        assert_eq!(found(find, |it| it.add_schema("tools", &["app"])), NOTHING);
        // The role that logs in decides about the path.
        assert_eq!(
            found(find, |it| {
                it.add_schema("tools", &["app"]);
                it.add_role("web");
                it.add_member("app", "web");
                it.setting("web", "search_path", "tools, public");
            }),
            ["- CREATE on schema tools"]
        );
    }

    #[test]
    fn a_schema_with_the_name_of_the_role() {
        assert_eq!(
            found(find, |it| {
                it.add_schema("app", &[]);
                it.rows.schemas[1].owner = it.role_oid("app");
            }),
            ["- CREATE on schema app"]
        );
    }

    #[test]
    fn the_database() {
        assert_eq!(
            found(find, |it| {
                let app = it.role_oid("app");
                it.rows.server.creators.push(app);
            }),
            ["- CREATE on database"]
        );
    }

    #[test]
    fn the_owner_creates() {
        assert_eq!(found(find, |_| ()), NOTHING);
    }
}
