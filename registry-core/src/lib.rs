//! The vocabulary of [`table-registry`](https://docs.rs/table-registry): what a
//! table kind is, what a registered table is, and the checks that generated code
//! makes at compile time. `no_std`, and without dependencies.
//!
//! Depend on `table-registry`, which re-exports all of it. The feature `engine`
//! adds the pipeline behind the macros.

#![cfg_attr(not(any(test, feature = "engine")), no_std)]

mod compiled;
mod kind;
mod lookup;
mod table;

#[cfg(feature = "engine")]
pub mod engine;

pub use kind::{TableKind, UnknownKind};
pub use lookup::kind_of;
pub use table::Table;

/// What generated code needs besides the public vocabulary. Not public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::compiled::{Compiled, DeclaredByOneStruct, NotCompiled, Unknown, any, is_crate_root};
    pub use crate::{Table, TableKind};
    pub use core::option::Option;
    pub use core::primitive::{bool, str, u8};
    pub use core::{assert, include_bytes, module_path};
}
