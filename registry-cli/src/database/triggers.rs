//! What triggers do: the one that refuses changes to an append-only table, and those that replace a statement.

use super::catalog::{Relation, Trigger};
use super::context::Context;
use super::mention::Words;
use super::statements::{Qualified, TRIGGER, create_trigger, create_trigger_function, drop_trigger};

/// Whether a trigger refuses every change to a table.
pub fn has_trigger(context: &Context<'_>, relation: &Relation) -> bool {
    let mut triggers = context.catalog.triggers(relation.oid).iter();
    triggers.any(|trigger| {
        let is_enabled = trigger.enabled == "O" || trigger.enabled == "A";
        is_enabled && refuses_when_enabled(context, trigger)
    })
}

/// Bits of `pg_trigger.tgtype`: 1 row-level, 2 BEFORE, 8 DELETE, 16 UPDATE, 32 TRUNCATE.
pub fn refuses_when_enabled(context: &Context<'_>, trigger: &Trigger) -> bool {
    let body = Words::outside_quotes(&trigger.function_body);
    trigger.function == TRIGGER
        && trigger.function_schema == context.settings.schema
        && is_out_of_reach(context, trigger)
        && body.contains("raise")
        && !body.contains("return")
        && trigger.events & 0b11_1011 == 0b11_1010
        && !trigger.has_condition
}

/// Whether a trigger takes the place of INSERT into a view. Its function runs as the caller, or is reported itself.
pub fn replaces_insert(context: &Context<'_>, view: &Relation) -> bool {
    // Of `pg_trigger.tgtype`: 4 INSERT, 64 INSTEAD OF.
    const INSTEAD_OF_INSERT: i16 = 0b100_0100;
    let mut triggers = context.catalog.triggers(view.oid).iter();
    triggers.any(|trigger| trigger.events & INSTEAD_OF_INSERT == INSTEAD_OF_INSERT)
}

/// Whether the application cannot replace the trigger's function, as its owner could. `app_role_owns_table` reports
/// an application that can become the owner of the table.
fn is_out_of_reach(context: &Context<'_>, trigger: &Trigger) -> bool {
    let table = context.catalog.relation_of(trigger.relation);
    let owner = trigger.function_owner;
    table.is_some_and(|table| table.owner == owner) || context.app_role_reaching(owner).is_none()
}

/// Creates the trigger and its function, replacing existing ones.
pub fn create_trigger_anew(context: &Context<'_>, table: &Qualified) -> String {
    let schema = &context.settings.schema;
    [
        create_trigger_function(schema),
        drop_trigger(table),
        create_trigger(table, schema),
    ]
    .join("\n")
}
