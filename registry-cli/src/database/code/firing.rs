//! Which triggers the application fires: by its own statements, and by what those set off.
//!
//! A statement sets off writes to other tables through views and rules, through foreign keys with an action, through
//! triggers, and through the functions that the application may call. All of these count whether or not they would be
//! permitted, so that no trigger is left out.

use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::database::access::execution::may_call;
use crate::database::access::roles::Actor;
use crate::database::catalog::{ForeignKey, Function, Oid, Relation, Rule};
use crate::database::code::mention::Words;
use crate::database::code::triggers::{DELETE, INSERT, TRUNCATE, UPDATE};
use crate::database::code::unread_code::Unread;
use crate::database::context::Context;

/// The events of tables, each as a bit of `pg_trigger.tgtype`, with the privilege for the command.
const EVENTS: &[(i16, &str)] = &[
    (INSERT, "INSERT"),
    (UPDATE, "UPDATE"),
    (DELETE, "DELETE"),
    (TRUNCATE, "TRUNCATE"),
];
const ALL: i16 = INSERT | UPDATE | DELETE | TRUNCATE;

/// The roles of the application that fire a trigger which runs a function.
pub fn roles<'x>(context: &'x Context<'_>, function: &Function) -> Vec<&'x Actor<'x>> {
    let own = context.catalog.triggers_of(function);
    let triggers: Vec<_> = own
        .filter(|trigger| context.catalog.relation_of(trigger.relation).is_some())
        .collect();
    let caused = context.computed.caused.get_or_init(|| caused(context));
    let fires = |events: &BTreeMap<Oid, i16>| {
        let mut fired = triggers
            .iter()
            .filter_map(|trigger| Some(events.get(&trigger.relation)? & trigger.events));
        // A trigger function without a table belongs to an event trigger, which anyone who runs a statement can fire.
        triggers.is_empty() || fired.any(|events| events & ALL != 0)
    };
    let apps = context.app_roles.iter().zip(caused);
    apps.filter(|(_, events)| fires(events))
        .map(|(app, _)| app)
        .collect()
}

/// The events that each role of the application causes, keyed by relation.
fn caused(context: &Context<'_>) -> Vec<BTreeMap<Oid, i16>> {
    let mut keys: BTreeMap<Oid, Vec<&ForeignKey>> = BTreeMap::new();
    for key in &context.catalog.foreign_keys {
        keys.entry(key.referenced).or_default().push(key);
    }
    let words: Vec<OnceCell<Words>> = context.catalog.routines.iter().map(|_| OnceCell::new()).collect();
    let apps = context.app_roles.iter();
    apps.map(|app| {
        let mut search = Search {
            context,
            keys: &keys,
            words: &words,
            events: BTreeMap::new(),
            run: BTreeSet::new(),
            open: Vec::new(),
        };
        search.start(app);
        search.finish();
        search.events
    })
    .collect()
}

struct Search<'s, 'c> {
    context: &'s Context<'c>,
    /// Keyed by the table that they refer to.
    keys: &'s BTreeMap<Oid, Vec<&'s ForeignKey>>,
    /// The words of the body of each routine, read when it first runs.
    words: &'s [OnceCell<Words>],
    events: BTreeMap<Oid, i16>,
    /// The positions of the routines that run.
    run: BTreeSet<usize>,
    /// The events whose effects are still to be found.
    open: Vec<(Oid, i16)>,
}

impl Search<'_, '_> {
    /// Adds what a role may do itself. What runs with its own rights can do no more.
    fn start(&mut self, app: &Actor<'_>) {
        for relation in &self.context.catalog.relations {
            self.add(relation.oid, events(|privilege| app.may(relation, &[privilege])));
        }
        for (at, function) in self.context.catalog.routines.iter().enumerate() {
            if function.is_definer && !function.is_trigger && may_call(self.context, app, function) {
                self.run(at);
            }
        }
    }

    fn finish(&mut self) {
        while let Some((relation, events)) = self.open.pop() {
            let Some(relation) = self.context.catalog.relation_of(relation) else {
                continue;
            };
            self.spread_to_family(relation, events);
            self.follow_keys(relation, events);
            if relation.is_view() {
                for used in self.context.catalog.used_by(relation.oid) {
                    self.add(used.oid, events);
                }
            }
            for rule in self.context.catalog.rules(relation.oid) {
                self.follow_rule(rule);
            }
            self.fire_triggers(relation, events);
        }
    }

    fn add(&mut self, relation: Oid, events: i16) {
        let known = self.events.entry(relation).or_default();
        let new = events & !*known;
        if new != 0 {
            *known |= new;
            self.open.push((relation, new));
        }
    }

    /// A row of a partition is one of its parent, too, and the other way round.
    fn spread_to_family(&mut self, relation: &Relation, events: i16) {
        let descendants = self.context.catalog.descendants(relation.oid);
        let below: Vec<Oid> = descendants.map(|child| child.oid).collect();
        for oid in self
            .context
            .catalog
            .ancestors(relation.oid)
            .into_iter()
            .chain(below)
        {
            self.add(oid, events);
        }
    }

