//! Privileges on protected tables that no policy binds.

use crate::database::access::grants::MAINTAIN;
use crate::database::access::revocations;
use crate::database::context::Context;
use crate::database::findings::finding::Finding;
use crate::database::requirements::Requirement;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let found = revocations::findings(context, Requirement::RevokedUnbound, |table, grant| {
        format!(
            "table `{}` is open to {}, which no policy binds",
            table.name(),
            grant.privileges.join(", ")
        )
    });
    let explained = found.into_iter().map(|(finding, grant)| {
        let opened = grant.privileges.iter().filter_map(|one| opened(one));
        opened.fold(finding, Finding::fact)
    });
    explained.collect()
}

/// What a privilege, perhaps one on columns, lets a role do.
fn opened(privilege: &str) -> Option<&'static str> {
    Some(match privilege.split(' ').next()? {
        "TRUNCATE" => "TRUNCATE empties the table for every tenant",
        "TRIGGER" => "a trigger of the role runs as whoever writes to the table",
        "REFERENCES" => {
            "a foreign key of the role tells which rows other tenants have, and keeps them from being deleted"
        }
        MAINTAIN => "LOCK TABLE and CLUSTER keep every tenant waiting",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn each_privilege_that_no_policy_binds() {
        for privilege in ["TRUNCATE", "REFERENCES", "TRIGGER", "MAINTAIN"] {
            assert_eq!(
                found(find, |it| {
                    it.grant(privilege, "invoices", "app");
                }),
                ["invoices app"],
                "{privilege}"
            );
        }
    }

    #[test]
    fn privileges_that_policies_bind() {
        assert_eq!(found(find, |_| ()), NOTHING);
    }

    /// `append_only_privilege` reports TRUNCATE on it.
    #[test]
    fn an_append_only_table() {
        let of_logs = findings(find, |it| {
            for privilege in ["TRUNCATE", "TRIGGER"] {
                it.grant(privilege, "audit_logs", "app");
            }
        });
        let message = "table `audit_logs` is open to TRIGGER, which no policy binds";
        assert_eq!(of_logs[0].message, message);
        let fix = "REVOKE TRIGGER ON TABLE \"public\".\"audit_logs\" FROM \"app\";";
        assert_eq!(of_logs[0].fix, fix);
    }

    #[test]
    fn a_privilege_of_everybody_and_one_of_a_group() {
        assert_eq!(
            found(find, |it| {
                it.grant("TRIGGER", "invoices", "PUBLIC");
                it.add_group("writers");
                it.grant("TRUNCATE", "invoices", "writers");
            }),
            ["invoices PUBLIC", "invoices writers"]
        );
    }

    #[test]
    fn a_reference_to_one_column() {
        let of_column = findings(find, |it| {
            it.grant("REFERENCES", "invoices", "app").column = Some("id".to_string());
        });
        let fix = "REVOKE REFERENCES (\"id\") ON TABLE \"public\".\"invoices\" FROM \"app\";";
        assert_eq!(of_column[0].fix, fix);
    }

    #[test]
    fn privileges_of_other_roles() {
        assert_eq!(
            found(find, |it| {
                it.add_role("backup");
                it.grant("TRIGGER", "invoices", "backup");
                it.grant("TRIGGER", "invoices", "owner");
            }),
            NOTHING
        );
    }

    #[test]
    fn a_table_without_row_level_security() {
        assert_eq!(
            found(find, |it| {
                it.grant("TRUNCATE", "users", "app");
            }),
            NOTHING
        );
    }
}
