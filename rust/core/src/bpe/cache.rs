//! What a thread remembers of the pre-tokens it has met.
//!
//! Text repeats itself: in English the 4,096 commonest pre-tokens are four of
//! five. The [`Cache`] keeps results in two bounded tables. The *hot* table
//! holds pre-tokens of up to 15 bytes that give up to three tokens, key and
//! ids together in half a cache line, two to a set, so that a hit costs one
//! line of memory. The *cold* table holds the rest, up to [`LONGEST`] bytes.

use super::key::{ShortKey, halves};
use super::prefetch::prefetch;
use crate::ids::{narrow, widen};

/// The longest pre-token that is remembered.
pub(crate) const LONGEST: usize = 256;

/// How many ids fit an entry of the hot table.
pub(crate) const INLINE: usize = 3;

/// Memory for pre-tokens in bytes, per concurrent call.
pub(crate) const DEFAULT_CACHE_BYTES: usize = 32 << 20;
/// The least that a cache can be set to; less means no cache.
pub(crate) const LEAST: usize = 1 << 12;

/// A remembered result: `ids[..len]`, `len` from 1 to 3.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) ids: [u32; INLINE],
    pub(crate) len: u32,
}

/// A set of the hot table is a cache line of two entries; an entry is the two
/// halves of its key, two ids, and an id and the number of ids.
const SET: usize = 8;
const ENTRY: usize = SET / 2;

/// Bounded memory of pre-tokens. A cache belongs to one tokenizer.
#[derive(Debug)]
pub(crate) struct Cache {
    /// Plain words, so that memory is zeroed by the operating system and only
    /// when it is touched.
    hot: Vec<u64>,
    /// Words before the first one on a cache line's start.
    hot_start: usize,
    hot_shift: u32,
    cold: Cold,
}

impl Cache {
    /// A cache of at most about `bytes` bytes of memory; `None` when that is
    /// too little for one.
    pub(crate) fn new(bytes: usize) -> Option<Cache> {
        if bytes < LEAST {
            return None;
        }
        let sets = floor_power_of_two(bytes / 2 / size_of::<[u64; SET]>());
        let hot = vec![0; (sets + 1) * SET];
        Some(Cache {
            hot_start: hot.as_ptr().align_offset(size_of::<[u64; SET]>()).min(SET),
            hot,
            hot_shift: 64 - sets.trailing_zeros(),
            cold: Cold::new(bytes - bytes / 2),
        })
    }

    /// The set that a hash belongs to.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn set(&self, hash: u64) -> usize {
        self.hot_start + (hash >> self.hot_shift) as usize * SET
    }

    /// Asks the processor to fetch a set that will be looked at soon.
    #[inline(always)]
    pub(crate) fn prefetch(&self, set: usize) {
        prefetch(self.hot.get(set));
    }

    /// Looks a short pre-token up in its set.
    #[inline(always)]
    pub(crate) fn get(&self, set: usize, key: ShortKey) -> Option<Entry> {
        let [low, high] = halves(key);
        let set = self.hot.get(set..)?.first_chunk::<SET>()?;
        let entry = if set[0] == low && set[1] == high {
            [set[2], set[3]]
        } else if set[ENTRY] == low && set[ENTRY + 1] == high {
            [set[ENTRY + 2], set[ENTRY + 3]]
        } else {
            return None;
        };
        let [[first, second], [third, len]] = entry.map(unpack);
        Some(Entry { ids: [first, second, third], len })
    }

    /// Remembers a short pre-token of up to [`INLINE`] ids, in place of the
    /// older one of its set.
    #[inline]
    pub(crate) fn put(&mut self, set: usize, key: ShortKey, found: &[u32]) {
        let mut ids = [0; INLINE];
        for (to, from) in ids.iter_mut().zip(found) {
            *to = *from;
        }
        let [low, high] = halves(key);
        let len = narrow(found.len().min(INLINE));
        let entry = [low, high, pack(ids[0], ids[1]), pack(ids[2], len)];
        if let Some(set) = self.hot.get_mut(set..).and_then(<[u64]>::first_chunk_mut::<SET>) {
            set.copy_within(..ENTRY, ENTRY);
            for (to, from) in set.iter_mut().zip(entry) {
                *to = from;
            }
        }
    }

    /// Asks the processor to fetch the slot of a pre-token in the cold table.
    #[inline(always)]
    pub(crate) fn prefetch_cold(&self, hash: u64) {
        prefetch(self.cold.slots.get(self.cold.slot(hash)));
    }

    /// Asks for the record that the slot points to.
    #[inline(always)]
    pub(crate) fn prefetch_record(&self, hash: u64) {
        if let Some(&[newer, _]) = self.cold.slots.get(self.cold.slot(hash)) {
            prefetch(self.cold.ring.get(self.cold.place(newer & POSITION)));
        }
    }

    /// Looks any pre-token up in the cold table.
    #[inline]
    pub(crate) fn get_cold(&self, hash: u64, text: &[u8]) -> Option<&[u32]> {
        self.cold.get(hash, text)
    }

    /// Remembers any pre-token of up to [`LONGEST`] bytes in the cold table.
    pub(crate) fn put_cold(&mut self, hash: u64, text: &[u8], found: &[u32]) {
        self.cold.put(hash, text, found);
    }
}

