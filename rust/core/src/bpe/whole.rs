//! From bytes to the token that has exactly these bytes.

use super::key::{SHORT, ShortKey, halves, hash_long, hash_short, short_key};
use super::prefetch::{AHEAD, prefetch};
use crate::ids::widen;

/// A read-only map from token bytes to ids, at most half full. Tokens of up
/// to 15 bytes are compared in one word, without a look at the vocabulary.
#[derive(Debug)]
pub(crate) struct WholeTokens {
    short: Vec<ShortSlot>,
    short_shift: u32,
    long: Vec<LongSlot>,
    long_bytes: Vec<u8>,
    /// The longest token in bytes.
    longest: usize,
}

#[derive(Clone, Copy, Debug)]
struct ShortSlot {
    /// Two halves rather than one `u128`, whose alignment would cost 8 bytes.
    key: [u64; 2],
    id: u32,
}

#[derive(Clone, Copy, Debug)]
struct LongSlot {
    hash: u32,
    start: u32,
    len: u32,
    id: u32,
}

impl WholeTokens {
    /// Builds the map; where two tokens have the same bytes the first counts.
    /// Empty byte strings are left out.
    pub(crate) fn new<'v>(tokens: impl Iterator<Item = (&'v [u8], u32)> + Clone) -> WholeTokens {
        let shorts = tokens.clone().filter(|(bytes, _)| bytes.len() <= SHORT).count();
        let longs = tokens.clone().count() - shorts;
        let size = (shorts * 2).next_power_of_two().max(4);
        let mut map = WholeTokens {
            short: vec![ShortSlot { key: [0; 2], id: 0 }; size],
            short_shift: 64 - size.trailing_zeros(),
            long: vec![
                LongSlot { hash: 0, start: 0, len: 0, id: 0 };
                (longs * 2).next_power_of_two().max(4)
            ],
            long_bytes: Vec::new(),
            longest: 0,
        };
        let mut tokens = tokens;
        let mut some = Vec::with_capacity(AHEAD);
        loop {
            some.extend(tokens.by_ref().take(AHEAD));
            if some.is_empty() {
                return map;
            }
            for (bytes, _) in &some {
                map.prefetch(bytes);
            }
            for (bytes, id) in some.drain(..) {
                map.insert(bytes, id);
            }
        }
    }

    fn insert(&mut self, bytes: &[u8], id: u32) {
        if bytes.is_empty() || self.get(bytes).is_some() {
            return;
        }
        self.longest = self.longest.max(bytes.len());
        if bytes.len() <= SHORT {
            let key = short_key(bytes, 0, bytes.len());
            let mask = self.short.len() - 1;
            let mut at = self.short_home(hash_short(key));
            while let Some(slot) = self.short.get_mut(at) {
                if slot.key == [0; 2] {
                    *slot = ShortSlot { key: halves(key), id };
                    return;
                }
                at = (at + 1) & mask;
            }
        } else {
            let hash = long_hash(bytes);
            let (Ok(start), Ok(len)) =
                (u32::try_from(self.long_bytes.len()), u32::try_from(bytes.len()))
            else {
                return;
            };
            let mask = self.long.len() - 1;
            let mut at = widen(hash) & mask;
            while let Some(slot) = self.long.get_mut(at) {
                if slot.len == 0 {
                    *slot = LongSlot { hash, start, len, id };
                    self.long_bytes.extend_from_slice(bytes);
                    return;
                }
                at = (at + 1) & mask;
            }
        }
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn short_home(&self, hash: u64) -> usize {
        (hash >> self.short_shift) as usize
    }

    /// The token with these bytes.
    pub(crate) fn get(&self, bytes: &[u8]) -> Option<u32> {
        match bytes.len() {
            0 => None,
            len @ 1..=SHORT => {
                let key = short_key(bytes, 0, len);
                self.get_short(key, hash_short(key))
            }
            _ => self.get_long(bytes),
        }
    }

    /// Asks the processor to fetch what [`WholeTokens::get`] will read.
    #[inline]
    pub(crate) fn prefetch(&self, bytes: &[u8]) {
        match bytes.len() {
            len @ 1..=SHORT => self.prefetch_short(hash_short(short_key(bytes, 0, len))),
            _ => prefetch(self.long.get(widen(long_hash(bytes)) & (self.long.len() - 1))),
        }
    }

    /// The token with this short key, whose hash the caller has.
    #[inline(always)]
    pub(crate) fn get_short(&self, key: ShortKey, hash: u64) -> Option<u32> {
        let key = halves(key);
        let mask = self.short.len() - 1;
        let mut at = self.short_home(hash);
        while let Some(slot) = self.short.get(at) {
            if slot.key == key {
                return Some(slot.id);
            }
            if slot.key == [0; 2] {
                return None;
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Asks the processor to fetch what [`WholeTokens::get_short`] will read.
    #[inline(always)]
    pub(crate) fn prefetch_short(&self, hash: u64) {
        prefetch(self.short.get(self.short_home(hash)));
    }

    /// The token with these bytes, of which there are more than 15.
    pub(crate) fn get_long(&self, bytes: &[u8]) -> Option<u32> {
        if bytes.len() > self.longest {
            return None;
        }
        let hash = long_hash(bytes);
        let mask = self.long.len() - 1;
        let mut at = widen(hash) & mask;
        while let Some(slot) = self.long.get(at) {
            if slot.len == 0 {
                return None;
            }
            let token = widen(slot.start)..widen(slot.start) + widen(slot.len);
            if slot.hash == hash && self.long_bytes.get(token) == Some(bytes) {
                return Some(slot.id);
            }
            at = (at + 1) & mask;
        }
        None
    }

    /// Heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.short.len() * size_of::<ShortSlot>()
            + self.long.len() * size_of::<LongSlot>()
            + self.long_bytes.len()
    }
}

#[allow(clippy::cast_possible_truncation)]
fn long_hash(bytes: &[u8]) -> u32 {
    (hash_long(bytes) >> 32) as u32
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::testing::cases(64)))]

        #[test]
        fn agrees_with_a_hash_map(
            tokens in prop::collection::vec(prop::collection::vec(0_u8..3, 0..24), 0..400),
            probes in prop::collection::vec(prop::collection::vec(0_u8..3, 0..24), 0..100),
        ) {
            let pairs = tokens.iter().map(Vec::as_slice).zip(0..);
            let map = WholeTokens::new(pairs.clone());
            let mut expected: HashMap<&[u8], u32> = HashMap::new();
            for (bytes, id) in pairs.filter(|(bytes, _)| !bytes.is_empty()) {
                expected.entry(bytes).or_insert(id);
            }
            for bytes in tokens.iter().chain(&probes).map(Vec::as_slice) {
                prop_assert_eq!(map.get(bytes), expected.get(bytes).copied());
            }
        }
    }
}
