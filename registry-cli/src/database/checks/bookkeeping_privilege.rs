//! Roles of the application that may change the records of a migration tool.

use table_registry_engine::DatabaseCheck;

use crate::database::access::bookkeeping::is_bookkeeping;
use crate::database::access::grants::open_grants;
use crate::database::catalog::Relation;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;

const WRITES: &[&str] = &["INSERT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER"];

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let relations = context.catalog.relations.iter();
    let of_tools = relations.filter(|relation| {
        let is_theirs = relation.is_table() && is_bookkeeping(&relation.name);
        is_theirs && context.table_of(relation.oid).is_none()
    });
    of_tools
        .filter_map(|relation| writable(context, relation))
        .collect()
}

fn writable(context: &Context<'_>, relation: &Relation) -> Option<Finding> {
    let apps = context.app_roles.iter();
    let writing = apps.filter(|app| app.enters(&relation.schema));
    let grants = open_grants(context, relation, WRITES);
    let names: Vec<&str> = writing
        .filter(|app| grants.iter().any(|grant| app.reaches(grant.grantee)))
        .map(|app| app.role.name.as_str())
        .collect();
    let first = names.first()?;
    let name = context.name_of(relation);
    let mut privileges: Vec<&str> = grants
        .iter()
        .flat_map(|grant| grant.privileges.iter().map(String::as_str))
        .collect();
    privileges.sort_unstable();
    privileges.dedup();
    let message = format!(
        "table `{name}`, in which a migration tool keeps its records, is open to {}",
        privileges.join(", ")
    );
    let fixes: Vec<String> = grants
        .iter()
        .map(|grant| grant.revoke(context, relation))
        .collect();
    let finding = Finding::of_role(
        DatabaseCheck::BookkeepingPrivilege,
        first,
        message,
        fixes.join(" "),
    );
    let facts = grants.into_iter().map(|grant| grant.way);
    let finding = facts.fold(finding.about(&names).object(name), Finding::fact);
    Some(
        finding
            .fact("`GRANT … ON ALL TABLES IN SCHEMA` and ALTER DEFAULT PRIVILEGES include it")
            .fact(
                "a migration that is recorded as applied never runs, such as the one that protects a table",
            ),
    )
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn records_that_the_application_can_change() {
        let open = findings(find, |it| {
            it.table("_sqlx_migrations", &[]);
            for privilege in ["SELECT", "INSERT", "DELETE"] {
                it.grant(privilege, "_sqlx_migrations", "app");
            }
        });
        let message = "table `_sqlx_migrations`, in which a migration tool keeps its records, is open to DELETE, INSERT";
        assert_eq!(open[0].message, message);
        let fix = "REVOKE DELETE, INSERT ON TABLE \"public\".\"_sqlx_migrations\" FROM \"app\";";
        assert_eq!(open[0].fix, fix);
    }

    #[test]
    fn records_that_the_application_can_only_read() {
        assert_eq!(
            found(find, |it| {
                it.table("__diesel_schema_migrations", &[]);
                it.grant("SELECT", "__diesel_schema_migrations", "app");
                it.grant("DELETE", "__diesel_schema_migrations", "owner");
            }),
            NOTHING
        );
    }

    #[test]
    fn records_in_a_schema_that_the_application_cannot_use() {
        let of_tool = |is_open: bool| {
            found(find, |it| {
                it.add_schema("drizzle", &[]);
                it.table("__drizzle_migrations", &[]);
                it.relation("__drizzle_migrations").schema = "drizzle".to_string();
                it.grant("DELETE", "__drizzle_migrations", "PUBLIC");
                if !is_open {
                    it.rows.schemas[1].users.clear();
                }
            })
        };
        assert_eq!(of_tool(true), ["- drizzle.__drizzle_migrations"]);
        assert_eq!(of_tool(false), NOTHING);
    }
}