    /// The actions of foreign keys need no privilege.
    fn follow_keys(&mut self, relation: &Relation, events: i16) {
        let action = |action: &str| match action {
            "c" => (UPDATE, DELETE),
            "n" | "d" => (UPDATE, UPDATE),
            _ => (0, 0),
        };
        for key in self.keys.get(&relation.oid).into_iter().flatten() {
            if events & DELETE != 0 {
                self.add(key.relation, action(&key.on_delete).1);
            }
            if events & UPDATE != 0 {
                self.add(key.relation, action(&key.on_update).0);
            }
            // With CASCADE.
            self.add(key.relation, events & TRUNCATE);
        }
    }

    fn follow_rule(&mut self, rule: &Rule) {
        let words = Words::outside_quotes(&rule.definition);
        self.run_statements(&words);
    }

    fn fire_triggers(&mut self, relation: &Relation, events: i16) {
        let catalog = self.context.catalog;
        for trigger in catalog.triggers(relation.oid) {
            if trigger.events & events == 0 || trigger.enabled == "D" {
                continue;
            }
            for (at, function) in catalog.routines.iter().enumerate() {
                if function.name == trigger.function && function.schema == trigger.function_schema {
                    self.run(at);
                }
            }
        }
    }

    fn run(&mut self, at: usize) {
        if !self.run.insert(at) {
            return;
        }
        let (context, words) = (self.context, self.words);
        let function = &context.catalog.routines[at];
        let body = words[at].get_or_init(|| Words::of_function(&function.body));
        if Unread::of(function).is_some() {
            self.run_anything(function);
        }
        self.run_statements(body);
        for (inner, other) in context.catalog.routines.iter().enumerate() {
            if !other.is_trigger && body.calls(&other.schema, &other.name) {
                self.run(inner);
            }
        }
    }

    fn run_statements(&mut self, words: &Words) {
        for relation in &self.context.catalog.relations {
            if words.may_name(&relation.name) {
                let commands = words.commands(&relation.schema, &relation.name);
                self.add(relation.oid, events(|command| commands.contains(command)));
            }
        }
    }

    /// Code that cannot be read may do all that its owner may do.
    fn run_anything(&mut self, function: &Function) {
        let Some(owner) = self.context.owner(function.owner) else {
            return;
        };
        for relation in &self.context.catalog.relations {
            self.add(relation.oid, events(|privilege| owner.holds(relation, privilege)));
        }
    }
}

