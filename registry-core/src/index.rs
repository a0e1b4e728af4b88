//! Look-up by name in a registry that is known when the crate is compiled.

use crate::TableKind;

/// A hash table of positions in a registry. `table_registry!` writes its slots as a byte string, because the compiler
/// would take a hundred times as long to compute them in a constant.
#[derive(Clone, Copy, Debug)]
pub struct Index<'r> {
    registry: &'r [(&'r str, TableKind)],
    slots: &'r [Slot],
}

/// A little-endian number, or zero for a free slot. The lower bits, as many as the number of tables needs, hold the
/// position plus one. The others hold bits of the hash, which save most comparisons with other names.
type Slot = [u8; size_of::<u32>()];

/// The space for each name: two slots, so that half of them stay free and a search ends after a few steps.
pub const BYTES_PER_NAME: usize = 2 * size_of::<Slot>();

impl<'r> Index<'r> {
    /// The index of a registry, with slots that [`insert`] filled.
    #[must_use]
    pub const fn new(registry: &'r [(&'r str, TableKind)], slots: &'r [u8]) -> Self {
        let (slots, _) = slots.as_chunks();
        Self { registry, slots }
    }

    /// The kind of the table with this name.
    #[must_use]
    #[inline]
    pub const fn kind_of(&self, name: &str) -> Option<TableKind> {
        match self.position(name) {
            Some(position) => Some(self.registry[position].1),
            None => None,
        }
    }

    /// The registered name that equals this one.
    #[must_use]
    #[inline]
    pub const fn resolve(&self, name: &str) -> Option<&'r str> {
        match self.position(name) {
            Some(position) => Some(self.registry[position].0),
            None => None,
        }
    }

    /// Whether the table with this name has row-level security.
    #[must_use]
    #[inline]
    pub const fn is_rls(&self, name: &str) -> bool {
        matches!(self.kind_of(name), Some(kind) if kind.row_level_security())
    }

    #[inline]
    const fn position(&self, name: &str) -> Option<usize> {
        let hash = hash(name.as_bytes());
        let of_hash = bits_of_hash(self.registry.len());
        let mut at = first_slot(hash, self.slots.len());
        let mut tried = 0;
        while tried < self.slots.len() {
            let slot = u32::from_le_bytes(self.slots[at]);
            if slot == 0 {
                return None;
            }
            if (slot ^ lower_half(hash)) & of_hash == 0 {
                let position = (slot & !of_hash) as usize - 1;
                if equal(self.registry[position].0.as_bytes(), name.as_bytes()) {
                    return Some(position);
                }
            }
            at = next_slot(at, self.slots.len());
            tried += 1;
        }
        None
    }
}

/// Inserts a name into the slots of an index, [`BYTES_PER_NAME`] bytes for each name. `tables` is the length of the
/// registry.
pub const fn insert(slots: &mut [u8], tables: usize, name: &str, position: usize) {
    let (slots, _) = slots.as_chunks_mut();
    let hash = hash(name.as_bytes());
    let mut at = first_slot(hash, slots.len());
    while u32::from_le_bytes(slots[at]) != 0 {
        at = next_slot(at, slots.len());
    }
    let of_hash = bits_of_hash(tables);
    let of_position = lower_half(position as u64 + 1) & !of_hash;
    slots[at] = (lower_half(hash) & of_hash | of_position).to_le_bytes();
}

/// The bits of a slot that hold bits of the hash.
const fn bits_of_hash(tables: usize) -> u32 {
    let of_position = (tables + 1).next_power_of_two() - 1;
    !lower_half(of_position as u64)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is wanted")]
const fn lower_half(number: u64) -> u32 {
    number as u32
}

const fn first_slot(hash: u64, slots: usize) -> usize {
    (((hash >> 32) * slots as u64) >> 32) as usize
}

const fn next_slot(at: usize, slots: usize) -> usize {
    if at + 1 == slots { 0 } else { at + 1 }
}

/// Hashes eight bytes at a time by folded multiplication, as in `wyhash`. A const function cannot use `core::hash`.
#[inline]
const fn hash(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64;
    let mut rest = bytes;
    while let Some((word, after)) = rest.split_first_chunk() {
        hash = mixed(hash ^ u64::from_le_bytes(*word));
        rest = after;
    }
    mixed(hash ^ rest_as_word(rest))
}

#[expect(clippy::cast_possible_truncation, reason = "both halves are used")]
const fn mixed(word: u64) -> u64 {
    let product = (word ^ 0x9e37_79b9_7f4a_7c15) as u128 * 0xd6e8_feb8_6659_fd93;
    product as u64 ^ (product >> 64) as u64
}

/// Fewer than eight bytes as a word. Different bytes of the same length make different words.
const fn rest_as_word(bytes: &[u8]) -> u64 {
    match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            (u32::from_le_bytes(*first) as u64) << 32 | u32::from_le_bytes(*last) as u64
        }
        _ => match bytes {
            [] => 0,
            [first, .., last] => u32::from_le_bytes([*first, bytes[1], *last, 0]) as u64,
            [only] => *only as u64,
        },
    }
}

