//! The proof that every handler is one of a registered table of an allowed kind.
//!
//! It runs while the crate that has the handlers is compiled, in const evaluation: so all of it is loops
//! over bytes.

use crate::TableKind;

/// Proves at compile time that every key of a handler registry is a registered table, and that its
/// kind is allowed.
///
/// # Arguments
///
/// | argument | meaning |
/// |---|---|
/// | registry | a `TABLE_REGISTRY`, of this crate or of another |
/// | handlers | a constant array or slice of table names, or of pairs of a name and anything else |
/// | `allow = […]` | the kinds of tables that may have a handler, as variants of [`TableKind`](crate::TableKind) |
///
/// # Errors
///
/// One error that names every offending key: with its kind, or with the registered name that was
/// probably meant.
///
/// # Examples
///
/// ```
/// # use registry_core as table_registry;
/// # use table_registry::TableKind;
/// # const TABLE_REGISTRY: [(&str, TableKind); 2] = [("audit_logs", TableKind::Evidence), ("contacts", TableKind::Truth)];
/// const HANDLERS: [(&str, fn() -> u16); 1] = [("contacts", || 200)];
///
/// table_registry::assert_handlers!(TABLE_REGISTRY, HANDLERS, allow = [Truth, Control]);
/// ```
///
/// ```compile_fail,E0080
/// # use registry_core as table_registry;
/// # use table_registry::TableKind;
/// # const TABLE_REGISTRY: [(&str, TableKind); 2] = [("audit_logs", TableKind::Evidence), ("contacts", TableKind::Truth)];
/// const HANDLERS: [&str; 2] = ["audit_logs", "contcts"];
///
/// table_registry::assert_handlers!(TABLE_REGISTRY, HANDLERS, allow = [Truth, Control]);
/// ```
#[macro_export]
macro_rules! assert_handlers {
    ($registry:expr, $handlers:expr, allow = [$($kind:ident),+ $(,)?] $(,)?) => {
        #[allow(long_running_const_eval)]
        const _: () = {
            const REGISTRY: &[(&$crate::__private::str, $crate::TableKind)] = &$registry;
            const LENGTH: $crate::__private::usize = $crate::__private::Keys(&$handlers).len();
            const KEYS: [(&$crate::__private::str, $crate::__private::Option<$crate::TableKind>); LENGTH] = {
                let mut keys = [("", $crate::__private::Option::None); LENGTH];
                let mut at = 0;
                while at < LENGTH {
                    let name = $crate::__private::Keys(&$handlers).name(at);
                    keys[at] = (name, $crate::kind_of(REGISTRY, name));
                    at += 1;
                }
                keys
            };
            $crate::__assert_kinds!(KEYS, REGISTRY, [$($kind),+]);
        };
    };
}

/// A handler registry by typed keys: an array of pairs of a table's name and its handler.
///
/// A key that is no table does not even resolve; a table of another kind than those that `allow` names is a
/// compile error, as in [`assert_handlers!`](crate::assert_handlers).
///
/// ```
/// # use registry_core as table_registry;
/// # mod tables { pub enum Contacts {} }
/// # use table_registry::{kind, ReadWrite, Table, TenantScoped};
/// # impl Table for tables::Contacts {
/// #     type Key = Self; type Kind = kind::Truth; type Access = ReadWrite; type Tenancy = TenantScoped;
/// #     const NAME: &'static str = "contacts"; const SCHEMA: Option<&'static str> = None;
/// # }
/// fn get() -> u16 {
///     200
/// }
///
/// const HANDLERS: [(&str, fn() -> u16); 1] = table_registry::handlers! {
///     allow = [Truth, Control];
///     tables::Contacts => get,
/// };
///
/// assert_eq!(HANDLERS[0].0, "contacts");
/// ```
///
/// ```compile_fail,E0080
/// # use registry_core as table_registry;
/// # mod tables { pub enum AuditLogs {} }
/// # use table_registry::{kind, AppendOnly, Table, TenantScoped};
/// # impl Table for tables::AuditLogs {
/// #     type Key = Self; type Kind = kind::Evidence; type Access = AppendOnly; type Tenancy = TenantScoped;
/// #     const NAME: &'static str = "audit_logs"; const SCHEMA: Option<&'static str> = None;
/// # }
/// const HANDLERS: [(&str, u16); 1] = table_registry::handlers! {
///     allow = [Truth, Control];
///     tables::AuditLogs => 200,
/// };
/// ```
#[macro_export]
macro_rules! handlers {
    (allow = [$($kind:ident),+ $(,)?]; $($key:ty => $handler:expr),* $(,)?) => {{
        const _: () = {
            const KEYS: &[(&$crate::__private::str, $crate::__private::Option<$crate::TableKind>)] = &[
                $((<$key as $crate::Table>::NAME, $crate::__private::Option::Some(<$key as $crate::Table>::KIND))),*
            ];
            $crate::__assert_kinds!(KEYS, [], [$($kind),+]);
        };
        [$((<$key as $crate::Table>::NAME, $handler)),*]
    }};
}

