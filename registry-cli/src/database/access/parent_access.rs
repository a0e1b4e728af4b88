//! The SELECT that a role of the application needs on the parent of a table: policies read other tables with the
//! privileges of whoever runs the statement.

use table_registry_engine::{RegisteredTable, Tenancy};

use crate::database::access::roles::Actor;
use crate::database::catalog::Relation;
use crate::database::context::Context;
use crate::database::requirements::relatives::ANY;
use crate::database::requirements::statements::{Qualified, qualified};
use crate::project::Project;

/// A parent, or a parent of one, that the policies of a table read.
pub struct ReadParent<'p> {
    pub table: &'p RegisteredTable,
    pub name: Qualified,
    /// The columns that they read.
    pub columns: Vec<String>,
}

/// The parents that the policies of a table read, from the nearest on.
pub fn parents_read<'p>(project: &'p Project, table: &RegisteredTable) -> Vec<ReadParent<'p>> {
    let mut parents: Vec<ReadParent<'p>> = Vec::new();
    let mut tenancy = &table.tenancy;
    while let Tenancy::Through(parent) = tenancy {
        let known = |table: &&RegisteredTable| parents.iter().all(|one| one.table.name != table.name);
        let Some(found) = project.registry.table(&parent.table).filter(known) else {
            break;
        };
        let mut columns = parent.keys.clone();
        match &found.tenancy {
            Tenancy::Column { name, .. } => columns.push(name.clone()),
            Tenancy::Through(next) => columns.extend(next.columns.iter().cloned()),
            _ => {}
        }
        columns.sort();
        columns.dedup();
        parents.push(ReadParent {
            table: found,
            name: qualified(&project.policy.database, &found.name, found.schema.as_deref()),
            columns,
        });
        tenancy = &found.tenancy;
    }
    parents
}

/// The roles of the application that may use a child and not read these columns of its parent.
pub fn blind_roles<'x, 'c>(
    context: &'x Context<'c>,
    child: &'x Relation,
    parent: &'x Relation,
    columns: &'x [String],
) -> impl Iterator<Item = &'x Actor<'c>> {
    let bound = context.app_roles.iter().filter(|app| !app.ignores_policies());
    bound.filter(move |app| app.may(child, ANY) && !app.reads(parent, columns))
}
