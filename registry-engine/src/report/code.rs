//! The stable names of rules, by family: each family has properties that make no sense for the others.

use std::fmt;

use super::checks::DatabaseCheck;
use super::faults::Fault;
use super::lints::Lint;

/// The stable name of one rule, shown with each diagnostic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// A fault of sources or policy files.
    Fault(Fault),
    /// A lint.
    Lint(Lint),
    /// A database check.
    DatabaseCheck(DatabaseCheck),
}

impl Code {
    /// Every code of all families, sorted by name.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let faults = Fault::ALL.iter().copied().map(Self::from);
        let lints = Lint::ALL.iter().copied().map(Self::from);
        let checks = DatabaseCheck::ALL.iter().copied().map(Self::from);
        let mut all: Vec<Self> = faults.chain(lints).chain(checks).collect();
        all.sort_by_key(|code| code.as_str());
        all
    }

    /// The code in kebab-case.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fault(fault) => fault.as_str(),
            Self::Lint(lint) => lint.as_str(),
            Self::DatabaseCheck(check) => check.as_str(),
        }
    }
}

macro_rules! from {
    ($($family:ident)*) => {
        $(
            impl From<$family> for Code {
                fn from(code: $family) -> Self {
                    Self::$family(code)
                }
            }
        )*
    };
}

from! { Fault Lint DatabaseCheck }

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn codes_are_unique_and_kebab_case() {
        let names: Vec<_> = Code::all().into_iter().map(Code::as_str).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for name in names {
            let is_kebab = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(name.chars().all(is_kebab), "{name}");
        }
    }

    #[test]
    fn faults_and_lints_are_sorted() {
        assert!(Fault::ALL.is_sorted_by_key(|fault| fault.as_str()));
        assert!(Lint::ALL.is_sorted_by_key(|lint| lint.as_str()));
    }

    #[test]
    fn a_code_is_found_in_both_spellings() {
        for name in ["float-money", "float_money"] {
            assert_eq!(Lint::named(name), Some(Lint::FloatMoney));
        }
        assert_eq!(Lint::named("unknown-kind"), None);
    }
}
