//! Tables whose row-level security does not apply to their owner.

use table_registry_engine::DatabaseCheck;

use crate::database::context::Context;
use crate::database::findings::finding::{Finding, Remedy};
use crate::database::requirements::Requirement;
use crate::database::requirements::statements::force_rls;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let not_forced = Requirement::ForcedRowSecurity.unmet(context);
    not_forced
        .map(|(table, relation)| {
            Finding::of_table(
                DatabaseCheck::RlsNotForced,
                table.name(),
                format!(
                    "row-level security of table `{}` does not apply to its owner",
                    table.name()
                ),
                force_rls(&table.qualified),
            )
            .object(context.catalog.role_name(relation.owner))
            .fact("`pg_class.relforcerowsecurity` is false")
            .fixed_by(Remedy::Requirements)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{Database, NOTHING, found};

    #[test]
    fn row_level_security_that_does_not_apply_to_the_owner() {
        assert_eq!(
            found(find, |it| { it.relation("invoices").force_row_security = false }),
            ["invoices owner"]
        );
    }

    #[test]
    fn the_policy_file_can_switch_it_off() {
        let not_forced = found(find, |it| {
            it.relation("invoices").force_row_security = false;
            it.policy_file.push_str("force_rls = false\n");
        });
        assert_eq!(not_forced, NOTHING);
    }

    /// FORCE binds no owner who ignores policies anyway, but a role that inherits the rights of such an owner.
    #[test]
    fn an_owner_to_whom_policies_never_apply() {
        let not_forced = |owner: &'static str, change: fn(&mut Database)| {
            found(find, move |it| {
                change(it);
                let owner = it.role_oid(owner);
                it.relation("invoices").force_row_security = false;
                it.relation("invoices").owner = owner;
            })
        };
        assert_eq!(not_forced("postgres", |_| ()), NOTHING);
        let bypasses = |it: &mut Database| it.role("owner").bypass_rls = true;
        assert_eq!(not_forced("owner", bypasses), NOTHING);
        for owner in ["owner", "postgres"] {
            let reached = found(find, |it| {
                bypasses(it);
                it.add_member(owner, "app");
                let owner = it.role_oid(owner);
                it.relation("invoices").force_row_security = false;
                it.relation("invoices").owner = owner;
            });
            assert_eq!(reached, [format!("invoices {owner}")]);
        }
        // The attributes of a group are not those of its members.
        let of_member = not_forced("owner", |it| {
            it.add_role("admins").bypass_rls = true;
            it.add_member("admins", "owner");
        });
        assert_eq!(of_member, ["invoices owner"]);
    }

    #[test]
    fn where_it_is_off_another_check_reports_it() {
        assert_eq!(
            found(find, |it| {
                it.relation("invoices").row_security = false;
                it.relation("invoices").force_row_security = false;
            }),
            NOTHING
        );
    }
}
