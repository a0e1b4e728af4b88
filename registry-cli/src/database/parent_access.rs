//! The SELECT that a role of the application needs on the parent of a table: policies read other tables with the
//! privileges of whoever runs the statement.

use table_registry_engine::{Parent, Tenancy};

use super::catalog::Relation;
use super::context::Context;
use super::relatives::ANY;
use super::roles::Actor;
use super::statements::{Qualified, qualified};
use crate::project::Project;

/// The columns of a parent that the policies of its child read.
pub fn read_columns(project: &Project, parent: &Parent) -> Option<(Qualified, Vec<String>)> {
    let table = project.registry.table(&parent.table)?;
    let mut columns = parent.keys.clone();
    match &table.tenancy {
        Tenancy::Column { name, .. } => columns.push(name.clone()),
        Tenancy::Through(next) => columns.extend(next.columns.iter().cloned()),
        _ => {}
    }
    columns.sort();
    columns.dedup();
    let name = qualified(&project.policy.database, &table.name, table.schema.as_deref());
    Some((name, columns))
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
