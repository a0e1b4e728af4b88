//! Pages.
use core::fmt::Debug;

use table_registry::table;

/// Rows.
#[table(name = "page")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Page<'text, Item: Copy = u8, const LENGTH: usize = { 3 }> {
    /// Content.
    pub items: &'text [Item; LENGTH],
}

/// Rows.
#[table]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Pair<Item>(pub Item)
where
    Item: Copy;

/// Rows.
#[table(schema = "audit")]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Single<'text> {
    /// Content.
    pub name: &'text str,
}

/// Rows.
#[table(kind = evidence)]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Two<'text, 'other: 'text> {
    /// Content.
    pub name: &'text str,
    /// Content.
    pub other: &'other str,
}

/// Rows.
#[table]
#[cfg_attr(test, diesel(table_name = bounds))]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Bounded<Item: Into<u8>>(pub Item);

/// Rows.
#[table]
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Named<#[cfg(test)] 'text, #[cfg(unix)] Item, #[cfg(windows)] Item>(pub Item);

/// Rows.
#[table(kind = system)]
#[derive(Debug, Clone, Copy)]
struct Private;

/// In a function.
#[inline]
#[must_use]
pub fn function() -> impl Debug {
    /// Rows.
    #[table]
    #[derive(Debug, Clone, Copy)]
    struct Local;
    (Local, Private)
}
