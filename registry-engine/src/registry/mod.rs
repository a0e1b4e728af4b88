//! Takes declarations and policy; returns the registry, which only validation can make.

mod model;
mod tables;
mod tenancy;
mod union;
mod validation;

pub use model::{Access, ExemptTable, Parent, RegisteredTable, Registry, Tenancy};
pub use validation::validate;
