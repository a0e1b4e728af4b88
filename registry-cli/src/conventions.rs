//! Conventions about tables that lints check and that `new` follows.

use table_registry_core::TableKind;

/// Whether rows of such a table are updated, so that it needs a column that says when.
pub fn rows_are_updated(kind: TableKind, append_only: bool) -> bool {
    kind == TableKind::Truth && !append_only
}

/// Whether a table of this kind should be append-only.
pub fn should_be_append_only(kind: TableKind) -> bool {
    matches!(kind, TableKind::Evidence | TableKind::Projection)
}