/// Fails with a report on the keys whose kinds are not allowed.
#[doc(hidden)]
#[macro_export]
macro_rules! __assert_kinds {
    ($keys:expr, $registry:expr, [$($kind:ident),+]) => {
        const ALLOWED: &[$crate::TableKind] = &[$($crate::TableKind::$kind),+];
        const SIZE: $crate::__private::usize =
            $crate::__private::report::<0>(&$keys, &$registry, ALLOWED).length();
        const REPORT: $crate::__private::Report<SIZE> = $crate::__private::report(&$keys, &$registry, ALLOWED);
        $crate::__private::assert!(SIZE == 0, "{}", REPORT.text());
    };
}

/// The keys of a handler registry of any form.
pub struct Keys<'h, Handlers: ?Sized>(pub &'h Handlers);

macro_rules! keys {
    ($([$($parameters:tt)*] $handlers:ty, $self:ident, $at:ident => $name:expr;)*) => {
        $(
            #[allow(clippy::len_without_is_empty, reason = "only the macro asks")]
            impl<$($parameters)*> Keys<'_, $handlers> {
                /// How many there are.
                #[must_use]
                pub const fn len(&$self) -> usize {
                    $self.0.len()
                }

                /// The name of one.
                #[must_use]
                pub const fn name(&$self, $at: usize) -> &'static str {
                    $name
                }
            }
        )*
    };
}

