//! What the kind of a table says about its rows, for the lints and for the tables that `new` creates.

use table_registry_core::TableKind;

/// Whether rows are updated, so that the table needs a column with the time of the last change.
pub fn rows_are_updated(kind: TableKind, append_only: bool) -> bool {
    kind == TableKind::Truth && !append_only
}

/// Whether rows should only ever be added.
pub fn should_be_append_only(kind: TableKind) -> bool {
    matches!(kind, TableKind::Evidence | TableKind::Projection)
}
