//! Every form that the macros' expansion can take, in a crate whose own code is clean under the lints that the test
//! turns on.
#![no_std]

pub mod linked;
pub mod schema;

table_registry::table_registry!("schema/");

/// A type of handlers.
pub type Handlers = [(&'static str, fn() -> u16); 1];

/// All handlers.
pub const HANDLERS: Handlers = table_registry::handlers! {
    allow = [Truth, Control];
    tables::users => schema::get,
};

table_registry::assert_handlers!(TABLE_REGISTRY, HANDLERS, allow = [Truth]);
