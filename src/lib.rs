//! facade
#![no_std]
#[doc(hidden)]
pub use registry_core::__private;
pub use registry_core::{Table, TableKind, UnknownKind, kind_of};
pub use registry_macros::{table, table_registry};