/// The events of the commands that meet a condition.
fn events(is_met: impl Fn(&'static str) -> bool) -> i16 {
    let met = EVENTS.iter().filter(|(_, command)| is_met(command));
    met.fold(0, |events, (event, _)| events | event)
}

#[cfg(test)]
mod tests {
    use super::roles;
    use crate::database::catalog::Function;
    use crate::database::testing::Database;

    const ROW: i16 = 1;

    /// Whether the application fires a trigger for some events of the table `signups`, on which it holds no privilege.
    fn is_fired(events: i16, change: impl FnOnce(&mut Database)) -> bool {
        let mut it = Database::sound();
        it.table("signups", &[("id", "int8"), ("user_id", "int8")]);
        function(&mut it, "f", "BEGIN RETURN NEW; END").is_trigger = true;
        trigger(&mut it, "signups", "f", events);
        change(&mut it);
        it.inspect(|context| {
            let function = context.catalog.routines.iter().find(|one| one.name == "f");
            !roles(context, function.unwrap()).is_empty()
        })
    }

    /// A function that only its owner may call.
    fn function<'d>(it: &'d mut Database, name: &str, body: &str) -> &'d mut Function {
        let function = it.function(name, body);
        function.executors.clear();
        function
    }

    fn trigger(it: &mut Database, table: &str, function: &str, events: i16) {
        it.add_trigger(table);
        it.trigger().events = events | ROW;
        it.trigger().function = function.to_string();
    }

    #[test]
    fn commands_of_the_application_itself() {
        for (privilege, expected) in [
            ("INSERT", super::INSERT),
            ("UPDATE", super::UPDATE),
            ("DELETE", super::DELETE),
            ("TRUNCATE", super::TRUNCATE),
            ("SELECT", 0),
        ] {
            for (event, _) in super::EVENTS {
                let fired = is_fired(*event, |it| {
                    it.grant(privilege, "signups", "app");
                });
                assert_eq!(fired, *event == expected, "{privilege} {event}");
            }
        }
        assert!(is_fired(super::INSERT, |it| {
            it.grant("INSERT", "signups", "PUBLIC").column = Some("id".to_string());
        }));
        assert!(is_fired(super::INSERT, |it| {
            it.add_group("group");
            it.grant("INSERT", "signups", "group");
        }));
        assert!(!is_fired(super::INSERT, |it| {
            it.add_role("auth");
            it.grant("INSERT", "signups", "auth");
        }));
        // The trigger of an event has no table.
        assert!(is_fired(super::INSERT, |it| it.rows.triggers.clear()));
    }

    #[test]
    fn a_trigger_that_is_off() {
        let fired = |enabled: &str| {
            is_fired(super::INSERT, |it| {
                it.grant("INSERT", "signups", "app");
                it.trigger().enabled = enabled.to_string();
                trigger(it, "backfill_state", "f", super::INSERT);
            })
        };
        assert!(fired("O") && fired("A") && !fired("D"));
    }

    #[test]
    fn views_and_rules() {
        let through_view = |privilege: &'static str| {
            is_fired(super::INSERT, |it| {
                it.view("inner_view", "v", "signups");
                it.view("outer_view", "v", "inner_view");
                it.grant(privilege, "outer_view", "app");
            })
        };
        assert!(through_view("INSERT") && !through_view("DELETE") && !through_view("SELECT"));
        let by_rule = |action: &'static str| {
            is_fired(super::INSERT, |it| {
                let relation = it.oid("users");
                it.rows.rules.push(crate::database::catalog::Rule {
                    relation,
                    name: "r".to_string(),
                    definition: format!("CREATE RULE r AS ON UPDATE TO public.users DO ALSO {action}"),
                    instead_of: None,
                });
            })
        };
        assert!(by_rule("INSERT INTO public.signups VALUES (1)"));
        assert!(!by_rule("SELECT 1 FROM public.signups"));
    }

    #[test]
    fn actions_of_foreign_keys() {
        let fired = |events: i16, on_delete: &'static str, on_update: &'static str| {
            is_fired(events, move |it| {
                it.table("accounts", &[("id", "int8")]);
                for (table, referenced) in [("accounts", "users"), ("signups", "accounts")] {
                    let key = it.foreign_key(table, &["user_id"], referenced, &["id"]);
                    key.on_delete = on_delete.to_string();
                    key.on_update = on_update.to_string();
                }
            })
        };
        assert!(fired(super::DELETE, "c", "a") && fired(super::UPDATE, "a", "c"));
        assert!(!fired(super::UPDATE, "c", "a") && !fired(super::INSERT, "c", "c"));
        assert!(!fired(super::DELETE, "a", "r"));
        // SET NULL updates `accounts`, so the ON DELETE action of the key to it does nothing.
        assert!(!fired(super::DELETE, "n", "a"));
        let sets_null = |on_delete: &'static str| {
            is_fired(super::UPDATE, move |it| {
                let key = it.foreign_key("signups", &["user_id"], "users", &["id"]);
                key.on_delete = on_delete.to_string();
            })
        };
        assert!(sets_null("n") && sets_null("d") && !sets_null("a"));
    }

    #[test]
    fn functions_and_other_triggers() {
        const INTO: &str = "BEGIN INSERT INTO signups (id) VALUES (1); RETURN NEW; END";
        let by_trigger = |table: &'static str, body: &'static str| {
            is_fired(super::INSERT, |it| {
                function(it, "g", body).is_trigger = true;
                trigger(it, table, "g", super::INSERT);
            })
        };
        assert!(by_trigger("invoices", INTO));
        assert!(by_trigger(
            "invoices",
            "BEGIN MERGE INTO public.signups USING x ON true; END"
        ));
        assert!(!by_trigger(
            "invoices",
            "BEGIN DELETE FROM signups; RETURN NEW; END"
        ));
        assert!(!by_trigger("backfill_state", INTO));
        let by_call = |is_called: bool| {
            is_fired(super::INSERT, |it| {
                function(it, "inner_one", INTO);
                let outer = function(it, "outer_one", "SELECT inner_one()");
                if is_called {
                    outer.executors = vec![crate::database::catalog::PUBLIC];
                }
            })
        };
        assert!(by_call(true) && !by_call(false));
        // It runs with the rights of the application.
        assert!(!is_fired(super::INSERT, |it| {
            it.function("plain", INTO).is_definer = false;
        }));
    }

    #[test]
    fn code_that_cannot_be_read() {
        let fired = |owner: &'static str| {
            is_fired(super::INSERT, |it| {
                it.add_role("nobody");
                it.function("any", "BEGIN EXECUTE q; END").owner = it.role_oid(owner);
            })
        };
        assert!(fired("postgres") && fired("owner") && !fired("nobody"));
    }

    #[test]
    fn partitions() {
        for (granted, of_trigger) in [("signups_1", "signups"), ("signups", "signups_1")] {
            assert!(is_fired(super::INSERT, |it| {
                it.child("signups_1", "r", "signups");
                it.rows.triggers.pop();
                trigger(it, of_trigger, "f", super::INSERT);
                it.grant("INSERT", granted, "app");
            }));
        }
    }
}
