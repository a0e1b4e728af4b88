//! Takes declarations and policy; returns the registry, which only validation can make.

mod model;
mod validation;

pub use model::{ExemptTable, RegisteredTable, Registry};
pub use validation::validate;
