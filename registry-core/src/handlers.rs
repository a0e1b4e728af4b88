//! The proof that every handler belongs to a registered table of an allowed kind.
//!
//! It runs in const evaluation, while the crate with the handlers is compiled. That is why all of it consists of loops
//! over bytes.

use crate::lookup::kind_of;
use crate::policy::Policies as _;
use crate::table::PoliciesOf;
use crate::{Table, TableKind};

/// Proves at compile time that every key of a handler registry is a registered table, and that its
/// kind is allowed.
///
/// # Arguments
///
/// | argument | meaning |
/// |---|---|
/// | registry | a `TABLE_REGISTRY`, of this crate or of another |
/// | handlers | a constant array or slice of table names, or of pairs of a name and any value that needs no `Drop` |
/// | `allow = […]` | the kinds of tables that may have a handler, as variants of [`TableKind`](crate::TableKind) |
///
/// # Errors
///
/// One error that names every offending key, with its kind or with the registered name that was
/// probably meant.
///
/// # Examples
///
/// ```
/// # use table_registry_core as table_registry;
/// # use table_registry::TableKind;
/// # const TABLE_REGISTRY: [(&str, TableKind); 2] = [("audit_logs", TableKind::Evidence), ("contacts", TableKind::Truth)];
/// const HANDLERS: [(&str, fn() -> u16); 1] = [("contacts", || 200)];
///
/// table_registry::assert_handlers!(TABLE_REGISTRY, HANDLERS, allow = [Truth, Control]);
/// ```
///
/// ```compile_fail,E0080
/// # use table_registry_core as table_registry;
/// # use table_registry::TableKind;
/// # const TABLE_REGISTRY: [(&str, TableKind); 2] = [("audit_logs", TableKind::Evidence), ("contacts", TableKind::Truth)];
/// const HANDLERS: [&str; 2] = ["audit_logs", "contcts"];
///
/// table_registry::assert_handlers!(TABLE_REGISTRY, HANDLERS, allow = [Truth, Control]);
/// ```
#[macro_export]
macro_rules! assert_handlers {
    ($registry:expr, $handlers:expr, allow = [$($kind:ident),+ $(,)?] $(,)?) => {
        // Constants are not hygienic: the names here must not occur in the caller's expressions.
        #[allow(long_running_const_eval)]
        const _: () = {
            const __TABLE_REGISTRY_TABLES: &[(&$crate::__private::str, $crate::TableKind)] = &$registry;
            const __TABLE_REGISTRY_LENGTH: $crate::__private::usize = $crate::__private::Keys(&$handlers).len();
            const __TABLE_REGISTRY_KEYS: [$crate::__private::HandlerKey; __TABLE_REGISTRY_LENGTH] = {
                let mut keys = [$crate::__private::HandlerKey::SOUND; __TABLE_REGISTRY_LENGTH];
                let mut at = 0;
                while at < __TABLE_REGISTRY_LENGTH {
                    let name = $crate::__private::Keys(&$handlers).name(at);
                    keys[at] = $crate::__private::HandlerKey::of_name(name, __TABLE_REGISTRY_TABLES);
                    at += 1;
                }
                keys
            };
            $crate::__assert_kinds!(__TABLE_REGISTRY_KEYS, [$($kind),+]);
        };
    };
}

