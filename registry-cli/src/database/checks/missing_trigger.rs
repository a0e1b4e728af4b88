//! Append-only tables without the trigger that refuses changes.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::context::Context;
use crate::database::finding::Finding;
use crate::database::requirements::Requirement;
use crate::database::statements::{TRIGGER, identifier};
use crate::database::triggers::{create_trigger_anew, refuses_when_enabled};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let lacking = context.unmet(Requirement::Trigger);
    lacking
        .map(|(table, relation)| {
            let (fact, fix) = fact_and_fix(context, relation);
            let message = format!(
                "no trigger refuses changes of append-only table `{}`",
                table.name()
            );
            Finding::of_table(DatabaseCheck::MissingTrigger, table.name(), message, fix).fact(fact)
        })
        .collect()
}

fn fact_and_fix(context: &Context<'_>, relation: &Relation) -> (String, String) {
    let name = relation.qualified();
    let triggers = context.catalog.triggers(relation.oid);
    let Some(trigger) = triggers.iter().find(|trigger| trigger.name == TRIGGER) else {
        let fact =
            format!("`pg_trigger` has no trigger that calls `{TRIGGER}` for UPDATE, DELETE and TRUNCATE");
        return (fact, create_trigger_anew(context, &name));
    };
    if refuses_when_enabled(context, trigger) {
        let fix = format!("ALTER TABLE {name} ENABLE TRIGGER {};", identifier(TRIGGER));
        return (format!("trigger `{TRIGGER}` is disabled"), fix);
    }
    let fact = format!("trigger `{TRIGGER}` does not refuse each UPDATE, DELETE and TRUNCATE");
    (fact, create_trigger_anew(context, &name))
}
