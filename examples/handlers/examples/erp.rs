//! A handler registry over the tables of the ERP example, and the way from an untrusted name to a handler:
//! `cargo run -p handlers --example erp -- contacts audit_logs`.
#![deny(warnings, clippy::pedantic)]
#![forbid(unsafe_code)]

use erp::tables;
use handlers::{delete, tenant_query, update};
use table_registry::{Mutable, RowSecured};

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Request {
    /// List the rows of the client's tenant.
    List,
    /// Give one row another name.
    Rename,
    /// Remove one row.
    Remove,
}

/// Turns a request into the statement to run.
type Handler = fn(Request) -> String;

/// The handlers, by table: for records and workflow state, never for tables that are derived or append-only. A key
/// that is not a table does not resolve, and a key of another kind does not compile.
const HANDLERS: [(&str, Handler); 3] = table_registry::handlers! {
    allow = [Truth, Control];
    tables::companies => handle::<tables::companies>,
    tables::contacts => handle::<tables::contacts>,
    tables::workflow_definitions => handle::<tables::workflow_definitions>,
};

// The same proof for keys that are names, as they come from other registries.
table_registry::assert_handlers!(erp::TABLE_REGISTRY, HANDLERS, allow = [Truth, Control]);

/// One function for all tables that may have a handler. Its bounds state what a table must allow.
fn handle<T: Mutable + RowSecured>(request: Request) -> String {
    match request {
        Request::List => tenant_query::<T>(),
        Request::Rename => update::<T>(&["name"]),
        Request::Remove => delete::<T>(),
    }
}

/// The statement for a request to a table whose name came from outside; `None` if the table has no handler. The name
/// itself never becomes SQL.
fn route(untrusted: &str, request: Request) -> Option<String> {
    let table = tables::resolve(untrusted)?;
    let (_, handler) = HANDLERS.iter().find(|(name, _)| *name == table)?;
    Some(handler(request))
}

fn main() {
    for name in std::env::args().skip(1) {
        for request in [Request::List, Request::Rename, Request::Remove] {
            match route(&name, request) {
                Some(statement) => println!("{statement}"),
                None => println!("{request:?} of {name:?}: no handler"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registered_names_with_a_handler_are_routed() {
        assert_eq!(
            route("contacts", Request::List).as_deref(),
            Some(r#"SELECT * FROM "public"."contacts" WHERE "org_id" = $1"#)
        );
        assert_eq!(HANDLERS.len(), 3);
        for name in ["audit_logs", "contcts", "contacts\"; DROP TABLE contacts; --", ""] {
            assert_eq!(route(name, Request::Remove), None, "{name}");
        }
    }
}
