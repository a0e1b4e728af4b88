#![doc = include_str!("../README.md")]
#![no_std]
#![allow(
    clippy::test_attr_in_doctest,
    reason = "the blocks of the README are files of the quickstart example"
)]

#[doc(hidden)]
pub use registry_core::__private;
pub use registry_core::{Table, TableKind, UnknownKind, kind_of};
pub use registry_macros::{table, table_registry};
