//! The value of a key in a table of a policy file, while the table is read.

/// The value of a key.
#[derive(Default)]
pub enum Setting<T> {
    #[default]
    Absent,
    /// The value or the key is faulty, and the fault is already reported.
    Faulty,
    Is(T),
}

impl<T> Setting<T> {
    pub fn of(value: Option<T>) -> Self {
        value.map_or(Self::Faulty, Self::Is)
    }

    pub fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    pub fn set_faulty(&mut self) {
        if self.is_absent() {
            *self = Self::Faulty;
        }
    }

    pub fn value(self) -> Option<T> {
        match self {
            Self::Is(value) => Some(value),
            Self::Absent | Self::Faulty => None,
        }
    }
}
