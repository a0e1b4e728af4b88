//! The answers to questions about policies.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;

use crate::database::catalog::Oid;
use crate::database::logic::world::World;

/// What a policy does with rows of other tenants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It lets none of them through.
    Isolated,
    /// It lets this one through.
    Open(Witness),
    /// Not decided. The texts name what could not be followed.
    Unknown(Vec<String>),
    /// It may let more through than this declared expression. With `None`, nothing is declared, so it must let nothing
    /// through.
    Undeclared(Option<String>),
}

/// A row that a policy lets through, and the session in which it does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// The setting that holds the tenant, and the values of others.
    pub session: Vec<String>,
    /// The values of the row, and of rows that the policy looks up.
    pub row: Vec<String>,
    /// The part of the expression that is true, if it is not all of it.
    pub branch: Option<String>,
    pub world: World,
}

#[cfg(test)]
impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Isolated => f.write_str("isolated"),
            Self::Open(witness) => witness.fmt(f),
            Self::Unknown(reasons) => write!(f, "unknown: {}", reasons.join(", ")),
            Self::Undeclared(declared) => write!(f, "more than {declared:?}"),
        }
    }
}

impl fmt::Display for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "where {}, ", self.session.join(" and "))?;
        if self.row.is_empty() {
            return f.write_str("every row is let through");
        }
        write!(f, "a row is let through if {}", self.row.join(" and "))
    }
}

/// A part of a policy that may change the setting.
pub fn changing(name: &str) -> String {
    format!("`{name}`, which may change the setting")
}

/// The verdicts so far: several checks ask the same question, and a policy has the same expression for several commands.
#[derive(Debug, Default)]
pub struct Verdicts {
    known: RefCell<BTreeMap<Key, Verdict>>,
}

/// The table, the role, the expressions, whether shared rows may be let through, and whether they are text of a body.
type Key = (Oid, Oid, Vec<String>, bool, bool);

impl Verdicts {
    pub fn known_or(&self, key: Key, decide: impl FnOnce() -> Verdict) -> Verdict {
        if let Some(verdict) = self.known.borrow().get(&key) {
            return verdict.clone();
        }
        let verdict = decide();
        self.known.borrow_mut().insert(key, verdict.clone());
        verdict
    }
}
