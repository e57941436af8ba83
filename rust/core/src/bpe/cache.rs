//! What a thread remembers of the pre-tokens it has met.
//!
//! Text repeats itself: in English the 4,096 commonest pre-tokens are four of
//! five. The [`Cache`] keeps results in two bounded tables. The *hot* table
//! holds pre-tokens of up to 15 bytes that give up to three tokens, key and
//! ids together in half a cache line, two to a set, so that a hit costs one
//! line of memory. The *cold* table holds the rest, up to [`LONGEST`] bytes.

use super::key::{ShortKey, hash_long};
use crate::ids::{narrow, widen};

/// The longest pre-token that is remembered.
pub(crate) const LONGEST: usize = 256;

/// How many ids fit an entry of the hot table.
pub(crate) const INLINE: usize = 3;

/// Memory for pre-tokens in bytes, per concurrent call.
pub const DEFAULT_CACHE_BYTES: usize = 8 << 20;
/// The least that a cache can be set to; less means no cache.
pub(crate) const LEAST: usize = 1 << 12;

/// A remembered result: `ids[..len]`.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(crate) struct Entry {
    key: ShortKey,
    pub(crate) ids: [u32; INLINE],
    /// 1 to 3; 0 in an empty entry.
    pub(crate) len: u32,
}

const EMPTY: Entry = Entry { key: 0, ids: [0; INLINE], len: 0 };

#[derive(Clone, Copy, Debug)]
#[repr(C, align(64))]
struct Set([Entry; 2]);

#[derive(Clone, Copy, Debug, Default)]
struct Cold {
    hash: u64,
    bytes: u32,
    ids: u32,
    bytes_len: u16,
    ids_len: u16,
}

/// Bounded memory of pre-tokens. A cache belongs to one tokenizer.
#[derive(Debug)]
pub(crate) struct Cache {
    hot: Vec<Set>,
    hot_shift: u32,
    cold: Vec<Cold>,
    bytes: Vec<u8>,
    ids: Vec<u32>,
    bytes_limit: usize,
    ids_limit: usize,
}

impl Cache {
    /// A cache of at most about `bytes` bytes of memory; `None` when that is
    /// too little for one.
    pub(crate) fn new(bytes: usize) -> Option<Cache> {
        if bytes < LEAST {
            return None;
        }
        // Half for the hot table, an eighth each for the cold table's slots
        // and keys, a quarter for its ids.
        let sets = floor_power_of_two(bytes / 2 / size_of::<Set>());
        let slots = floor_power_of_two(bytes / 8 / size_of::<Cold>());
        Some(Cache {
            hot: vec![Set([EMPTY; 2]); sets],
            hot_shift: 64 - sets.trailing_zeros(),
            cold: vec![Cold::default(); slots],
            bytes: Vec::new(),
            ids: Vec::new(),
            bytes_limit: (bytes / 8).min(1 << 31),
            ids_limit: (bytes / 16).min(1 << 31),
        })
    }

    /// The set that a hash belongs to.
    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    pub(crate) fn set(&self, hash: u64) -> usize {
        (hash >> self.hot_shift) as usize
    }

    /// Asks the processor to fetch a set that will be looked at soon.
    #[inline(always)]
    pub(crate) fn prefetch(&self, set: usize) {
        #[cfg(target_arch = "x86_64")]
        if let Some(set) = self.hot.get(set) {
            // SAFETY: a prefetch reads nothing and faults on nothing, and the
            // pointer comes from a live reference.
            unsafe {
                use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
                _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(set).cast());
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        let _ = set;
    }

    /// Looks a short pre-token up in its set.
    #[inline(always)]
    pub(crate) fn get(&self, set: usize, key: ShortKey) -> Option<&Entry> {
        let Set([first, second]) = self.hot.get(set)?;
        if first.key == key {
            Some(first)
        } else if second.key == key {
            Some(second)
        } else {
            None
        }
    }

    /// Remembers a short pre-token of up to [`INLINE`] ids, in place of the
    /// older one of its set.
    #[inline]
    pub(crate) fn put(&mut self, set: usize, key: ShortKey, found: &[u32]) {
        let mut entry = Entry { key, len: narrow(found.len().min(INLINE)), ..EMPTY };
        for (to, from) in entry.ids.iter_mut().zip(found) {
            *to = *from;
        }
        if let Some(Set(entries)) = self.hot.get_mut(set) {
            entries[1] = entries[0];
            entries[0] = entry;
        }
    }

    fn cold_slot(&self, hash: u64) -> usize {
        widen(narrow32(hash >> 32)) & (self.cold.len() - 1)
    }

    /// Looks any pre-token up in the cold table.
    pub(crate) fn get_cold(&self, hash: u64, text: &[u8]) -> Option<&[u32]> {
        let entry = self.cold.get(self.cold_slot(hash))?;
        if entry.hash != hash || entry.ids_len == 0 {
            return None;
        }
        let bytes = widen(entry.bytes);
        if self.bytes.get(bytes..bytes + usize::from(entry.bytes_len)) != Some(text) {
            return None;
        }
        let ids = widen(entry.ids);
        self.ids.get(ids..ids + usize::from(entry.ids_len))
    }

    /// Remembers any pre-token of up to [`LONGEST`] bytes. When the memory is
    /// used up, everything in the cold table is forgotten at once.
    pub(crate) fn put_cold(&mut self, hash: u64, text: &[u8], found: &[u32]) {
        let (Ok(bytes_len), Ok(ids_len)) = (u16::try_from(text.len()), u16::try_from(found.len()))
        else {
            return;
        };
        if self.bytes.len() + text.len() > self.bytes_limit
            || self.ids.len() + found.len() > self.ids_limit
        {
            self.bytes.clear();
            self.ids.clear();
            self.cold.fill(Cold::default());
        }
        let entry = Cold {
            hash,
            bytes: narrow(self.bytes.len()),
            ids: narrow(self.ids.len()),
            bytes_len,
            ids_len,
        };
        let at = self.cold_slot(hash);
        if let Some(slot) = self.cold.get_mut(at) {
            *slot = entry;
            self.bytes.extend_from_slice(text);
            self.ids.extend_from_slice(found);
        }
    }
}

/// The hash by which the cold table knows a pre-token.
pub(crate) fn cold_hash(text: &[u8]) -> u64 {
    hash_long(text)
}

fn floor_power_of_two(value: usize) -> usize {
    match value.max(2) {
        value if value.is_power_of_two() => value,
        value => value.next_power_of_two() / 2,
    }
}

#[allow(clippy::cast_possible_truncation)]
fn narrow32(value: u64) -> u32 {
    value as u32
}
