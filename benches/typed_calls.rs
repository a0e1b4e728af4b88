//! Not a benchmark of time: functions whose machine code `typed_calls.sh` compares.

use std::hint::black_box;

use erp::tables;
use table_registry::{Mutable, Table};

/// What a generic function knows of a table.
fn described<T: Mutable>() -> (usize, bool, bool) {
    (T::NAME.len(), T::RLS, T::APPEND_ONLY)
}

/// By typed key.
#[inline(never)]
#[must_use]
pub fn typed() -> (usize, bool, bool) {
    described::<tables::contacts>()
}

/// The same by hand.
#[inline(never)]
#[must_use]
pub fn by_hand() -> (usize, bool, bool) {
    (8, true, false)
}

fn main() {
    black_box((typed(), by_hand(), tables::contacts::KIND));
}
