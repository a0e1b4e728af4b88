//! A handler registry over the tables of the ERP example.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

pub mod repository;

use erp::tables;
use table_registry::Mutable;

use repository::{delete, tenant_query, update};

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The rows of its tenant.
    List,
    /// To give one row another name.
    Rename,
    /// To remove one row.
    Remove,
}

/// Turns a request into the statement to run.
pub type Handler = fn(Request) -> String;

/// The handlers, by table: records and workflow state, never what is derived or written once. A key
/// that is no table does not resolve, and one of another kind does not compile.
pub const HANDLERS: [(&str, Handler); 3] = table_registry::handlers! {
    allow = [Truth, Control];
    tables::companies => handle::<tables::companies>,
    tables::contacts => handle::<tables::contacts>,
    tables::workflow_definitions => handle::<tables::workflow_definitions>,
};

// The same proof for keys that are names, as they come from other registries.
table_registry::assert_handlers!(erp::TABLE_REGISTRY, HANDLERS, allow = [Truth, Control]);

/// One function for all tables that may have a handler: its bounds say what it needs of them.
fn handle<T: Mutable + table_registry::RowSecured>(request: Request) -> String {
    match request {
        Request::List => tenant_query::<T>(),
        Request::Rename => update::<T>(&["name"]),
        Request::Remove => delete::<T>(),
    }
}

/// The statement for a request to a table whose name came from outside; nothing if it has no handler.
/// The name itself never becomes SQL.
#[must_use]
pub fn route(untrusted: &str, request: Request) -> Option<String> {
    let table = tables::resolve(untrusted)?;
    let (_, handler) = HANDLERS.iter().find(|(name, _)| *name == table)?;
    Some(handler(request))
}