keys! {
    [const N: usize] [&'static str; N], self, at => self.0[at];
    [H, const N: usize] [(&'static str, H); N], self, at => self.0[at].0;
    [] &[&'static str], self, at => self.0[at];
    [H] &[(&'static str, H)], self, at => self.0[at].0;
}

/// What is wrong with some keys, in at most `N` bytes.
pub struct Report<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Report<N> {
    /// The length of the whole text, also where it does not fit.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// The text.
    #[must_use]
    pub const fn text(&self) -> &str {
        match core::str::from_utf8(&self.bytes) {
            Ok(text) => text,
            Err(_) => "a handler has a key that is not a registered table of an allowed kind",
        }
    }

    const fn push(&mut self, text: &str) {
        let mut at = 0;
        while at < text.len() {
            if self.length < N {
                self.bytes[self.length] = text.as_bytes()[at];
            }
            self.length += 1;
            at += 1;
        }
    }

    const fn push_kinds(&mut self, kinds: &[TableKind]) {
        let mut at = 0;
        while at < kinds.len() {
            self.push(if at == 0 { "`" } else { "`, `" });
            self.push(kinds[at].as_str());
            at += 1;
        }
        self.push("`");
    }

    const fn push_unknown(&mut self, name: &str, registry: &[(&str, TableKind)]) {
        self.push("\n  = note: `");
        self.push(name);
        self.push("` is not a registered table");
        if let Some(meant) = nearest(name, registry) {
            self.push(", did you mean `");
            self.push(meant);
            self.push("`?");
        }
    }

    const fn push_wrong_kind(&mut self, name: &str, kind: TableKind) {
        self.push("\n  = note: table `");
        self.push(name);
        self.push("` is of kind `");
        self.push(kind.as_str());
        self.push("`");
    }
}

/// All that is wrong, in one text; an empty one if nothing is.
#[must_use]
pub const fn report<const N: usize>(
    keys: &[(&str, Option<TableKind>)],
    registry: &[(&str, TableKind)],
    allowed: &[TableKind],
) -> Report<N> {
    let mut report = Report {
        bytes: [0; N],
        length: 0,
    };
    let mut at = 0;
    while at < keys.len() {
        let (name, kind) = keys[at];
        let is_sound = matches!(kind, Some(kind) if contains(allowed, kind));
        if !is_sound && report.length == 0 {
            report.push("a handler is not one of a table that may have one");
        }
        match kind {
            _ if is_sound => {}
            Some(kind) => report.push_wrong_kind(name, kind),
            None => report.push_unknown(name, registry),
        }
        at += 1;
    }
    if report.length > 0 {
        report.push("\n  = help: remove the handler, or allow its kind; allowed are ");
        report.push_kinds(allowed);
    }
    report
}

const fn contains(kinds: &[TableKind], kind: TableKind) -> bool {
    let mut at = 0;
    while at < kinds.len() {
        if kinds[at] as u8 == kind as u8 {
            return true;
        }
        at += 1;
    }
    false
}

/// The registered name that was probably meant: at most a third of the letters may be wrong, as everywhere
/// in this crate.
const fn nearest<'r>(name: &str, registry: &[(&'r str, TableKind)]) -> Option<&'r str> {
    let limit = (if name.len() < 3 { 3 } else { name.len() }) / 3;
    let (mut best, mut best_distance) = (None, limit + 1);
    let mut at = 0;
    while at < registry.len() {
        let candidate = registry[at].0;
        if candidate.len().abs_diff(name.len()) < best_distance {
            let distance = distance(name.as_bytes(), candidate.as_bytes());
            if distance < best_distance {
                (best, best_distance) = (Some(candidate), distance);
            }
        }
        at += 1;
    }
    best
}

/// The most bytes of a name that are compared: those of `schema.table`.
const COMPARED: usize = 128;

/// How many bytes are inserted, removed, replaced or swapped with their neighbour, letter case aside.
const fn distance(one: &[u8], other: &[u8]) -> usize {
    if one.len() >= COMPARED || other.len() >= COMPARED {
        return usize::MAX;
    }
    // The rows of the matrix that the next one needs.
    let mut rows = [[0; COMPARED]; 3];
    let mut column = 0;
    while column <= other.len() {
        rows[0][column] = column;
        column += 1;
    }
    let mut row = 1;
    while row <= one.len() {
        let (this, above, twice_above) = (row % 3, (row + 2) % 3, (row + 1) % 3);
        rows[this][0] = row;
        let mut column = 1;
        while column <= other.len() {
            let is_same = same(one[row - 1], other[column - 1]);
            let mut best = rows[above][column - 1] + !is_same as usize;
            best = min(best, min(rows[above][column], rows[this][column - 1]) + 1);
            let is_swap = row > 1
                && column > 1
                && same(one[row - 1], other[column - 2])
                && same(one[row - 2], other[column - 1]);
            if is_swap {
                best = min(best, rows[twice_above][column - 2] + 1);
            }
            rows[this][column] = best;
            column += 1;
        }
        row += 1;
    }
    rows[one.len() % 3][other.len()]
}

const fn same(one: u8, other: u8) -> bool {
    one.eq_ignore_ascii_case(&other)
}

const fn min(one: usize, other: usize) -> usize {
    if one < other { one } else { other }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REGISTRY: [(&str, TableKind); 3] = [
        ("audit_logs", TableKind::Evidence),
        ("contacts", TableKind::Truth),
        ("outbox", TableKind::Control),
    ];

    fn text(keys: &[(&str, Option<TableKind>)]) -> String {
        let report = report::<1000>(keys, &REGISTRY, &[TableKind::Truth, TableKind::Control]);
        report.text()[..report.length()].to_string()
    }

    #[test]
    fn sound_keys_make_no_report() {
        assert_eq!(text(&[]), "");
        assert_eq!(text(&[("contacts", Some(TableKind::Truth))]), "");
    }

    #[test]
    fn every_offending_key_is_named() {
        assert_eq!(
            text(&[
                ("audit_logs", Some(TableKind::Evidence)),
                ("contacts", Some(TableKind::Truth)),
                ("contcts", None),
                ("invoices", None),
            ]),
            "a handler is not one of a table that may have one
  = note: table `audit_logs` is of kind `evidence`
  = note: `contcts` is not a registered table, did you mean `contacts`?
  = note: `invoices` is not a registered table
  = help: remove the handler, or allow its kind; allowed are `truth`, `control`"
        );
    }

    #[test]
    fn every_form_of_a_handler_registry() {
        static STATIC: [(&str, u8); 1] = [("e", 1)];
        const SLICE: &[&str] = &["f", "g"];
        const PAIRS: &[(&str, u8)] = &[("h", 1)];
        assert_eq!(Keys(&["a", "b"]).name(1), "b");
        assert_eq!(Keys(&[("c", 1), ("d", 2)]).name(1), "d");
        assert_eq!((Keys(&STATIC).len(), Keys(&STATIC).name(0)), (1, "e"));
        assert_eq!((Keys(&SLICE).len(), Keys(&SLICE).name(1)), (2, "g"));
        assert_eq!((Keys(&PAIRS).len(), Keys(&PAIRS).name(0)), (1, "h"));
    }

    proptest::proptest! {
        #[test]
        fn the_distance_is_that_of_the_library(one in "[a-cA]{0,8}", other in "[a-cA]{0,8}") {
            let expected = strsim::osa_distance(&one.to_lowercase(), &other.to_lowercase());
            proptest::prop_assert_eq!(distance(one.as_bytes(), other.as_bytes()), expected);
        }
    }
}
