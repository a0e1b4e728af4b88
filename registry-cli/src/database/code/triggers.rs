//! What triggers do: those that refuse changes to an append-only table, and those that replace a statement.

use crate::database::catalog::{Relation, Trigger};
use crate::database::code::mention::Words;
use crate::database::context::Context;
use crate::database::requirements::statements::{
    Qualified, create_trigger, create_trigger_function, drop_trigger,
};

/// Bits of `pg_trigger.tgtype`: <https://www.postgresql.org/docs/current/catalog-pg-trigger.html>.
pub const FOR_EACH_ROW: i16 = 1;
pub const BEFORE: i16 = 2;
pub const INSERT: i16 = 4;
pub const DELETE: i16 = 8;
pub const UPDATE: i16 = 16;
pub const TRUNCATE: i16 = 32;
pub const INSTEAD_OF: i16 = 64;

/// Whether triggers refuse every change to a table, whatever their names are.
pub fn has_trigger(context: &Context<'_>, relation: &Relation) -> bool {
    let triggers = context.catalog.triggers(relation.oid).iter();
    refuse_changes(context, triggers.filter(|trigger| trigger.is_enabled()))
}

/// Whether some triggers together refuse every change, once they are enabled.
pub fn refuse_changes<'t>(context: &Context<'_>, triggers: impl Iterator<Item = &'t Trigger>) -> bool {
    let refusing: Vec<&Trigger> = triggers.filter(|trigger| refuses(context, trigger)).collect();
    // TRUNCATE fires no trigger for each row.
    let fires = |trigger: &&Trigger, event: i16| {
        trigger.events & event != 0 && (event != TRUNCATE || trigger.events & FOR_EACH_ROW == 0)
    };
    let mut events = [UPDATE, DELETE, TRUNCATE].into_iter();
    events.all(|event| refusing.iter().any(|trigger| fires(trigger, event)))
}

/// Whether a trigger does nothing but raise an error.
pub fn refuses(context: &Context<'_>, trigger: &Trigger) -> bool {
    trigger.events & BEFORE != 0
        && !trigger.has_condition
        && is_out_of_reach(context, trigger)
        && Words::outside_quotes(&trigger.function_body).raises_at_once()
}

/// Whether a trigger takes the place of INSERT into a view. Its function runs as the caller, or is reported itself.
pub fn replaces_insert(context: &Context<'_>, view: &Relation) -> bool {
    const INSTEAD_OF_INSERT: i16 = INSTEAD_OF | INSERT;
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