/// Records of any length in a ring: the newest overwrites the oldest.
///
/// A record is a head (the lengths), the pre-token padded to whole words, and
/// the ids. A slot holds a record's position, counted from the beginning of
/// time so that a record that has been overwritten is known by its age, and
/// 16 bits of its hash.
#[derive(Debug)]
struct Cold {
    slots: Vec<[u64; 2]>,
    shift: u32,
    ring: Vec<u32>,
    /// Words written since the beginning of time.
    written: u64,
}

const POSITION: u64 = (1 << 48) - 1;

impl Cold {
    fn new(bytes: usize) -> Cold {
        let slots = floor_power_of_two(bytes / 4 / size_of::<[u64; 2]>());
        let words = (bytes - slots * size_of::<[u64; 2]>()) / size_of::<u32>();
        // Positions start one turn in, so that 0 is no live position.
        Cold {
            slots: vec![[0; 2]; slots],
            shift: 64 - slots.trailing_zeros(),
            ring: vec![0; words],
            written: words as u64 + 1,
        }
    }

    #[allow(clippy::cast_possible_truncation)]
    fn place(&self, position: u64) -> usize {
        (position % self.ring.len() as u64) as usize
    }

    #[allow(clippy::cast_possible_truncation)]
    fn slot(&self, hash: u64) -> usize {
        // The top 16 bits are the tag.
        (hash.rotate_left(16) >> self.shift) as usize
    }

    #[inline]
    fn get(&self, hash: u64, text: &[u8]) -> Option<&[u32]> {
        let tag = hash & !POSITION;
        let slots = self.slots.get(self.slot(hash))?;
        slots.iter().filter(|slot| **slot & !POSITION == tag).find_map(|slot| {
            let position = slot & POSITION;
            if self.written - position > self.ring.len() as u64 {
                return None;
            }
            let record = self.ring.get(self.place(position)..)?;
            let (&head, record) = record.split_first()?;
            let (bytes, ids) = (widen(head & 0xffff), widen(head >> 16));
            if bytes != text.len() {
                return None;
            }
            let (key, record) = record.split_at_checked(bytes.div_ceil(4))?;
            words(text).eq(key.iter().copied()).then(|| record.get(..ids))?
        })
    }

    fn put(&mut self, hash: u64, text: &[u8], found: &[u32]) {
        let size = 1 + text.len().div_ceil(4) + found.len();
        if text.len() > LONGEST || size > self.ring.len() / 4 {
            return;
        }
        let mut place = self.place(self.written);
        if place + size > self.ring.len() {
            self.written += (self.ring.len() - place) as u64;
            place = 0;
        }
        let position = self.written;
        // Positions have 48 bits: enough for a year at a gigabyte a second.
        if position + size as u64 > POSITION {
            return;
        }
        self.written += size as u64;
        let head = narrow(text.len()) | narrow(found.len()) << 16;
        let record = std::iter::once(head).chain(words(text)).chain(found.iter().copied());
        for (to, from) in self.ring.iter_mut().skip(place).zip(record) {
            *to = from;
        }
        let slot = self.slot(hash);
        if let Some([newer, older]) = self.slots.get_mut(slot) {
            *older = *newer;
            *newer = (hash & !POSITION) | position;
        }
    }
}

/// A byte string as words, the last one padded with zeros.
fn words(text: &[u8]) -> impl Iterator<Item = u32> {
    let (whole, rest) = text.as_chunks::<4>();
    let mut last = [0; 4];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    let last = (!rest.is_empty()).then(|| u32::from_le_bytes(last));
    whole.iter().map(|word| u32::from_le_bytes(*word)).chain(last)
}

fn pack(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
fn unpack(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

fn floor_power_of_two(value: usize) -> usize {
    match value.max(2) {
        value if value.is_power_of_two() => value,
        value => value.next_power_of_two() / 2,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::super::key::{SHORT, hash_long, hash_short, short_key};
    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::testing::cases(32)))]

        /// A cache may forget but never tells a falsehood, and it remembers
        /// what was put in last.
        #[test]
        fn forgets_but_never_lies(
            bytes in LEAST..1 << 16,
            puts in prop::collection::vec(
                (prop::collection::vec(0_u8..3, 1..40), prop::collection::vec(any::<u32>(), 1..9)),
                1..600,
            ),
        ) {
            let mut cache = Cache::new(bytes).unwrap();
            let mut truth: HashMap<&[u8], &[u32]> = HashMap::new();
            let mut kept = 0;
            for (key, ids) in &puts {
                let ids = truth.entry(key).or_insert(ids);
                let hash = hash_long(key);
                cache.put_cold(hash, key, ids);
                prop_assert_eq!(cache.get_cold(hash, key), Some(&**ids));
                if key.len() <= SHORT && ids.len() <= INLINE {
                    let short = short_key(key, 0, key.len());
                    let set = cache.set(hash_short(short));
                    cache.put(set, short, ids);
                    let entry = cache.get(set, short).unwrap();
                    prop_assert_eq!(&entry.ids[..widen(entry.len)], &**ids);
                }
            }
            for (key, ids) in &truth {
                if let Some(found) = cache.get_cold(hash_long(key), key) {
                    prop_assert_eq!(found, *ids);
                    kept += 1;
                }
            }
            prop_assert!(kept > 0);
        }
    }
}
