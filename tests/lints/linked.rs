//! A file that the schema directory contains as a symbolic link.
use core::fmt::Debug;

use table_registry::table;

/// Rows.
#[table]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Linked<'text, Item>
where
    Item: Copy,
{
    /// Content.
    pub id: &'text Item,
}

/// In a function.
#[inline]
#[must_use]
pub fn function() -> impl Debug {
    /// Rows.
    #[table]
    #[derive(Debug, Clone, Copy)]
    struct LinkedLocal;
    LinkedLocal
}
