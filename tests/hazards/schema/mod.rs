//! Every hazard of real model code. What is registered, and where, stands in `tests/hazards.rs`.

pub mod attributes;
mod bom;
#[cfg_attr(any(), path = "nowhere.rs")]
mod empty;
#[cfg(any())]
mod left_out;
mod nested;
pub mod orms;
pub mod places;
#[path = "odd name.rs"]
mod renamed;
pub mod shapes;
mod strings;
mod twins;
