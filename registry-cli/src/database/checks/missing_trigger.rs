//! Append-only tables without the trigger that refuses changes.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::context::Context;
use crate::database::finding::{Finding, Remedy};
use crate::database::requirements::Requirement;
use crate::database::statements::{TRIGGER, identifier};
use crate::database::triggers::{create_trigger_anew, refuses_when_enabled};

pub fn find(context: &Context<'_>) -> Vec<Finding> {
    let lacking = Requirement::Trigger.unmet(context);
    lacking
        .map(|(table, relation)| {
            let (fact, fix) = fact_and_fix(context, relation);
            let message = format!(
                "no trigger refuses changes to append-only table `{}`",
                table.name()
            );
            Finding::of_table(DatabaseCheck::MissingTrigger, table.name(), message, fix)
                .fact(fact)
                .fixed_by(Remedy::Requirements)
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
    let fact = format!("trigger `{TRIGGER}` does not refuse every UPDATE, DELETE and TRUNCATE");
    (fact, create_trigger_anew(context, &name))
}

#[cfg(test)]
mod tests {
    use super::find;
    use crate::database::testing::{NOTHING, findings, found};

    #[test]
    fn no_trigger() {
        assert_eq!(found(find, |it| { it.rows.triggers.clear() }), ["audit_logs -"]);
    }

    #[test]
    fn a_disabled_trigger_is_enabled() {
        let found = findings(find, |it| it.trigger().enabled = "D".to_string());
        assert_eq!(
            found[0].fix,
            "ALTER TABLE \"public\".\"audit_logs\" ENABLE TRIGGER \"table_registry_append_only\";"
        );
    }

    #[test]
    fn a_trigger_for_one_event() {
        assert_eq!(
            found(find, |it| { it.trigger().events = 0b01_0010 }),
            ["audit_logs -"]
        );
    }

    #[test]
    fn a_row_level_trigger() {
        assert_eq!(found(find, |it| { it.trigger().events |= 1 }), ["audit_logs -"]);
    }

    #[test]
    fn a_trigger_with_a_condition() {
        assert_eq!(
            found(find, |it| { it.trigger().has_condition = true }),
            ["audit_logs -"]
        );
    }

    #[test]
    fn a_function_of_another_schema() {
        assert_eq!(
            found(find, |it| { it.trigger().function_schema = "other".to_string() }),
            ["audit_logs -"]
        );
    }

    #[test]
    fn a_function_that_returns() {
        assert_eq!(
            found(find, |it| {
                it.trigger().function_body = "BEGIN RETURN NULL; END".to_string();
            }),
            ["audit_logs -"]
        );
    }

    #[test]
    fn a_function_that_the_application_can_replace() {
        assert_eq!(
            found(find, |it| {
                let app = it.role_oid("app");
                it.trigger().function_owner = app;
            }),
            ["audit_logs -"]
        );
    }

    #[test]
    fn a_trigger_under_another_name() {
        assert_eq!(
            found(find, |it| { it.trigger().name = "refuse".to_string() }),
            NOTHING
        );
    }

    #[test]
    fn a_trigger_that_fires_on_replicas_as_well() {
        assert_eq!(
            found(find, |it| { it.trigger().enabled = "A".to_string() }),
            NOTHING
        );
    }

    #[test]
    fn the_policy_file_can_switch_it_off() {
        assert_eq!(
            found(find, |it| {
                it.rows.triggers.clear();
                it.policy_file = it.policy_file.replace("append_only_trigger = true", "");
            }),
            NOTHING
        );
    }
}
