//! Append-only tables whose rows the application may change.

use crate::database::access::revocations;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::Requirement;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let found = revocations::findings(context, Requirement::RevokedChanges, |table, grant| {
        format!(
            "append-only table `{}` is open to {}",
            table.name(),
            grant.privileges.join(", ")
        )
    });
    found.into_iter().map(|(finding, _)| finding).collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_privilege_of_the_application() {
        assert_eq!(
            found(find, |it| {
                it.grant("UPDATE", "audit_logs", "app");
            }),
            ["audit_logs app"]
        );
    }

    #[test]
    fn a_privilege_of_everybody() {
        assert_eq!(
            found(find, |it| {
                it.grant("TRUNCATE", "audit_logs", "PUBLIC");
            }),
            ["audit_logs PUBLIC"]
        );
    }

    #[test]
    fn a_privilege_of_a_group() {
        assert_eq!(
            found(find, |it| {
                it.add_group("writers");
                it.grant("DELETE", "audit_logs", "writers");
            }),
            ["audit_logs writers"]
        );
    }

    #[test]
    fn a_privilege_on_columns() {
        let found = findings(find, |it| {
            it.grant("UPDATE", "audit_logs", "app").column = Some("reason".to_string());
        });
        let fix = "REVOKE UPDATE (\"reason\") ON TABLE \"public\".\"audit_logs\" FROM \"app\";";
        assert_eq!(found[0].fix, fix);
    }

    /// Only the grantor can take a privilege away.
    #[test]
    fn a_privilege_that_another_role_granted() {
        let found = findings(find, |it| {
            let clerk = it.add_role("clerk").oid;
            it.grant("UPDATE", "audit_logs", "app").grantor = clerk;
        });
        assert!(
            found[0].fix.starts_with("SET ROLE \"clerk\"; REVOKE "),
            "{}",
            found[0].fix
        );
    }

    #[test]
    fn a_privilege_of_the_owner() {
        assert_eq!(
            found(find, |it| {
                it.grant("UPDATE", "audit_logs", "owner");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_privilege_of_another_role() {
        assert_eq!(
            found(find, |it| {
                it.add_role("backup");
                it.grant("UPDATE", "audit_logs", "backup");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_table_that_is_not_append_only() {
        assert_eq!(
            found(find, |it| {
                it.grant("TRUNCATE", "invoices", "app");
            }),
            NOTHING
        );
    }
}
