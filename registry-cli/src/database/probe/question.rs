//! One question of the access matrix, and its answer.

use table_registry_engine::Command;

use crate::database::access::roles::Actor;
use crate::database::matrix::{Scope, Seen, Verb};
use crate::database::probe::attempts::{Attempts, Try};
use crate::failure::Failure;

/// Whether a command reaches some rows of a table.
pub struct Question<'a> {
    pub table: &'a str,
    pub verb: Verb,
    pub scope: Scope,
    /// All have to be met. One is met if one of its attempts reaches a row. `None` if nothing can be tried.
    pub conditions: Option<Vec<Vec<Try<'a>>>>,
}

impl Question<'_> {
    pub fn answer(&self, attempts: &mut Attempts<'_, '_>, app: &Actor<'_>) -> Result<Seen, Failure> {
        let Some(conditions) = &self.conditions else {
            return Ok(Seen::Unknown);
        };
        let mut all = Seen::Reached;
        for condition in conditions {
            let mut any = Seen::Refused;
            for tried in condition {
                any = any.max(attempts.observe(app, tried)?);
            }
            all = all.min(any);
        }
        Ok(all)
    }
}

impl From<Command> for Verb {
    fn from(command: Command) -> Self {
        match command {
            Command::Select => Self::Select,
            Command::Insert => Self::Insert,
            Command::Update => Self::Update,
            Command::Delete => Self::Delete,
        }
    }
}
