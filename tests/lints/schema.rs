//! The schema.
pub mod pages;
pub mod users;
#[cfg(test)]
pub mod hidden;

/// A handler.
pub(crate) const fn get() -> u16 {
    200
}
