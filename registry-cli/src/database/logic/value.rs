//! What is known of a value while a policy is judged.

use std::cmp::Ordering;
use std::fmt;

use crate::database::catalog::Oid;
use crate::database::code::claims;
use crate::database::logic::truth::Truths;

/// A value that is known exactly.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Constant {
    Boolean(bool),
    Integer(i128),
    Text(String),
    /// In lower case, with hyphens.
    Uuid(String),
    Time(Moment),
}

/// A point in time, as far as it can be compared without a clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    LongAgo,
    Now,
    Infinity,
}

/// A tenant whose value does not matter, as long as it differs from the other tenants.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tenant {
    /// The one that the session has set.
    OfSession,
    /// The one that the row belongs to.
    OfRow,
    /// Any other.
    Other,
}

/// What may differ from row to row and from session to session.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Variable {
    /// A column of a row, by the name of its table where the policy names it.
    Column(String, String),
    Setting(String),
    /// The role of the session: `current_user` and the like.
    Role(String),
    /// The tenant that a row of a sub-select belongs to.
    Owner(String),
    /// Whether a sub-select finds a row.
    Rows(Search),
    /// The values of the tenants.
    Tenants,
}

/// The search of a sub-select for rows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Search {
    /// The tables, each with the name of its row.
    pub tables: Vec<(Oid, String)>,
    /// Whether several rows would be an error.
    pub is_value: bool,
}

/// A value, as far as it is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    pub known: Known,
    pub may_be_null: bool,
    pub may_fail: bool,
}

/// What is known of a value that is not null.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Known {
    /// There is no such value: it is null, or the evaluation fails.
    Nothing,
    One(Constant),
    Tenant(Tenant),
    /// A text that is read as a tenant, but may not be spelt as the server spells it: `'01'`.
    Spelling(Tenant),
    Variable(Variable),
    /// All claims of the token of the session, as text or as JSON.
    Claims,
    Anything,
}

impl Known {
    /// Whether it is what one of the settings with all claims holds.
    pub fn holds_claims(&self) -> bool {
        match self {
            Self::Claims => true,
            Self::Variable(Variable::Setting(name)) => claims::hold_all(name),
            _ => false,
        }
    }
}

impl Value {
    pub const NULL: Self = Self {
        known: Known::Nothing,
        may_be_null: true,
        may_fail: false,
    };
    pub const ERROR: Self = Self {
        known: Known::Nothing,
        may_be_null: false,
        may_fail: true,
    };
    pub const ANYTHING: Self = Self {
        known: Known::Anything,
        may_be_null: true,
        may_fail: false,
    };

    pub fn new(known: Known) -> Self {
        Self {
            known,
            may_be_null: false,
            may_fail: false,
        }
    }

    pub fn constant(constant: Constant) -> Self {
        Self::new(Known::One(constant))
    }

    pub fn text(text: impl Into<String>) -> Self {
        Self::constant(Constant::Text(text.into()))
    }

    pub fn nullable(mut self, may_be_null: bool) -> Self {
        self.may_be_null |= may_be_null;
        self
    }

    pub fn failing(mut self, may_fail: bool) -> Self {
        self.may_fail |= may_fail;
        self
    }

    /// The same value, except for what is known of it when it is not null.
    pub fn with(&self, known: Known) -> Self {
        let known = if self.known == Known::Nothing {
            Known::Nothing
        } else {
            known
        };
        Self {
            known,
            ..self.clone()
        }
    }

    /// One of two values.
    pub fn or(self, other: Self) -> Self {
        let known = match (self.known, other.known) {
            (Known::Nothing, known) | (known, Known::Nothing) => known,
            (one, other) if one == other => one,
            (Known::Tenant(one) | Known::Spelling(one), Known::Tenant(other) | Known::Spelling(other))
                if one == other =>
            {
                Known::Spelling(one)
            }
            (one, other) if one.holds_claims() && other.holds_claims() => Known::Claims,
            _ => Known::Anything,
        };
        Self {
            known,
            may_be_null: self.may_be_null || other.may_be_null,
            may_fail: self.may_fail || other.may_fail,
        }
    }

