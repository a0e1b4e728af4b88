//! Partitions and inheritance children that lack the protection of their table.

use table_registry_engine::DatabaseCheck;

use crate::database::CHANGES;
use crate::database::catalog::Relation;
use crate::database::code::openings::revoke;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::{Finding, Remedy};
use crate::database::requirements::Object;
use crate::database::requirements::relatives::{ANY, lacking};

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
    let unmet = lacking(context, table, child, Object::Child);
    let fix = unmet.fix()?;
    let message = format!(
        "{} `{}` lacks the protection of table `{}`",
        kind(child),
        child.name,
        table.name()
    );
    let mut finding = Finding::of_table(DatabaseCheck::UnprotectedChild, table.name(), message, fix);
    finding.facts = unmet.facts;
    Some(
        finding
            .object(context.name_of(child))
            .fixed_by(Remedy::Requirements),
    )
}

fn foreign_child(context: &Context<'_>, table: &Table<'_>, child: &Relation) -> Option<Finding> {
    let wanted: &[&str] = if table.has_rls() { ANY } else { CHANGES };
    let is_protected = table.has_rls() || table.registered.access.is_append_only();
    if !is_protected || !context.is_used(child, wanted) {
        return None;
    }
    let message = format!(
        "{} `{}` of table `{}` is a foreign table, which cannot be protected here",
        kind(child),
        child.name,
        table.name()
    );
    let fix = revoke(context, child, wanted);
    let finding = Finding::of_table(DatabaseCheck::UnprotectedChild, table.name(), message, fix);
    Some(
        finding
            .object(context.name_of(child))
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

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_child_without_row_level_security() {
        assert_eq!(
            found(find, |it| {
                it.child("old", "r", "invoices");
                it.grant("SELECT", "old", "app");
            }),
            ["invoices old"]
        );
    }

    #[test]
    fn a_child_whose_owner_sees_all() {
        let found = findings(find, |it| {
            it.child("old", "r", "invoices");
            it.grant("SELECT", "old", "app");
            it.relation("old").row_security = true;
        });
        let force = "ALTER TABLE \"public\".\"old\" FORCE ROW LEVEL SECURITY;";
        assert_eq!(found[0].fix, force);
    }

    /// A child that a superuser has made by hand should have the owner of its table.
    #[test]
    fn an_owner_to_whom_policies_never_apply() {
        let not_forced = |table_too: bool| {
            found(find, move |it| {
                it.child("old_invoices", "r", "invoices");
                it.grant("SELECT", "old_invoices", "app");
                it.relation("old_invoices").row_security = true;
                it.role("owner").bypass_rls = table_too;
                it.relation("old_invoices").owner = it.role_oid("postgres");
            })
        };
        assert_eq!(not_forced(false), ["invoices old_invoices"]);
        assert_eq!(not_forced(true), NOTHING);
    }

    #[test]
    fn a_grandchild() {
        assert_eq!(
            found(find, |it| {
                it.child("old", "r", "invoices");
                it.child("older", "r", "old");
                it.grant("SELECT", "older", "app");
            }),
            ["invoices older"]
        );
    }

    #[test]
    fn a_child_whose_rows_can_be_changed() {
        assert_eq!(
            found(find, |it| {
                it.child("old", "r", "audit_logs");
                it.add_trigger("old");
                it.grant("DELETE", "old", "app");
                it.secure("old");
            }),
            ["audit_logs old"]
        );
    }

    #[test]
    fn a_child_open_to_what_no_policy_binds() {
        for privilege in ["TRUNCATE", "TRIGGER", "REFERENCES"] {
            let of_child = findings(find, |it| {
                it.child("old", "r", "invoices");
                it.grant(privilege, "old", "app");
                it.secure("old");
            });
            let fix = format!("REVOKE {privilege} ON TABLE \"public\".\"old\" FROM \"app\";");
            assert_eq!(of_child[0].fix, fix);
        }
    }

    #[test]
    fn a_child_without_a_trigger() {
        assert_eq!(
            found(find, |it| { it.child("old", "r", "audit_logs") }),
            ["audit_logs old"]
        );
    }

    #[test]
    fn a_foreign_child() {
        assert_eq!(
            found(find, |it| {
                it.child("old", "f", "invoices");
                it.grant("SELECT", "old", "app");
            }),
            ["invoices old"]
        );
    }

    #[test]
    fn a_child_that_the_application_cannot_use() {
        assert_eq!(
            found(find, |it| {
                it.child("old", "r", "invoices");
                it.child("far", "f", "invoices");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_protected_child() {
        assert_eq!(
            found(find, |it| {
                it.child("old", "r", "audit_logs");
                it.secure("old");
                it.grant("SELECT", "old", "app");
                it.add_trigger("old");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_child_of_a_system_table() {
        assert_eq!(
            found(find, |it| {
                it.child("old", "r", "users");
                it.grant("SELECT", "old", "app");
            }),
            NOTHING
        );
    }
}
