//! What the probe found out.

use crate::report::counted;
use crate::text::quoted;

/// The attempts, and those that tell something.
#[derive(Debug, Default)]
pub struct Probed {
    /// The number of attempts.
    pub attempts: usize,
    pub allowed: Vec<Allowed>,
    pub failed: Vec<Failed>,
    pub untried: Vec<Untried>,
    /// The number of commands on tables for which no attempt was possible.
    pub not_made: usize,
}

/// What the server should have refused a role, and did not.
#[derive(Debug)]
pub struct Allowed {
    pub table: String,
    pub role: String,
    pub actions: Vec<Action>,
    pub effect: Effect,
}

/// What was attempted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Action {
    pub command: String,
    /// Such as `without a tenant`. Empty if the command says it all.
    pub circumstance: &'static str,
}

/// The actions as a person reads them, one list of commands for each circumstance.
pub fn described(actions: &[Action]) -> String {
    let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
    for action in actions {
        match groups
            .iter_mut()
            .find(|(circumstance, _)| *circumstance == action.circumstance)
        {
            Some((_, commands)) => commands.push(&action.command),
            None => groups.push((action.circumstance, vec![&action.command])),
        }
    }
    let texts = groups.into_iter().map(|(circumstance, commands)| {
        let list = commands.join(", ");
        if circumstance.is_empty() {
            list
        } else {
            format!("{list} {circumstance}")
        }
    });
    texts.collect::<Vec<_>>().join("; ")
}

/// The roles that attempted something, with their actions: those that attempted the same stand together.
pub fn by_roles<'a>(attempts: impl IntoIterator<Item = (&'a str, &'a [Action])>) -> Vec<(String, String)> {
    let mut groups: Vec<(String, Vec<&str>)> = Vec::new();
    for (role, actions) in attempts {
        let actions = described(actions);
        match groups.iter_mut().find(|(known, _)| *known == actions) {
            Some((_, roles)) => roles.push(role),
            None => groups.push((actions, vec![role])),
        }
    }
    let named = groups.into_iter().map(|(actions, roles)| {
        let noun = if roles.len() == 1 { "role" } else { "roles" };
        (format!("{noun} {}", quoted(roles)), actions)
    });
    named.collect()
}

/// What an attempt would achieve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Changing rows of an append-only table.
    Change,
    /// Reading or changing rows of another tenant.
    Foreign,
}

/// Attempts that ended in an error, which is no refusal: without the error, the server might allow them.
#[derive(Debug)]
pub struct Failed {
    pub table: String,
    pub role: String,
    pub actions: Vec<Action>,
    /// What the server said.
    pub message: String,
}

/// A table for which something could not be tried.
#[derive(Debug)]
pub struct Untried {
    pub table: String,
    /// What is in the way.
    pub reason: String,
    /// How to help.
    pub fix: String,
}

impl Probed {
    pub fn summary(&self) -> String {
        let failed = match self.failed_attempts() {
            0 => String::new(),
            failed => format!(", and {failed} ended in an error"),
        };
        format!(
            "{}, of which the server allowed {}{failed}; {} more could not be tried",
            counted(self.attempts, "attempt"),
            self.allowed_attempts(),
            self.untried.len() + self.not_made
        )
    }

    /// The number of attempts that the server allowed.
    fn allowed_attempts(&self) -> usize {
        self.allowed.iter().map(|allowed| allowed.actions.len()).sum()
    }

    /// The number of attempts that ended in an error.
    fn failed_attempts(&self) -> usize {
        self.failed.iter().map(|failed| failed.actions.len()).sum()
    }

    pub fn allow(&mut self, table: &str, role: &str, action: Action, effect: Effect) {
        let is_same = |one: &&mut Allowed| one.table == table && one.role == role && one.effect == effect;
        match self.allowed.iter_mut().find(is_same) {
            Some(known) => add(&mut known.actions, action),
            None => self.allowed.push(Allowed {
                table: table.to_string(),
                role: role.to_string(),
                actions: vec![action],
                effect,
            }),
        }
    }

    pub fn fail(&mut self, table: &str, role: &str, action: Action, message: String) {
        let is_same = |one: &&mut Failed| one.table == table && one.role == role && one.message == message;
        match self.failed.iter_mut().find(is_same) {
            Some(known) => add(&mut known.actions, action),
            None => self.failed.push(Failed {
                table: table.to_string(),
                role: role.to_string(),
                actions: vec![action],
                message,
            }),
        }
    }
}

/// Partitions repeat the actions of their table.
fn add(actions: &mut Vec<Action>, action: Action) {
    if !actions.contains(&action) {
        actions.push(action);
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, by_roles, described};

    #[test]
    fn roles_that_attempted_the_same_stand_together() {
        let action = |command: &str| Action {
            command: command.to_string(),
            circumstance: "",
        };
        let (one, other) = ([action("SELECT")], [action("DELETE")]);
        let found = by_roles([("a", &one[..]), ("b", &other[..]), ("c", &one[..])]);
        let expected = [("roles `a` and `c`", "SELECT"), ("role `b`", "DELETE")];
        assert_eq!(
            found,
            expected.map(|(roles, actions)| (roles.to_string(), actions.to_string()))
        );
    }

    #[test]
    fn commands_are_listed_by_circumstance() {
        let action = |command: &str, circumstance| Action {
            command: command.to_string(),
            circumstance,
        };
        let actions = [
            action("SELECT", "without a tenant"),
            action("SELECT", "of another tenant's rows"),
            action("DELETE", "without a tenant"),
            action("TRUNCATE", ""),
        ];
        assert_eq!(
            described(&actions),
            "SELECT, DELETE without a tenant; SELECT of another tenant's rows; TRUNCATE"
        );
    }
}
