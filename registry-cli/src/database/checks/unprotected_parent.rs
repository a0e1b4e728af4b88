//! Tables that show the rows of a registered table because it is their partition or inheritance child.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::code::openings::revoke;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::Finding;
use crate::database::requirements::Object;
use crate::database::requirements::relatives::lacking;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (table, relation) in context.present() {
        let ancestors = context.catalog.ancestors(relation.oid).into_iter();
        let parents = ancestors.filter_map(|parent| context.catalog.relation_of(parent));
        findings.extend(parents.filter_map(|parent| unprotected(context, table, parent)));
    }
    findings
}

fn unprotected(context: &Context<'_>, table: &Table<'_>, parent: &Relation) -> Option<Finding> {
    let mut unmet = lacking(context, table, parent, Object::Parent);
    // The privileges on an append-only table are a requirement.
    let is_emptied = table.has_rls()
        && !table.registered.access.is_append_only()
        && context.table_of(parent.oid).is_none()
        && context.is_used(parent, &["TRUNCATE"]);
    if is_emptied {
        unmet.add(
            "TRUNCATE of the parent empties the table for all tenants, and needs no privilege on the table",
            revoke(context, parent, &["TRUNCATE"]),
        );
    }
    let fix = unmet.fix()?;
    let message = format!(
        "parent `{}` lacks the protection of table `{}`",
        parent.name,
        table.name()
    );
    let mut finding = Finding::of_table(DatabaseCheck::UnprotectedParent, table.name(), message, fix);
    finding.facts = unmet.facts;
    Some(finding.object(context.name_of(parent)))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::catalog::Inheritance;
    use crate::database::testing::{Database, NOTHING, found};

    /// Makes a table the child of a new table `root` on which the application holds a privilege.
    fn under_root(it: &mut Database, table: &str, privilege: &str) {
        it.table("root", &[]);
        it.grant(privilege, "root", "app");
        let (child, parent) = (it.oid(table), it.oid("root"));
        it.rows.inheritance.push(Inheritance { child, parent });
    }

    #[test]
    fn a_parent_without_row_level_security() {
        assert_eq!(
            found(find, |it| { under_root(it, "invoices", "SELECT") }),
            ["invoices root"]
        );
    }

    #[test]
    fn a_parent_whose_rows_can_be_changed() {
        assert_eq!(
            found(find, |it| {
                under_root(it, "audit_logs", "DELETE");
                it.secure("root");
            }),
            ["audit_logs root"]
        );
    }

    #[test]
    fn a_parent_that_can_be_emptied() {
        let emptied = |privilege: &str| {
            found(find, |it| {
                under_root(it, "invoices", privilege);
                it.secure("root");
            })
        };
        assert_eq!(emptied("TRUNCATE"), ["invoices root"]);
        assert_eq!(emptied("DELETE"), NOTHING);
    }

    #[test]
    fn a_parent_needs_no_trigger() {
        assert_eq!(
            found(find, |it| {
                under_root(it, "audit_logs", "SELECT");
                it.secure("root");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_protected_parent() {
        assert_eq!(
            found(find, |it| {
                under_root(it, "invoices", "SELECT");
                it.secure("root");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_parent_that_the_application_cannot_use() {
        assert_eq!(
            found(find, |it| {
                under_root(it, "invoices", "SELECT");
                it.rows.grants.pop();
            }),
            NOTHING
        );
    }

    /// A trigger of a partitioned table fires for its partitions, and TRUNCATE empties them.
    #[test]
    fn a_parent_open_to_what_no_policy_binds() {
        for privilege in ["TRUNCATE", "TRIGGER"] {
            assert_eq!(
                found(find, |it| {
                    under_root(it, "invoices", privilege);
                    it.secure("root");
                }),
                ["invoices root"]
            );
        }
    }
}
