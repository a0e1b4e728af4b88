//! The vocabulary of [`table-registry`](https://docs.rs/table-registry): what a table kind is, what a registered table
//! is, and the checks that generated code makes at compile time. `no_std`, and without dependencies except for an
//! optional one on `serde`.
//!
//! Depend on `table-registry`, which re-exports all of it.

#![cfg_attr(not(test), no_std)]

mod bound;
mod compiled;
mod handlers;
mod index;
mod key;
mod lookup;
mod policy;
mod quoted;
mod table;
mod table_kind;

pub use bound::{AccessOf, Appendable, KindOf, Mutable, OfKind, RowSecured, TenancyOf};
pub use key::Key;
pub use lookup::{kind_of, resolve};
pub use policy::{
    Access, AppendOnly, Global, HasTenant, IsKind, Kind, PermitsInsert, PermitsUpdate, Policies, ReadOnly,
    ReadWrite, Tenancy, TenantScoped, kind,
};
pub use table::Table;
pub use table_kind::{TableKind, UnknownKind};

/// What generated code uses besides the public vocabulary. Not public API.
#[doc(hidden)]
pub mod __private {
    pub use crate::compiled::{
        Compiled, Copied, DeclaredByOneStruct, HasKey, NotCompiled, PutTableAboveTheMacroThatCopiesIt,
        Unknown, any, is_crate_root,
    };
    pub use crate::handlers::{HandlerKey, Keys, Report, report};
    pub use crate::index::{BYTES_PER_NAME, Index, insert};
    pub use crate::policy::{Fits, InDoubt, Insertable, OfTenants, Updatable};
    pub use crate::{AppendOnly, Global, Key, ReadOnly, ReadWrite, kind};
    pub use core::option::Option;
    pub use core::primitive::{bool, str, u8, usize};
    pub use core::{assert, include_bytes, module_path};
}
