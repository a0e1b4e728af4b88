use core::cmp::Ordering;

use crate::TableKind;

/// The position of a name in a sorted list, by binary search; `$key` is the name of an entry. It is a macro because a const
/// function cannot call a closure.
macro_rules! search {
    ($list:expr, $name:expr, $entry:ident => $key:expr) => {{
        let (mut low, mut high) = (0, $list.len());
        let mut found = None;
        while low < high {
            let middle = low + (high - low) / 2;
            let $entry = &$list[middle];
            match compare($key.as_bytes(), $name.as_bytes()) {
                Ordering::Less => low = middle + 1,
                Ordering::Greater => high = middle,
                Ordering::Equal => {
                    found = Some(middle);
                    break;
                }
            }
        }
        found
    }};
}

/// The kind of the table with this name, by binary search in a registry that is
/// sorted by name in byte order, as `TABLE_REGISTRY` is. If a registry is not sorted, a name may be missed.
///
/// Takes O(log n) comparisons, and works at compile time. The generated
/// `tables::kind_of(name)` answers the same for the crate's own registry, and faster: by the name's hash.
///
/// ```
/// # use table_registry_core as table_registry;
/// use table_registry::{TableKind, kind_of};
///
/// const REGISTRY: [(&str, TableKind); 2] =
///     [("audit_logs", TableKind::Evidence), ("users", TableKind::System)];
///
/// const USERS: Option<TableKind> = kind_of(&REGISTRY, "users");
/// assert_eq!(USERS, Some(TableKind::System));
/// assert_eq!(kind_of(&REGISTRY, "usrs"), None);
/// ```
#[must_use]
pub const fn kind_of(registry: &[(&str, TableKind)], name: &str) -> Option<TableKind> {
    match search!(registry, name, entry => entry.0) {
        Some(position) => Some(registry[position].1),
        None => None,
    }
}

/// The entry of a sorted list of names that equals `name`, by binary search: the trusted spelling of a
/// name that came from outside.
///
/// The result is always a name from the program's own registry. Put no other table name into SQL, and quote it as an
/// identifier. The generated `tables::resolve(name)` answers the same for `TABLE_NAMES`, and faster: by the name's hash.
///
/// ```
/// # use table_registry_core as table_registry;
/// const NAMES: [&str; 2] = ["audit_logs", "users"];
///
/// let untrusted = String::from("users");
/// let table: &'static str = table_registry::resolve(&NAMES, &untrusted).expect("registered");
/// assert_eq!(table, "users");
/// assert_eq!(table_registry::resolve(&NAMES, "users; drop table users"), None);
/// ```
#[must_use]
pub const fn resolve<'r>(names: &[&'r str], name: &str) -> Option<&'r str> {
    match search!(names, name, entry => *entry) {
        Some(position) => Some(names[position]),
        None => None,
    }
}

// `Ord for [u8]` is not callable in a const function. Comparing eight bytes at a time takes a search down to
// three quarters of the time.
const fn compare(left: &[u8], right: &[u8]) -> Ordering {
    let (mut left, mut right) = (left, right);
    while let (Some((one, after_one)), Some((other, after_other))) =
        (left.split_first_chunk(), right.split_first_chunk())
    {
        let (one, other) = (u64::from_be_bytes(*one), u64::from_be_bytes(*other));
        if one != other {
            return if one < other {
                Ordering::Less
            } else {
                Ordering::Greater
            };
        }
        (left, right) = (after_one, after_other);
    }
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return if left[at] < right[at] {
                Ordering::Less
            } else {
                Ordering::Greater
            };
        }
        at += 1;
    }
    if left.len() == right.len() {
        Ordering::Equal
    } else if left.len() < right.len() {
        Ordering::Less
    } else {
        Ordering::Greater
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn an_empty_registry_knows_nothing() {
        assert_eq!(kind_of(&[], ""), None);
        assert_eq!(resolve(&[], ""), None);
    }

    proptest! {
        #[test]
        fn finds_what_a_map_finds(
            tables in proptest::collection::btree_map("a{0,9}[a-cé]{0,4}", 0usize..6, 0..40),
            name in "a{0,9}[a-cé]{0,4}",
        ) {
            let tables: BTreeMap<String, TableKind> =
                tables.into_iter().map(|(name, kind)| (name, TableKind::ALL[kind])).collect();
            let registry: Vec<_> = tables.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
            prop_assert_eq!(kind_of(&registry, &name), tables.get(&name).copied());
            for (known, kind) in &tables {
                prop_assert_eq!(kind_of(&registry, known), Some(*kind));
            }
            let names: Vec<&str> = tables.keys().map(String::as_str).collect();
            prop_assert_eq!(resolve(&names, &name), tables.get_key_value(&name).map(|(known, _)| known.as_str()));
            for known in &names {
                prop_assert_eq!(resolve(&names, known), Some(*known));
            }
        }
    }
}
