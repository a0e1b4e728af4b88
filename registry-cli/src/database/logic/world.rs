//! What is fixed while an expression is evaluated, and what turned out to matter.

use std::collections::{BTreeMap, BTreeSet};

use crate::database::catalog::Oid;

use crate::database::logic::value::{
    Constant, Known, Moment, Tenant, Value, Variable, is_integer, is_text, is_time,
};

/// The most values tried for a variable. Without a limit, variables compared with each other would get ever more.
const MAX_CHOICES: usize = 16;

/// The state of the setting that holds the tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Session {
    Tenant,
    /// Never set: the setting is null.
    Unset,
    /// What it reads after SET LOCAL ends.
    Empty,
}

impl Session {
    pub const ALL: [Self; 3] = [Self::Tenant, Self::Unset, Self::Empty];
}

/// What a variable is, in one world.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Value(Value),
    Owner(Tenant),
    /// Whether a sub-select finds a row.
    Rows(bool),
    /// The tenant of the session, and that of the row.
    Tenants(Constant, Constant),
}

/// One state of the session and of the rows. What is not chosen may be anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct World {
    pub session: Session,
    pub choices: BTreeMap<Variable, Choice>,
}

impl World {
    pub fn new(session: Session) -> Self {
        Self {
            session,
            choices: BTreeMap::new(),
        }
    }

    pub fn with(&self, variable: Variable, choice: Choice) -> Self {
        let mut other = self.clone();
        other.choices.insert(variable, choice);
        other
    }

    pub fn value(&self, variable: &Variable) -> Option<&Value> {
        match self.choices.get(variable) {
            Some(Choice::Value(value)) => Some(value),
            _ => None,
        }
    }

    pub fn owner(&self, variable: &Variable) -> Option<Tenant> {
        match self.choices.get(variable) {
            Some(Choice::Owner(owner)) => Some(*owner),
            _ => None,
        }
    }

    pub fn rows(&self, variable: &Variable) -> Option<bool> {
        match self.choices.get(variable) {
            Some(Choice::Rows(some)) => Some(*some),
            _ => None,
        }
    }

    /// Whether all choices about sub-selects can hold at once: a row that one sub-select finds is also in the table when
    /// another searches it, so two found rows of one table, each with values of its own, are in doubt. `outer` is the table of the policy, which always has a row.
    pub fn is_consistent(&self, outer: Oid) -> bool {
        let searches = || {
            self.choices
                .iter()
                .filter_map(|(variable, choice)| match (variable, choice) {
                    (Variable::Rows(search), Choice::Rows(finds)) => Some((search, *finds)),
                    _ => None,
                })
        };
        let rows = |table: Oid| {
            let found = searches().filter(|(_, finds)| *finds);
            let own = found
                .flat_map(|(search, _)| &search.tables)
                .filter(|(other, _)| *other == table);
            own.count() + usize::from(table == outer)
        };
        let found: BTreeSet<&(Oid, String)> = searches()
            .filter(|(_, finds)| *finds)
            .flat_map(|(search, _)| &search.tables)
            .collect();
        let tables: BTreeSet<Oid> = found.iter().map(|(table, _)| *table).collect();
        if tables.len() < found.len() {
            return false;
        }
        searches().all(|(search, finds)| {
            let mut tables = search.tables.iter();
            match (finds, search.is_value) {
                (false, _) => tables.all(|(table, _)| rows(*table) == 0),
                (true, true) => tables.all(|(table, _)| rows(*table) == 1),
                (true, false) => true,
            }
        })
    }

    /// The tenant of the session, and that of the row, if they have values.
    pub fn tenants(&self) -> Option<(&Constant, &Constant)> {
        match self.choices.get(&Variable::Tenants) {
            Some(Choice::Tenants(session, row)) => Some((session, row)),
            _ => None,
        }
    }
}

/// The variables that an evaluation came upon without knowing them, in this order.
#[derive(Debug, Default)]
pub struct Seen {
    variables: Vec<(Variable, Vec<Choice>)>,
    /// What could not be followed.
    pub opaque: Vec<String>,
    /// What may change the setting that holds the tenant, while the policy is evaluated.
    pub changes: Option<String>,
}

impl Seen {
    /// The variable to choose next: first those of the session, then those of the rows, and the values of the tenants last.
    pub fn next(self) -> Option<(Variable, Vec<Choice>)> {
        let order = |variable: &Variable| match variable {
            Variable::Role(_) => 0,
            Variable::Setting(_) => 1,
            Variable::Rows(_) => 2,
            Variable::Owner(_) => 3,
            Variable::Column(..) => 4,
            Variable::Tenants => 5,
        };
        let mut variables = self.variables;
        variables.sort_by_key(|(variable, _)| order(variable));
        variables.into_iter().next()
    }

