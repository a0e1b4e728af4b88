//! The values that a condition may have.
//!
//! SQL has three: <https://www.postgresql.org/docs/current/functions-logical.html>. The fourth outcome is an error, which
//! refuses the whole statement. The server may evaluate operands in any order, so `true OR error` can be true.

use std::fmt;
use std::ops::BitOr;

/// A set of outcomes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Truths(u8);

impl Truths {
    pub const NONE: Self = Self(0);
    pub const TRUE: Self = Self(1);
    pub const FALSE: Self = Self(2);
    pub const NULL: Self = Self(4);
    pub const ERROR: Self = Self(8);
    /// True or false, but never NULL.
    pub const EITHER: Self = Self(1 | 2);
    /// Any outcome except an error. An error lets no row through, so it can be left out.
    pub const ANY: Self = Self(1 | 2 | 4);

    const SINGLE: [Self; 4] = [Self::TRUE, Self::FALSE, Self::NULL, Self::ERROR];

    pub fn of(value: bool) -> Self {
        if value { Self::TRUE } else { Self::FALSE }
    }

    /// Nothing, unless a condition holds.
    pub fn when(self, is_possible: bool) -> Self {
        if is_possible { self } else { Self::NONE }
    }

    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// The outcomes that are also in another set.
    pub fn within(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    pub fn not(self) -> Self {
        self.map(|one| match one {
            Self::TRUE => Self::FALSE,
            Self::FALSE => Self::TRUE,
            other => other,
        })
    }

    pub fn and(self, other: Self) -> Self {
        self.pairs(other, |one, other| {
            let all = one | other;
            if all.contains(Self::ERROR) {
                // A false operand may be evaluated first.
                all.within(Self::FALSE) | Self::ERROR
            } else if all.contains(Self::FALSE) {
                Self::FALSE
            } else if all.contains(Self::NULL) {
                Self::NULL
            } else {
                Self::TRUE
            }
        })
    }

    pub fn or(self, other: Self) -> Self {
        self.not().and(other.not()).not()
    }

    /// The outcome of `… IS TRUE`, for [`Self::TRUE`], and of the like.
    pub fn is(self, wanted: Self) -> Self {
        self.map(|one| match one {
            Self::ERROR => Self::ERROR,
            one => Self::of(one == wanted),
        })
    }

    fn map(self, change: impl Fn(Self) -> Self) -> Self {
        let singles = Self::SINGLE.into_iter().filter(|one| self.contains(*one));
        singles.fold(Self::NONE, |all, one| all | change(one))
    }

    fn pairs(self, other: Self, combine: impl Fn(Self, Self) -> Self) -> Self {
        self.map(|one| other.map(|other| combine(one, other)))
    }
}

impl BitOr for Truths {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for Truths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = ["true", "false", "null", "error"];
        let own = Self::SINGLE.into_iter().zip(names);
        f.debug_set()
            .entries(own.filter(|(one, _)| self.contains(*one)).map(|(_, name)| name))
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::Truths;

    const T: Truths = Truths::TRUE;
    const F: Truths = Truths::FALSE;
    const N: Truths = Truths::NULL;
    const E: Truths = Truths::ERROR;

    #[test]
    fn three_valued_logic() {
        for (one, other, and, or) in [
            (T, T, T, T),
            (T, F, F, T),
            (T, N, N, T),
            (F, F, F, F),
            (F, N, F, N),
            (N, N, N, N),
        ] {
            assert_eq!((one.and(other), one.or(other)), (and, or), "{one:?} {other:?}");
            assert_eq!((other.and(one), other.or(one)), (and, or), "{other:?} {one:?}");
        }
        assert_eq!([T.not(), F.not(), N.not(), E.not()], [F, T, N, E]);
    }

    #[test]
    fn an_error_hides_nothing_that_the_server_may_evaluate_first() {
        assert_eq!((T.or(E), F.or(E)), (T | E, E));
        assert_eq!((T.and(E), F.and(E)), (E, F | E));
    }

    #[test]
    fn sets() {
        assert_eq!((T | F).and(T | N), T | F | N);
        assert_eq!((T | F).and(F), F);
        assert_eq!((T | N | E).is(N), T | F | E);
        assert_eq!(Truths::NONE.or(T), Truths::NONE);
    }
}
