#![doc = include_str!("front_page.md")]
//!
//! # Where to go on
//!
//! [`macro@table`] and [`table_registry!`] are the reference of the macros, with every argument and every generated item.
//! [`Table`], [`Mutable`], [`Appendable`], [`RowSecured`] and [`OfKind`] are the bounds. The guide, in `docs/src` of the
//! repository, starts with the first day.
#![no_std]

/// What generated code refers to. A facade that does not re-export it gets a compiler error with this name, so the name
/// has to be the hint. Not public API.
#[doc(hidden)]
pub use crate as re_export_the_whole_crate_table_registry;
#[doc(hidden)]
pub use table_registry_core::__private;
pub use table_registry_core::{
    Access, AccessOf, AppendOnly, Appendable, Global, HasTenant, IsKind, Key, Kind, KindOf, Mutable, OfKind,
    PermitsInsert, PermitsUpdate, Policies, ReadOnly, ReadWrite, RowSecured, Table, TableKind, Tenancy,
    TenancyOf, TenantScoped, UnknownKind, assert_handlers, handlers, kind, kind_of, resolve,
};
#[doc(hidden)]
pub use table_registry_macros::__outside_directories;
pub use table_registry_macros::{table, table_registry};
