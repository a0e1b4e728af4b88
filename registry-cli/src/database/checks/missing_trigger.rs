//! Append-only tables without the trigger that refuses changes.

use table_registry_engine::DatabaseCheck;

use crate::database::catalog::Relation;
use crate::database::code::triggers::{create_trigger_anew, refuse_changes, refuses};
use crate::database::context::Context;
use crate::database::findings::finding::{Finding, Remedy};
use crate::database::requirements::Requirement;
use crate::database::requirements::statements::{TRIGGER, identifier};
use crate::text::quoted;

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
    if refuse_changes(context, triggers.iter()) {
        let disabled = triggers
            .iter()
            .filter(|one| !one.is_enabled() && refuses(context, one));
        let names: Vec<&String> = disabled.map(|trigger| &trigger.name).collect();
        let enable =
            |trigger: &&String| format!("ALTER TABLE {name} ENABLE TRIGGER {};", identifier(trigger));
        let fixes: Vec<String> = names.iter().map(enable).collect();
        return (format!("disabled: {}", quoted(names)), fixes.join("\n"));
    }
    let fact = match triggers.iter().find(|trigger| trigger.name == TRIGGER) {
        Some(_) => format!("trigger `{TRIGGER}` does not refuse every UPDATE, DELETE and TRUNCATE"),
        None => "no trigger BEFORE UPDATE, DELETE and TRUNCATE calls a function that only raises an error"
            .to_string(),
    };
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
    fn functions_and_triggers_of_other_names() {
        assert_eq!(
            found(find, |it| {
                it.trigger().name = "no_changes".to_string();
                it.trigger().function = "refuse".to_string();
                it.trigger().function_schema = "other".to_string();
                it.trigger().function_body =
                    "BEGIN RAISE EXCEPTION 'append-only' USING ERRCODE = '42501'; RETURN NULL; END"
                        .to_string();
            }),
            NOTHING
        );
    }

    /// Each event has a trigger of its own, one of them for each row.
    #[test]
    fn several_triggers_that_refuse_together() {
        let split = |events: &[i16]| {
            let events = events.to_vec();
            found(find, move |it| {
                it.rows.triggers.clear();
                for events in events {
                    it.add_trigger("audit_logs");
                    it.trigger().events = events;
                }
            })
        };
        assert_eq!(split(&[0b1_0011, 0b1010, 0b10_0010]), NOTHING);
        assert_eq!(split(&[0b1_0011, 0b10_0010]), ["audit_logs -"]);
        assert_eq!(split(&[0b1_1011, 0b10_0011]), ["audit_logs -"]);
        // After the change.
        assert_eq!(split(&[0b1_1000, 0b10_0000]), ["audit_logs -"]);
    }

    #[test]
    fn a_function_that_refuses_some_changes() {
        for body in [
            "BEGIN IF tg_op = 'UPDATE' THEN RAISE EXCEPTION 'no'; END IF; RETURN OLD; END",
            "BEGIN RAISE WARNING 'no'; RETURN NULL; END",
        ] {
            assert_eq!(
                found(find, |it| it.trigger().function_body = body.to_string()),
                ["audit_logs -"],
                "{body}"
            );
        }
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
