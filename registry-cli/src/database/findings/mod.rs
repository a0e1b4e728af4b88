//! What checks find, which exceptions cover it, and how it is reported.

pub mod databases;
pub mod exceptions;
pub mod finding;
pub mod report;
