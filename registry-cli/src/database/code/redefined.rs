//! What users have defined under the name of something built in.
//!
//! In the expressions that the server writes, such an object has its schema in front, with a few exceptions. In the text
//! of a function's body, the search path of the caller decides which one is meant.

use std::collections::BTreeMap;

use sqlx::FromRow;

/// A name that may mean something else than the built-in object.
#[derive(Debug, FromRow)]
pub struct RedefinedRow {
    /// `function`, `operator`, `cast`, for which the name is the target, or `type`.
    pub kind: String,
    pub name: String,
    /// Whether one of those objects is in `pg_catalog` itself, so that no schema tells it from the built-in one.
    pub in_pg_catalog: bool,
    /// Whether one of those operators compares two texts.
    pub is_for_text: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Function,
    Operator,
    Cast,
    Type,
}

impl Kind {
    const ALL: &'static [Self] = &[Self::Function, Self::Operator, Self::Cast, Self::Type];

    pub fn name(self) -> &'static str {
        match self {
            Self::Function => "function",
            Self::Operator => "operator",
            Self::Cast => "cast",
            Self::Type => "type",
        }
    }
}

#[derive(Debug, Default)]
pub struct Redefined {
    all: BTreeMap<(Kind, String), RedefinedRow>,
}

impl From<Vec<RedefinedRow>> for Redefined {
    fn from(rows: Vec<RedefinedRow>) -> Self {
        let of_kind = |name: &str| Kind::ALL.iter().copied().find(|kind| kind.name() == name);
        let keyed = rows
            .into_iter()
            .filter_map(|row| Some(((of_kind(&row.kind)?, row.name.clone()), row)));
        Self { all: keyed.collect() }
    }
}

impl Redefined {
    pub fn get(&self, kind: Kind, name: &str) -> Option<&RedefinedRow> {
        self.all.get(&(kind, name.to_string()))
    }
}
