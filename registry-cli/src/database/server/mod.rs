//! A connection to a PostgreSQL server, and servers that the program starts.

pub mod process;
pub mod session;
pub mod watchdog;
