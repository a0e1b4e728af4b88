//! Exempt tables that the database does not have.

use table_registry_engine::DatabaseCheck;

use crate::database::context::{Context, exempt_relation};
use crate::database::findings::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let exempt = context.project.registry.exempt().iter();
    let missing = exempt.filter(|exempt| exempt_relation(context, &exempt.name).is_none());
    missing
        .map(|exempt| {
            Finding::of_table(
                DatabaseCheck::MissingExemptTable,
                &exempt.name,
                format!("exempt table `{}` is not in the database", exempt.name),
                format!(
                    "run `{}`",
                    context
                        .project
                        .package
                        .command(&format!("exempt {} --remove", exempt.name))
                ),
            )
            .fact("an exemption for a table that is gone would hide a later table of that name")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, found};

    #[test]
    fn a_missing_exempt_table() {
        assert_eq!(
            found(find, |it| { it.remove("backfill_state") }),
            ["backfill_state -"]
        );
    }

    #[test]
    fn a_missing_registered_table() {
        assert_eq!(found(find, |it| { it.remove("invoices") }), NOTHING);
    }
}