/// A handler registry with typed keys: an array of pairs, each a table's name and its handler.
///
/// A key of an unknown table does not resolve. A table whose kind is not in `allow` is a compile error, as in
/// [`assert_handlers!`](crate::assert_handlers).
///
/// ```
/// # use table_registry_core as table_registry;
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum contacts {} }
/// # impl table_registry::Key for tables::contacts {
/// #     type Policies = (table_registry::kind::Truth, table_registry::ReadWrite);
/// #     const TABLE_NAME: &'static str = "contacts";
/// # }
/// fn get() -> u16 {
///     200
/// }
///
/// const HANDLERS: [(&str, fn() -> u16); 1] = table_registry::handlers! {
///     allow = [Truth, Control];
///     tables::contacts => get,
/// };
///
/// assert_eq!(HANDLERS[0].0, "contacts");
/// ```
///
/// ```compile_fail,E0080
/// # use table_registry_core as table_registry;
/// # #[allow(non_camel_case_types)]
/// # mod tables { pub enum audit_logs {} }
/// # impl table_registry::Key for tables::audit_logs {
/// #     type Policies = (table_registry::kind::Evidence, table_registry::AppendOnly);
/// #     const TABLE_NAME: &'static str = "audit_logs";
/// # }
/// const HANDLERS: [(&str, u16); 1] = table_registry::handlers! {
///     allow = [Truth, Control];
///     tables::audit_logs => 200,
/// };
/// ```
#[macro_export]
macro_rules! handlers {
    (allow = [$($kind:ident),+ $(,)?]; $($key:ty => $handler:expr),* $(,)?) => {{
        const _: () = {
            const __TABLE_REGISTRY_KEYS: &[$crate::__private::HandlerKey] =
                &[$($crate::__private::HandlerKey::of_table::<$key>()),*];
            $crate::__assert_kinds!(__TABLE_REGISTRY_KEYS, [$($kind),+]);
        };
        [$((<$key as $crate::Table>::NAME, $handler)),*]
    }};
}

/// Fails with a report about the keys whose kinds are not allowed.
#[doc(hidden)]
#[macro_export]
macro_rules! __assert_kinds {
    ($keys:expr, [$($kind:ident),+]) => {
        const __TABLE_REGISTRY_ALLOWED: &[$crate::TableKind] = &[$($crate::TableKind::$kind),+];
        const __TABLE_REGISTRY_SIZE: $crate::__private::usize =
            $crate::__private::report::<0>(&$keys, __TABLE_REGISTRY_ALLOWED).length();
        const __TABLE_REGISTRY_REPORT: $crate::__private::Report<__TABLE_REGISTRY_SIZE> =
            $crate::__private::report(&$keys, __TABLE_REGISTRY_ALLOWED);
        $crate::__private::assert!(__TABLE_REGISTRY_SIZE == 0, "{}", __TABLE_REGISTRY_REPORT.text());
    };
}

/// One key of a handler registry, and what the table registry says about it.
#[derive(Clone, Copy, Debug)]
pub struct HandlerKey {
    name: &'static str,
    status: KeyStatus,
}

#[derive(Clone, Copy, Debug)]
enum KeyStatus {
    /// Nothing to report here: the key is right, or its fault is reported elsewhere.
    Sound,
    Registered(TableKind),
    Unregistered(Option<&'static str>),
    /// The registry has the name, but a binary search does not find it.
    Unsorted,
}

impl HandlerKey {
    /// A key without anything to report.
    pub const SOUND: Self = Self {
        name: "",
        status: KeyStatus::Sound,
    };

    /// A key by name.
    #[must_use]
    pub const fn of_name(name: &'static str, registry: &[(&'static str, TableKind)]) -> Self {
        let status = match kind_of(registry, name) {
            // An incomplete registry may lack the table.
            _ if is_incomplete(registry) => KeyStatus::Sound,
            Some(kind) => KeyStatus::Registered(kind),
            None => match nearest(name, registry) {
                Some((_, 0)) => KeyStatus::Unsorted,
                Some((meant, _)) => KeyStatus::Unregistered(Some(meant)),
                None => KeyStatus::Unregistered(None),
            },
        };
        Self { name, status }
    }

    /// A key by its type. If its policies are in doubt, a fault of the table is already reported.
    #[must_use]
    pub const fn of_table<T: Table>() -> Self {
        let status = if PoliciesOf::<T>::ARE_KNOWN {
            KeyStatus::Registered(T::KIND)
        } else {
            KeyStatus::Sound
        };
        Self {
            name: T::NAME,
            status,
        }
    }
}

/// Whether a registry lacks tables because some sources could not be read. `table_registry!` marks it with a first entry that
/// has no name.
const fn is_incomplete(registry: &[(&str, TableKind)]) -> bool {
    !registry.is_empty() && registry[0].0.is_empty()
}

/// The keys of a handler registry, whatever its form.
pub struct Keys<'h, Handlers: ?Sized>(pub &'h Handlers);