    /// The outcomes beside those of the value itself.
    pub fn beside(&self) -> Truths {
        Truths::NULL.when(self.may_be_null) | Truths::ERROR.when(self.may_fail)
    }

    /// The outcomes of a condition.
    pub fn truths(&self) -> Truths {
        let own = match &self.known {
            Known::Nothing => Truths::NONE,
            Known::One(Constant::Boolean(value)) => Truths::of(*value),
            _ => Truths::EITHER,
        };
        own | self.beside()
    }

    pub fn of_truths(truths: Truths) -> Self {
        let known = match truths.within(Truths::EITHER) {
            Truths::NONE => Known::Nothing,
            Truths::TRUE => Known::One(Constant::Boolean(true)),
            Truths::FALSE => Known::One(Constant::Boolean(false)),
            _ => Known::Anything,
        };
        Self {
            known,
            may_be_null: truths.contains(Truths::NULL),
            may_fail: truths.contains(Truths::ERROR),
        }
    }
}

/// Whether two names are of one type.
pub fn is_named(one: &str, other: &str) -> bool {
    full_name(one) == full_name(other)
}

/// The name of a type as the server writes it.
pub fn full_name(sql_type: &str) -> &str {
    match sql_type {
        "int" | "int4" => "integer",
        "int2" => "smallint",
        "int8" => "bigint",
        "bool" => "boolean",
        "varchar" => "character varying",
        "timestamptz" => "timestamp with time zone",
        "timestamp" => "timestamp without time zone",
        "decimal" => "numeric",
        other => other,
    }
}

pub fn is_integer(sql_type: &str) -> bool {
    range(sql_type).is_some()
}

pub fn is_text(sql_type: &str) -> bool {
    matches!(sql_type, "text" | "varchar" | "character varying" | "name")
        || sql_type.starts_with("character varying(")
}

pub fn is_time(sql_type: &str) -> bool {
    matches!(
        sql_type,
        "timestamptz" | "timestamp" | "date" | "timestamp with time zone" | "timestamp without time zone"
    )
}

/// What the text of a value says about the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Equal values have the same text, and different ones have different texts.
    Exact,
    /// Different values have different texts, but a value may have several.
    Loose,
    /// Different values may have the same text.
    Rounded,
}

impl Spelling {
    pub fn of(sql_type: &str) -> Self {
        match sql_type {
            "uuid" | "boolean" | "bool" => Self::Exact,
            "real" | "double precision" | "float4" | "float8" | "money" => Self::Rounded,
            other if is_integer(other) || is_text(other) => Self::Exact,
            _ => Self::Loose,
        }
    }
}

fn range(sql_type: &str) -> Option<(i128, i128)> {
    Some(match sql_type {
        "smallint" | "int2" => (i16::MIN.into(), i16::MAX.into()),
        "int" | "integer" | "int4" => (i32::MIN.into(), i32::MAX.into()),
        "bigint" | "int8" => (i64::MIN.into(), i64::MAX.into()),
        _ => return None,
    })
}

