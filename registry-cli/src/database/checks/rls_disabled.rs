//! Tables whose row-level security is off.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::context::{Context, Table};
use crate::database::findings::finding::{Finding, Remedy};
use crate::database::policies::create_policies_anew;
use crate::database::requirements::Requirement;
use crate::database::requirements::statements::{enable_rls, force_rls};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let off = Requirement::RowSecurity.unmet(context);
    off.map(|(table, relation)| {
        Finding::of_table(
            DatabaseCheck::RlsDisabled,
            table.name(),
            format!("row-level security of table `{}` is off", table.name()),
            fix(context, table, relation),
        )
        .fact("`pg_class.relrowsecurity` is false, so its policies have no effect")
        .fact(format!("tables of kind `{}` need it", table.registered.kind))
        .fixed_by(Remedy::Requirements)
    })
    .collect()
}

/// The fix includes everything else that the table lacks, which is not reported separately.
fn fix(context: &Context<'_>, table: &Table<'_>, relation: &Relation) -> String {
    let lacks = |requirement: Requirement| {
        requirement.is_asked_of(table, context)
            && !requirement.is_met(context, table.registered.access, relation)
    };
    let mut fix = enable_rls(&table.qualified);
    if lacks(Requirement::ForcedRowSecurity) {
        fix = format!("{fix} {}", force_rls(&table.qualified));
    }
    if lacks(Requirement::Policy) {
        let policies = create_policies_anew(context, table).unwrap_or_default();
        fix = format!("{fix}\n{policies}").trim_end().to_string();
    }
    fix
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_table_without_row_level_security() {
        assert_eq!(
            found(find, |it| { it.relation("invoices").row_security = false }),
            ["invoices -"]
        );
    }

    #[test]
    fn a_system_table_needs_none() {
        assert_eq!(
            found(find, |it| { it.relation("users").row_security = false }),
            NOTHING
        );
    }

    /// There is one finding, and its fix covers all of it.
    #[test]
    fn everything_is_missing() {
        let found = findings(find, |it| {
            it.relation("invoices").row_security = false;
            it.relation("invoices").force_row_security = false;
            it.remove_policies("invoices");
        });
        assert_eq!(found.len(), 1);
        for statement in ["ENABLE ROW LEVEL", "FORCE ROW LEVEL", "CREATE POLICY"] {
            assert!(found[0].fix.contains(statement), "{}", found[0].fix);
        }
    }
}
