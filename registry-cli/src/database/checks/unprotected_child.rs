//! Partitions and inheritance children that lack the protection of their table.

use table_registry_engine::DatabaseCheck;

use crate::database::CHANGES;
use crate::database::catalog::Relation;
use crate::database::context::{Context, Table};
use crate::database::finding::Finding;
use crate::database::openings::revoke;
use crate::database::relatives::{ANY, lacking};
use crate::database::requirements::Object;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        for child in context.catalog.descendants(relation.oid) {
            findings.extend(if child.is_foreign_table() {
                foreign_child(context, table, child)
            } else {
                unprotected(context, table, child)
            });
        }
    }
    findings
}

fn unprotected(context: &Context<'_>, table: &Table<'_>, child: &Relation) -> Option<Finding> {
    let lacking = lacking(context, table, child, Object::Child);
    let fix = lacking.fix()?;
    let message = format!(
        "{} `{}` lacks the protection of table `{}`",
        kind(child),
        child.name,
        table.name()
    );
    let mut finding = Finding::of_table(DatabaseCheck::UnprotectedChild, table.name(), message, fix);
    finding.facts = lacking.facts;
    Some(finding.object(&child.name))
}

fn foreign_child(context: &Context<'_>, table: &Table<'_>, child: &Relation) -> Option<Finding> {
    let wanted: &[&str] = if table.has_rls() { &ANY } else { &CHANGES };
    let is_protected = table.has_rls() || table.registered.append_only;
    if !is_protected || !context.is_used(child, wanted) {
        return None;
    }
    let message = format!(
        "{} `{}` of table `{}` is a foreign table, which nothing protects here",
        kind(child),
        child.name,
        table.name()
    );
    let fix = revoke(context, child, wanted);
    let finding = Finding::of_table(DatabaseCheck::UnprotectedChild, table.name(), message, fix);
    Some(
        finding
            .object(&child.name)
            .fact("foreign tables have no row-level security"),
    )
}

fn kind(child: &Relation) -> &'static str {
    if child.is_partition {
        "partition"
    } else {
        "inheritance child"
    }
}
