//! The grants by which the application can change rows that it should not.

use std::collections::BTreeMap;

use table_registry_engine::Access;

use crate::database::access::roles::Actor;
use crate::database::catalog::{Catalog, Grant, Oid, PUBLIC, Relation};
use crate::database::context::Context;
use crate::database::requirements::statements::identifier;
use crate::database::{CHANGES, WRITES};

/// The privileges that the application must not hold on a table of this access.
pub fn revoked(access: Access) -> &'static [&'static str] {
    match access {
        Access::ReadWrite => &[],
        Access::AppendOnly => CHANGES,
        Access::ReadOnly => WRITES,
    }
}

/// The privileges on a protected table that no policy binds, and those of an append-only table that its own list leaves
/// out. PostgreSQL 17 added MAINTAIN.
pub fn unbound(access: Access) -> &'static [&'static str] {
    match access {
        Access::ReadWrite => &["TRUNCATE", "REFERENCES", "TRIGGER", MAINTAIN],
        Access::AppendOnly | Access::ReadOnly => &["REFERENCES", "TRIGGER", MAINTAIN],
    }
}

/// A privilege that servers before PostgreSQL 17 do not know.
pub const MAINTAIN: &str = "MAINTAIN";

/// Privileges that one grantor granted to one grantee.
pub struct OpenGrant {
    pub grantor: Oid,
    pub grantee: Oid,
    /// `UPDATE`, or `UPDATE ("a", "b")`.
    pub privileges: Vec<String>,
    /// Whether the grantee may have granted them to others.
    is_grantable: bool,
    /// How a role of the application obtains the privileges.
    pub way: String,
}

impl OpenGrant {
    /// The statement that revokes the privileges. It runs as the grantor, because REVOKE affects only what the
    /// current role has granted.
    pub fn revoke(&self, context: &Context<'_>, relation: &Relation) -> String {
        let cascade = if self.is_grantable { " CASCADE" } else { "" };
        let revoke = format!(
            "REVOKE {} ON TABLE {} FROM {}{cascade};",
            self.privileges.join(", "),
            relation.qualified(),
            context.catalog.grantee(self.grantee)
        );
        if self.grantor == relation.owner {
            return revoke;
        }
        let grantor = identifier(context.catalog.role_name(self.grantor));
        format!("SET ROLE {grantor}; {revoke} RESET ROLE;")
    }
}

/// The grants of some privileges through which a role of the application holds them.
pub fn open_grants(context: &Context<'_>, relation: &Relation, wanted: &[&str]) -> Vec<OpenGrant> {
    grants(context, relation, wanted, |grantee| {
        context.app_role_reaching(grantee)
    })
}

/// The grants of some privileges to grantees that a role reaches, as the last argument says. The owner's own privileges
/// are no grants.
pub fn grants<'x, 'c: 'x>(
    context: &Context<'_>,
    relation: &Relation,
    wanted: &[&str],
    reaching: impl Fn(Oid) -> Option<&'x Actor<'c>>,
) -> Vec<OpenGrant> {
    let mut groups: BTreeMap<(Oid, Oid), Vec<&Grant>> = BTreeMap::new();
    for grant in context.catalog.grants(relation.oid) {
        // `app_role_owns_table` reports roles that can become the owner.
        if wanted.contains(&grant.privilege.as_str()) && grant.grantee != relation.owner {
            groups
                .entry((grant.grantor, grant.grantee))
                .or_default()
                .push(grant);
        }
    }
    let open = groups.into_iter().filter_map(|((grantor, grantee), grants)| {
        let actor = reaching(grantee)?;
        Some(OpenGrant {
            grantor,
            grantee,
            privileges: privileges(&grants),
            is_grantable: grants.iter().any(|grant| grant.is_grantable),
            way: way(context.catalog, actor, grantee),
        })
    });
    open.collect()
}

fn privileges(grants: &[&Grant]) -> Vec<String> {
    let mut by_name: BTreeMap<&str, Vec<Option<&str>>> = BTreeMap::new();
    for grant in grants {
        by_name
            .entry(&grant.privilege)
            .or_default()
            .push(grant.column.as_deref());
    }
    let texts = by_name.into_iter().map(|(name, columns)| {
        // If one grant is on the whole table, REVOKE has to be on the whole table, too.
        let named: Option<Vec<String>> = columns.into_iter().map(|column| column.map(identifier)).collect();
        match named {
            Some(columns) => format!("{name} ({})", columns.join(", ")),
            None => name.to_string(),
        }
    });
    texts.collect()
}

/// How a role obtains what was granted to a grantee.
pub fn way(catalog: &Catalog, app: &Actor<'_>, grantee: Oid) -> String {
    match grantee {
        PUBLIC => "granted to PUBLIC, and so to every role".to_string(),
        own if own == app.role.oid => format!("granted to `{}`", app.role.name),
        group => format!("granted to `{}`: {}", catalog.role_name(group), app.way_to(group)),
    }
}
