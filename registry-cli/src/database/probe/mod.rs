//! Tries what the server really lets the roles of the application do.
//!
//! The catalogs show why something is possible; an attempt shows whether it is. In a throwaway server there are rows of
//! made-up tenants in every table, and each role tries to read and to change those of other tenants. In a live database
//! there is no statement that could write: policies are evaluated by SELECT, over the rows that are there and over made-up
//! ones. Every attempt is taken back.

mod access;
mod attempts;
mod changes;
mod live;
mod made_up;
mod partitions;
pub mod probed;
mod question;
mod rows;
mod tenants;

use crate::database::context::Context;
use crate::database::matrix::Matrix;
use crate::database::probe::probed::{Probed, Untried};
use crate::database::server::session::Session;
use crate::failure::Failure;
use attempts::Attempts;
pub use attempts::Target;
use rows::Rows;

/// Observes which rows each role reaches, and the tables for which there is no made-up row.
pub fn matrix(
    session: &mut Session,
    context: &Context<'_>,
    target: Target,
) -> Result<(Matrix, Vec<Untried>), Failure> {
    let mut untried = Vec::new();
    let rows = match target {
        Target::Throwaway => Some(Rows::make(session, context, &mut untried)?),
        Target::Live => None,
    };
    let mut attempts = Attempts::new(session, context, target)?;
    Ok((access::observe(&mut attempts, rows.as_ref())?, untried))
}

/// Attempts everything that the server should refuse.
pub fn run(session: &mut Session, context: &Context<'_>, target: Target) -> Result<Probed, Failure> {
    let mut untried = Vec::new();
    let rows = match target {
        Target::Throwaway => Some(Rows::make(session, context, &mut untried)?),
        Target::Live => None,
    };
    let mut attempts = Attempts::new(session, context, target)?;
    attempts.probed.untried = untried;
    match &rows {
        Some(rows) => {
            changes::try_all(&mut attempts)?;
            tenants::try_all(&mut attempts, rows)?;
        }
        None => {
            changes::ask_all(&mut attempts)?;
            live::try_all(&mut attempts)?;
        }
    }
    attempts.ask_refused()?;
    Ok(attempts.finished())
}
