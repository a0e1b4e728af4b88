//! Append-only tables whose rows the application may change.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;
use crate::database::grants::{OpenGrant, open_grants};
use crate::database::requirements::Requirement;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let open = context.unmet(Requirement::RevokedChanges);
    open.flat_map(|(table, relation)| {
        let grants = open_grants(context, relation).into_iter();
        grants.map(move |grant| finding(context, table, relation, grant))
    })
    .collect()
}

fn finding(context: &Context<'_>, table: &Table<'_>, relation: &Relation, grant: OpenGrant) -> Finding {
    let message = format!(
        "append-only table `{}` is open to {}",
        table.name(),
        grant.privileges.join(", ")
    );
    let fix = grant.revoke(context, relation);
    Finding::of_table(DatabaseCheck::AppendOnlyPrivilege, table.name(), message, fix)
        .object(context.catalog.role_name(grant.grantee))
        .fact(grant.way)
        .fact(format!(
            "granted by `{}`",
            context.catalog.role_name(grant.grantor)
        ))
}
