//! Tables that show the rows of a registered table, which is a partition or an inheritance child of them.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;
use crate::database::relatives::lacking;
use crate::database::requirements::Object;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let parents = context.catalog.ancestors(relation.oid).into_iter();
        let parents = parents.filter_map(|parent| context.catalog.relation_of(parent));
        findings.extend(parents.filter_map(|parent| unprotected(context, table, parent)));
    }
    findings
}

fn unprotected(context: &Context<'_>, table: &Table<'_>, parent: &Relation) -> Option<Finding> {
    let lacking = lacking(context, table, parent, Object::Parent);
    let fix = lacking.fix()?;
    let message = format!(
        "parent `{}` lacks the protection of table `{}`",
        parent.name,
        table.name()
    );
    let mut finding = Finding::of_table(DatabaseCheck::UnprotectedParent, table.name(), message, fix);
    finding.facts = lacking.facts;
    Some(finding.object(&parent.name))
}
