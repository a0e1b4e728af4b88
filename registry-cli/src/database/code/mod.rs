//! SQL that the database runs by itself or for a caller: what it names, calls, opens and changes.

pub mod called_functions;
pub mod calls;
pub mod claims;
pub mod firing;
pub mod mention;
pub mod openings;
pub mod recursion;
pub mod redefined;
pub mod setters;
pub mod settings;
pub mod sql_arguments;
pub mod tenant_statements;
pub mod triggers;
pub mod unprotecting;
pub mod unread_code;
