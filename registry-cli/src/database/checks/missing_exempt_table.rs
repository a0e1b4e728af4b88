//! Exempt tables that the database does not have.

use table_registry_engine::{DatabaseCheck, did_you_mean};

use crate::database::context::{Context, exempt_relation, exempt_relations};
use crate::database::findings::finding::Finding;

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let exempt = context.project.registry.exempt().iter();
    let missing = exempt.filter(|exempt| exempt_relation(context, &exempt.name).is_none());
    let missing: Vec<&str> = missing.map(|exempt| exempt.name.as_str()).collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let undecided = undecided(context);
    let found = missing.into_iter().map(|name| finding(context, name, &undecided));
    found.collect()
}

fn finding(context: &Context<'_>, name: &str, undecided: &[String]) -> Finding {
    let remove = context
        .project
        .package
        .command(&format!("exempt {name} --remove"));
    let fix = match did_you_mean(name, undecided.iter().map(String::as_str)) {
        Some(near) => format!("{near} If the table is gone, run `{remove}`"),
        None => format!("run `{remove}`"),
    };
    let message = format!("exempt table `{name}` is not in the database");
    Finding::of_table(DatabaseCheck::MissingExemptTable, name, message, fix)
        .fact("an exemption for a table that is gone would hide a later table of that name")
}

/// The names of the tables that are neither registered nor exempt.
fn undecided(context: &Context<'_>) -> Vec<String> {
    let exempt = exempt_relations(context);
    let tables = context.catalog.relations.iter().filter(|relation| {
        relation.is_table() && context.table_of(relation.oid).is_none() && !exempt.contains(&relation.oid)
    });
    tables.map(|relation| context.name_of(relation)).collect()
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn a_missing_exempt_table() {
        assert_eq!(
            found(find, |it| { it.remove("backfill_state") }),
            ["backfill_state -"]
        );
    }

    #[test]
    fn a_misspelt_name() {
        let found = findings(find, |it| {
            it.remove("backfill_state");
            it.table("backfill_states", &[]);
        });
        assert_eq!(
            found[0].fix,
            "did you mean `backfill_states`? If the table is gone, run \
             `cargo table-registry exempt backfill_state --remove`"
        );
    }

    #[test]
    fn a_missing_registered_table() {
        assert_eq!(found(find, |it| { it.remove("invoices") }), NOTHING);
    }
}