macro_rules! keys {
    ($([$($parameters:tt)*] $handlers:ty, $self:ident, $at:ident => $name:expr;)*) => {
        $(
            #[allow(clippy::len_without_is_empty, reason = "only the macro calls it")]
            impl<$($parameters)*> Keys<'_, $handlers> {
                /// The number of keys.
                #[must_use]
                pub const fn len(&$self) -> usize {
                    $self.0.len()
                }

                /// The name of the key at a position.
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
    [const N: usize] &[&'static str; N], self, at => self.0[at];
    [H, const N: usize] &[(&'static str, H); N], self, at => self.0[at].0;
    [] &[&'static str], self, at => self.0[at];
    [H] &[(&'static str, H)], self, at => self.0[at].0;
}

/// The text about all offending keys, as far as it fits into `N` bytes.
pub struct Report<const N: usize> {
    bytes: [u8; N],
    length: usize,
}

impl<const N: usize> Report<N> {
    /// The length of the whole text, even if it does not fit.
    #[must_use]
    pub const fn length(&self) -> usize {
        self.length
    }

    /// The text as far as it fits.
    #[must_use]
    pub const fn text(&self) -> &str {
        match core::str::from_utf8(&self.bytes) {
            Ok(text) => text,
            Err(_) => "a handler's key is not a registered table of an allowed kind",
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

    const fn push_unknown(&mut self, name: &str, meant: Option<&str>) {
        self.push("\n  = note: `");
        self.push(name);
        self.push("` is not a registered table");
        if let Some(meant) = meant {
            self.push(", did you mean `");
            self.push(meant);
            self.push("`?");
        }
    }

    const fn push_unsorted(&mut self, name: &str) {
        self.push("\n  = note: `");
        self.push(name);
        self.push("` is in the registry, which is not sorted by name");
    }

    const fn push_wrong_kind(&mut self, name: &str, kind: TableKind) {
        self.push("\n  = note: table `");
        self.push(name);
        self.push("` is of kind `");
        self.push(kind.as_str());
        self.push("`");
    }
}

/// One text about all offending keys; empty if there are none.
#[must_use]
pub const fn report<const N: usize>(keys: &[HandlerKey], allowed: &[TableKind]) -> Report<N> {
    let mut report = Report {
        bytes: [0; N],
        length: 0,
    };
    let mut at = 0;
    while at < keys.len() {
        let HandlerKey { name, status } = keys[at];
        let is_sound = match status {
            KeyStatus::Sound => true,
            KeyStatus::Registered(kind) => contains(allowed, kind),
            KeyStatus::Unregistered(_) | KeyStatus::Unsorted => false,
        };
        if !is_sound && report.length == 0 {
            report.push("a handler's key is not a registered table of an allowed kind");
        }
        match status {
            KeyStatus::Sound => {}
            KeyStatus::Registered(_) if is_sound => {}
            KeyStatus::Registered(kind) => report.push_wrong_kind(name, kind),
            KeyStatus::Unregistered(meant) => report.push_unknown(name, meant),
            KeyStatus::Unsorted => report.push_unsorted(name),
        }
        at += 1;
    }
    if report.length > 0 {
        report.push("\n  = help: remove the handler, or allow the kind of its table; the allowed kinds are ");
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

/// The most letters by which a name may differ from the one that was meant.
const MOST_WRONG: usize = 3;

/// The most cells of distance matrices that are computed for one name, because const evaluation is slow.
const BUDGET: usize = 10_000;

/// The registered name that was probably meant, and its distance: at most a third of the letters may differ, and
/// no more than three.
const fn nearest<'r>(name: &str, registry: &[(&'r str, TableKind)]) -> Option<(&'r str, usize)> {
    let third = (if name.len() < 3 { 3 } else { name.len() }) / 3;
    let mut limit = min(third, MOST_WRONG);
    let (mut best, mut spent, mut at) = (None, 0, 0);
    while at < registry.len() && spent < BUDGET {
        let candidate = registry[at].0;
        if candidate.len().abs_diff(name.len()) <= limit {
            let (found, cells) = distance(name.as_bytes(), candidate.as_bytes(), limit);
            spent += cells;
            match found {
                Some(0) => return Some((candidate, 0)),
                Some(distance) => {
                    best = Some((candidate, distance));
                    limit = distance - 1;
                }
                None => {}
            }
        }
        at += 1;
    }
    best
}

/// The most bytes of a name that are compared: enough for `schema.table`.
const COMPARED: usize = 128;

/// How many bytes are inserted, removed, replaced or swapped with their neighbour, ignoring case, unless they are more
/// than `limit`; and how many cells of the matrix were computed.
const fn distance(one: &[u8], other: &[u8], limit: usize) -> (Option<usize>, usize) {
    if one.len() >= COMPARED || other.len() >= COMPARED {
        return (None, 1);
    }
    let too_far = limit + 1;
    // The last three rows of the matrix, since no row depends on earlier ones. Only cells near the diagonal can be
    // within the limit.
    let mut rows = [[too_far; COMPARED + 1]; 3];
    let (mut column, mut cells) = (0, 0);
    while column <= min(other.len(), limit) {
        rows[0][column] = column;
        column += 1;
    }
    let mut row = 1;
    while row <= one.len() {
        let (this, above, twice_above) = (row % 3, (row + 2) % 3, (row + 1) % 3);
        let first = if row > limit { row - limit } else { 1 };
        let last = min(other.len(), row + limit);
        rows[this][first - 1] = if first == 1 { min(row, too_far) } else { too_far };
        let (mut column, mut nearest) = (first, rows[this][first - 1]);
        while column <= last {
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
            rows[this][column] = min(best, too_far);
            nearest = min(nearest, best);
            column += 1;
            cells += 1;
        }
        rows[this][last + 1] = too_far;
        if nearest > limit {
            return (None, cells);
        }
        row += 1;
    }
    let found = rows[one.len() % 3][other.len()];
    (if found > limit { None } else { Some(found) }, cells)
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

    fn text(names: &[&'static str]) -> String {
        let keys: Vec<HandlerKey> = names
            .iter()
            .map(|name| HandlerKey::of_name(name, &REGISTRY))
            .collect();
        let report = report::<1000>(&keys, &[TableKind::Truth, TableKind::Control]);
        report.text()[..report.length()].to_string()
    }

    #[test]
    fn sound_keys_make_no_report() {
        assert_eq!(text(&[]), "");
        assert_eq!(text(&["contacts"]), "");
    }

    #[test]
    fn every_offending_key_is_named() {
        assert_eq!(
            text(&["audit_logs", "contacts", "contcts", "invoices"]),
            "a handler's key is not a registered table of an allowed kind
  = note: table `audit_logs` is of kind `evidence`
  = note: `contcts` is not a registered table, did you mean `contacts`?
  = note: `invoices` is not a registered table
  = help: remove the handler, or allow the kind of its table; the allowed kinds are `truth`, `control`"
        );
    }

    #[test]
    fn registries_that_are_incomplete_or_unsorted() {
        let status =
            |name, registry: &[(&'static str, TableKind)]| HandlerKey::of_name(name, registry).status;
        let incomplete = [("", TableKind::Truth), ("b", TableKind::Link)];
        assert!(matches!(status("a", &incomplete), KeyStatus::Sound));
        let unsorted = [
            ("b", TableKind::Truth),
            ("c", TableKind::Link),
            ("a", TableKind::Link),
        ];
        assert!(matches!(status("a", &unsorted), KeyStatus::Unsorted));
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
        let (names, pairs) = (&["i"], &[("j", 1)]);
        assert_eq!((Keys(&names).name(0), Keys(&pairs).name(0)), ("i", "j"));
        assert_eq!((Keys(&PAIRS).len(), Keys(&PAIRS).name(0)), (1, "h"));
    }

    proptest::proptest! {
        #[test]
        fn the_distance_is_that_of_the_library(one in "[a-cA]{0,8}", other in "[a-cA]{0,8}", limit in 0usize..5) {
            let expected = strsim::osa_distance(&one.to_lowercase(), &other.to_lowercase());
            let (found, _) = distance(one.as_bytes(), other.as_bytes(), limit);
            proptest::prop_assert_eq!(found, Some(expected).filter(|expected| *expected <= limit));
        }
    }
}