impl Constant {
    /// The constant in another type. `None` if this is not known.
    pub fn cast(&self, sql_type: &str) -> Option<Value> {
        if let Some((least, most)) = range(sql_type) {
            let number = match self {
                Self::Integer(number) => Some(*number),
                Self::Text(text) => match text.trim().parse() {
                    Ok(number) => Some(number),
                    // Hexadecimal numbers, for example, which some servers read.
                    Err(_) if text.trim().chars().any(|c| c.is_ascii_digit()) => return None,
                    Err(_) => None,
                },
                Self::Boolean(value) => Some((*value).into()),
                Self::Uuid(_) | Self::Time(_) => None,
            };
            let in_range = number.filter(|number| (least..=most).contains(number));
            return Some(in_range.map_or(Value::ERROR, |number| Value::constant(Self::Integer(number))));
        }
        match (sql_type, self) {
            ("text" | "varchar" | "character varying" | "name", Self::Time(_)) => None,
            ("text" | "varchar" | "character varying", other) => Some(Value::text(other.to_text())),
            ("name", Self::Text(text)) if text.len() < 64 => Some(Value::text(text)),
            ("numeric", Self::Integer(_))
            | ("uuid", Self::Uuid(_))
            | ("bool" | "boolean", Self::Boolean(_)) => Some(Value::constant(self.clone())),
            ("uuid", Self::Text(text)) => Some(uuid(text).map_or(Value::ERROR, Value::constant)),
            ("bool" | "boolean", Self::Text(text)) => match text.as_str() {
                "true" | "t" => Some(Value::constant(Self::Boolean(true))),
                "false" | "f" => Some(Value::constant(Self::Boolean(false))),
                _ => None,
            },
            ("numeric", Self::Text(text)) if text.trim().is_empty() => Some(Value::ERROR),
            (time, Self::Text(text)) if is_time(time) => match text.as_str() {
                "infinity" => Some(Value::constant(Self::Time(Moment::Infinity))),
                "-infinity" => Some(Value::constant(Self::Time(Moment::LongAgo))),
                "" => Some(Value::ERROR),
                _ => None,
            },
            (time, Self::Time(_)) if is_time(time) => Some(Value::constant(self.clone())),
            _ => None,
        }
    }

    pub fn to_text(&self) -> String {
        match self {
            Self::Boolean(value) => value.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Text(text) | Self::Uuid(text) => text.clone(),
            Self::Time(Moment::LongAgo) => "-infinity".to_string(),
            Self::Time(Moment::Now) => "now".to_string(),
            Self::Time(Moment::Infinity) => "infinity".to_string(),
        }
    }

    /// The order of two constants, if it is known. That of texts depends on their collation.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => text_order(one, other),
            (Self::Time(Moment::Now), Self::Time(Moment::Now)) => None,
            _ if std::mem::discriminant(self) == std::mem::discriminant(other) => Some(self.cmp(other)),
            _ => None,
        }
    }

    /// Whether two constants are equal, if that is known.
    pub fn is_equal(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Text(one), Self::Text(other)) => Some(one == other),
            _ => self.order(other).map(Ordering::is_eq),
        }
    }
}

/// The order of two texts, if it is the same in every collation: that of two letters, or of a text and its start.
fn text_order(one: &str, other: &str) -> Option<Ordering> {
    // Not all alphabets end with the same letters.
    let is_letter = |text: &str| text.len() == 1 && text.chars().all(|c| matches!(c, 'a'..='h'));
    if one == other || (is_letter(one) && is_letter(other)) {
        return Some(one.cmp(other));
    }
    if other.starts_with(one) {
        Some(Ordering::Less)
    } else if one.starts_with(other) {
        Some(Ordering::Greater)
    } else {
        None
    }
}

impl fmt::Display for Constant {
    /// As SQL writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(_) | Self::Integer(_) => f.write_str(&self.to_text()),
            _ => write!(f, "'{}'", self.to_text().replace('\'', "''")),
        }
    }
}

/// The usual form of a UUID; the server reads others, too.
fn uuid(text: &str) -> Option<Constant> {
    let digits: String = text
        .trim_start_matches('{')
        .trim_end_matches('}')
        .chars()
        .filter(|c| *c != '-')
        .collect();
    if digits.len() != 32 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return None;
    }
    let digits = digits.to_ascii_lowercase();
    let parts = [
        &digits[..8],
        &digits[8..12],
        &digits[12..16],
        &digits[16..20],
        &digits[20..],
    ];
    Some(Constant::Uuid(parts.join("-")))
}