    /// A variable with a value of some type.
    pub fn value(&mut self, variable: &Variable, sql_type: &str, is_nullable: bool) {
        if self.choices(variable).is_some() {
            return;
        }
        let mut values = vec![Value::new(Known::Anything)];
        values.extend(usual(sql_type).into_iter().map(Value::constant));
        if is_nullable {
            values.push(Value::NULL);
        }
        let choices = values.into_iter().map(Choice::Value).collect();
        self.variables.push((variable.clone(), choices));
    }

    /// A variable that is no value.
    pub fn variable(&mut self, variable: &Variable, choices: Vec<Choice>) {
        if self.choices(variable).is_none() {
            self.variables.push((variable.clone(), choices));
        }
    }

    /// A value that a variable is compared with.
    pub fn compared(&mut self, variable: &Variable, with: &Known) {
        let mut values = Vec::new();
        match with {
            Known::One(Constant::Integer(number)) => {
                values.extend(
                    [*number, number.saturating_add(1), number.saturating_sub(1)]
                        .map(Constant::Integer)
                        .map(Known::One),
                );
            }
            Known::One(constant) => values.push(Known::One(constant.clone())),
            Known::Tenant(tenant @ (Tenant::OfSession | Tenant::OfRow))
            | Known::Spelling(tenant @ (Tenant::OfSession | Tenant::OfRow)) => {
                values.push(Known::Tenant(*tenant));
            }
            _ => {}
        }
        if let Variable::Role(_) = variable {
            return;
        }
        let Some(choices) = self.choices(variable) else {
            return;
        };
        for value in values {
            let choice = Choice::Value(Value::new(value));
            if choices.len() < MAX_CHOICES && !choices.contains(&choice) {
                choices.push(choice);
            }
        }
    }

    /// Two variables that are compared: the usual values of each are also tried for the other.
    pub fn compared_with_each_other(&mut self, one: &Variable, other: &Variable) {
        let values = [one, other].map(|variable| self.choices(variable).cloned().unwrap_or_default());
        for (variable, values) in [other, one].into_iter().zip(values) {
            for choice in values {
                if let Choice::Value(value) = choice {
                    self.compared(variable, &value.known);
                }
            }
        }
    }

    /// The values of the tenants, for a condition that depends on them. `beside` is a constant that they are compared with.
    pub fn tenants(&mut self, sql_type: &str, beside: Option<&Constant>) {
        let pairs = pairs(sql_type, beside);
        let choices = pairs.into_iter().map(|(one, other)| Choice::Tenants(one, other));
        self.variable(&Variable::Tenants, Vec::new());
        if let Some(known) = self.choices(&Variable::Tenants) {
            for choice in choices {
                if !known.contains(&choice) {
                    known.push(choice);
                }
            }
        }
    }

    fn choices(&mut self, variable: &Variable) -> Option<&mut Vec<Choice>> {
        let mut all = self.variables.iter_mut();
        all.find(|(known, _)| known == variable)
            .map(|(_, choices)| choices)
    }
}

/// Values of a type that tell most conditions apart.
fn usual(sql_type: &str) -> Vec<Constant> {
    match sql_type {
        "bool" | "boolean" => vec![Constant::Boolean(true), Constant::Boolean(false)],
        "uuid" => vec![uuid(3)],
        other if is_integer(other) => vec![Constant::Integer(1), Constant::Integer(0)],
        other if is_text(other) => vec![Constant::Text("a".to_string())],
        other if is_time(other) => [Moment::Infinity, Moment::LongAgo].map(Constant::Time).to_vec(),
        _ => Vec::new(),
    }
}

/// Tenants of a type: for the session, and for the row.
pub fn pairs(sql_type: &str, beside: Option<&Constant>) -> Vec<(Constant, Constant)> {
    let mut pairs = match sql_type {
        "uuid" => vec![(uuid(1), uuid(2)), (uuid(2), uuid(1))],
        other if is_integer(other) => [(1, 2), (2, 1), (1, 12), (12, 1)]
            .map(|(one, other)| (Constant::Integer(one), Constant::Integer(other)))
            .to_vec(),
        other if is_text(other) => [("a", "b"), ("a", "ab"), ("b", "a"), ("ab", "a"), ("a", "A")]
            .map(|(one, other)| (Constant::Text(one.to_string()), Constant::Text(other.to_string())))
            .to_vec(),
        _ => Vec::new(),
    };
    let Some((first, second)) = pairs.first().cloned() else {
        return pairs;
    };
    let constant = beside.and_then(|constant| constant.cast(sql_type));
    if let Some(Known::One(constant)) = constant.map(|value| value.known) {
        let other = if constant == first { second } else { first };
        pairs.insert(0, (constant.clone(), other.clone()));
        pairs.insert(0, (other, constant));
    }
    pairs
}

fn uuid(number: u8) -> Constant {
    Constant::Uuid(format!("00000000-0000-0000-0000-00000000000{number}"))
}
