//! Judges policies by three-valued logic: whether they let rows of other tenants through.
//!
//! A policy is evaluated for a row of another tenant, in a session with a tenant and in sessions without one. What is not
//! known of the row and of the session may be anything. If the result is never *true*, the policy isolates tenants; if it
//! is *true* for some values, they are the proof that it does not. See
//! <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>.

mod answers;
#[cfg(test)]
mod differential;
mod evaluate;
mod expressions;
mod implication;
#[cfg(test)]
mod leaks;
mod query;
mod truth;
mod value;
mod verdict;
mod world;

pub use answers::{Verdict, Verdicts};
pub use expressions::{Expressions, has_sub_select};
pub use verdict::{MAX_STEPS, Question};
