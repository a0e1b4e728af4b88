//! The registry: the model, and the validation that alone can make one.

mod model;
mod validation;

pub use model::{ExemptTable, RegisteredTable, Registry};
pub use validation::validate;