/// `==` for slices is not callable in a const function.
#[inline]
const fn equal(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let (mut left, mut right) = (left, right);
    while let (Some((one, after_one)), Some((other, after_other))) =
        (left.split_first_chunk(), right.split_first_chunk())
    {
        if u64::from_le_bytes(*one) != u64::from_le_bytes(*other) {
            return false;
        }
        (left, right) = (after_one, after_other);
    }
    rest_as_word(left) == rest_as_word(right)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn slots(names: &[&str], tables: usize) -> Vec<u8> {
        let mut slots = vec![0; names.len() * BYTES_PER_NAME];
        for (position, name) in names.iter().enumerate() {
            insert(&mut slots, tables, name, position);
        }
        slots
    }

    #[test]
    fn an_index_without_slots_finds_nothing() {
        let index = Index::new(&[], &[]);
        assert_eq!(index.kind_of(""), None);
        let index = Index::new(&[("users", TableKind::System)], &[]);
        assert_eq!(index.resolve("users"), None);
    }

    /// Names that differ in one byte, at each position and for each length.
    #[test]
    fn each_byte_counts() {
        for length in 1..40 {
            let name = "a".repeat(length);
            let others: Vec<String> = (0..length)
                .map(|at| format!("{}b{}", &name[..at], &name[at + 1..]))
                .collect();
            let names: Vec<&str> = others.iter().map(String::as_str).collect();
            let registry: Vec<_> = names.iter().map(|name| (*name, TableKind::Truth)).collect();
            let slots = slots(&names, names.len());
            let index = Index::new(&registry, &slots);
            assert_eq!(index.resolve(&name), None);
            for other in names {
                assert_eq!(index.resolve(other), Some(other));
            }
        }
    }

    /// Numbered names, as in a partitioned table, are spread as well as others: even the longest search is short.
    #[test]
    fn searches_are_short() {
        for tables in [1, 175, 2_000, 10_000] {
            let names: Vec<String> = (0..tables)
                .map(|number| format!("measurements_{number:05}"))
                .collect();
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let slots = slots(&names, tables);
            let (slots, _) = slots.as_chunks::<{ size_of::<Slot>() }>();
            let longest = slots.split(|slot| *slot == [0; 4]).map(<[Slot]>::len).max();
            assert!(longest <= Some(40), "{tables}: {longest:?}");
        }
    }

    proptest! {
        #[test]
        fn finds_what_a_map_finds(
            tables in proptest::collection::btree_map("[a-cé]{0,12}", 0usize..6, 0..40),
            name in "[a-cé]{0,12}",
        ) {
            let tables: BTreeMap<String, TableKind> =
                tables.into_iter().map(|(name, kind)| (name, TableKind::ALL[kind])).collect();
            let registry: Vec<_> = tables.iter().map(|(name, kind)| (name.as_str(), *kind)).collect();
            let names: Vec<&str> = tables.keys().map(String::as_str).collect();
            let slots = slots(&names, names.len());
            let index = Index::new(&registry, &slots);
            for name in names.iter().copied().chain([name.as_str()]) {
                let kind = tables.get(name).copied();
                prop_assert_eq!(index.kind_of(name), kind);
                prop_assert_eq!(index.resolve(name), kind.map(|_| name));
                prop_assert_eq!(index.is_rls(name), kind.is_some_and(TableKind::row_level_security));
            }
        }
    }
}
