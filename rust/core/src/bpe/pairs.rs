//! The pair table: which two adjacent symbols merge, at what rank, into what.

use super::key::fold;
use super::prefetch::{AHEAD, prefetch};
use super::whole::WholeTokens;
use crate::ids::widen;
use crate::vocab::first_bytes;

/// The rank of a pair that does not merge.
pub(crate) const NO_RANK: u32 = u32::MAX;

/// One merge: two neighbours, the rank at which they merge, and the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) left: u32,
    pub(crate) right: u32,
    pub(crate) rank: u32,
    pub(crate) merged: u32,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    left: u32,
    right: u32,
    rank: u32,
}

const EMPTY: Slot = Slot { left: 0, right: 0, rank: NO_RANK };

/// An open-addressing table from pairs of ids to ranks, and from ranks to
/// results. It is built once and only read afterwards. Merging waits for this
/// table more than for anything else, so it is kept small: results are apart
/// (low ranks are read most and stay in the cache), and the table is 5/9 full.
#[derive(Debug)]
pub(crate) struct PairTable {
    slots: Vec<Slot>,
    merged: Vec<u32>,
    /// A bit for each hash that a pair has, at least four bits a pair: most
    /// look-ups find nothing, and this table is small enough to stay near.
    filter: Vec<u64>,
    filter_shift: u32,
}

impl PairTable {
    /// Builds the table. Where a pair is given twice the last one counts, as
    /// in the Hugging Face library. A rank has one result, is less than the
    /// number of pairs or tokens, and is not [`NO_RANK`].
    pub(crate) fn new(pairs: &[Pair]) -> PairTable {
        let size = pairs.len() / 5 * 9 + 16;
        let ranks = pairs.iter().map(|pair| widen(pair.rank) + 1).max().unwrap_or(0);
        let filter_bits = (pairs.len() * 4).next_power_of_two().max(64);
        let mut table = PairTable {
            slots: vec![EMPTY; size],
            merged: vec![0; ranks],
            filter: vec![0; filter_bits / 64],
            filter_shift: 64 - filter_bits.trailing_zeros(),
        };
        for some in pairs.chunks(AHEAD) {
            for pair in some {
                table.ask_slot(hash(pair.left, pair.right));
            }
            for pair in some {
                table.insert(pair);
            }
        }
        table
    }

    fn insert(&mut self, &Pair { left, right, rank, merged }: &Pair) {
        if let Some(result) = self.merged.get_mut(widen(rank)) {
            *result = merged;
        }
        let hash = hash(left, right);
        let (word, bit) = self.filter_place(hash);
        if let Some(word) = self.filter.get_mut(word) {
            *word |= bit;
        }
        let home = self.home(hash);
        let (before, after) = self.slots.split_at_mut(home);
        for slot in after.iter_mut().chain(before) {
            if slot.rank == NO_RANK || (slot.left == left && slot.right == right) {
                *slot = Slot { left, right, rank };
                break;
            }
        }
    }

    #[inline(always)]
    fn ask_slot(&self, hash: u64) {
        prefetch(self.slots.get(self.home(hash)));
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn home(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.slots.len() as u128) >> 64) as usize
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn filter_place(&self, hash: u64) -> (usize, u64) {
        // The table takes the high bits, the filter the low ones.
        let at = hash.rotate_left(32) >> self.filter_shift;
        ((at / 64) as usize, 1 << (at % 64))
    }

    /// The rank at which a pair merges, or [`NO_RANK`].
    #[inline]
    pub(crate) fn rank(&self, left: u32, right: u32) -> u32 {
        let hash = hash(left, right);
        if self.may_merge(hash) { self.find(hash, left, right) } else { NO_RANK }
    }

    #[inline(always)]
    fn may_merge(&self, hash: u64) -> bool {
        let (word, bit) = self.filter_place(hash);
        self.filter.get(word).is_some_and(|word| word & bit != 0)
    }

    /// The first half of [`PairTable::rank`]: whether the pair may merge. If
    /// so the processor is asked to fetch what [`PairTable::answer`] reads.
    #[inline(always)]
    pub(crate) fn ask(&self, left: u32, right: u32) -> bool {
        let hash = hash(left, right);
        let may = self.may_merge(hash);
        if may {
            self.ask_slot(hash);
        }
        may
    }

    /// The second half of [`PairTable::rank`].
    #[inline(always)]
    pub(crate) fn answer(&self, left: u32, right: u32) -> u32 {
        self.find(hash(left, right), left, right)
    }

    #[inline(always)]
    fn find(&self, hash: u64, left: u32, right: u32) -> u32 {
        let mut at = self.home(hash);
        loop {
            match self.slots.get(at) {
                Some(slot) if slot.left == left && slot.right == right => return slot.rank,
                Some(slot) if slot.rank == NO_RANK => return NO_RANK,
                Some(_) => at += 1,
                None => at = 0,
            }
        }
    }

    /// What the pair of a rank becomes.
    #[inline(always)]
    pub(crate) fn merged(&self, rank: u32) -> u32 {
        self.merged.get(widen(rank)).copied().unwrap_or(0)
    }

    /// Heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
            + self.merged.len() * size_of::<u32>()
            + self.filter.len() * size_of::<u64>()
    }
}

#[inline(always)]
fn hash(left: u32, right: u32) -> u64 {
    let key = (u64::from(left) << 32) | u64::from(right);
    fold(key ^ 0x2d35_8dcc_aa6c_78a5, 0x9e37_79b9_7f4a_7c15)
}

/// Ranks of the 65,536 pairs of single bytes: the first look-ups of every
/// pre-token, and the only ones that need no hashing.
#[derive(Debug)]
pub(crate) struct BytePairs {
    ranks: Vec<u32>,
}

impl BytePairs {
    /// Reads the table for the symbols of the 256 bytes.
    pub(crate) fn new(symbols: &[u32; 256], table: &PairTable) -> BytePairs {
        let mut ranks = Vec::with_capacity(1 << 16);
        for left in symbols {
            ranks.extend(symbols.iter().map(|right| table.rank(*left, *right)));
        }
        BytePairs { ranks }
    }

    /// The rank at which two bytes merge, or [`NO_RANK`].
    #[inline(always)]
    pub(crate) fn rank(&self, left: u8, right: u8) -> u32 {
        let at = (usize::from(left) << 8) | usize::from(right);
        self.ranks.get(at).copied().unwrap_or(NO_RANK)
    }
}

/// Every way to cut every token into two tokens: the merges of a vocabulary
/// whose ranks are those of the concatenation. `tokens` are in rank order and
/// distinct, `whole` has them all.
///
/// In lexical order a token follows its prefixes, so the prefixes that are
/// tokens need no look-up; the rests are looked up many at a time.
pub(crate) fn cuts(tokens: &[(&[u8], u32)], whole: &WholeTokens) -> Vec<Pair> {
    let mut order: Vec<(u128, u32)> =
        tokens.iter().zip(0..).map(|((bytes, _), rank)| (first_bytes(bytes), rank)).collect();
    let token = |rank: u32| tokens.get(widen(rank)).copied().unwrap_or((&[], 0));
    order.sort_unstable_by(|a, b| a.0.cmp(&b.0).then_with(|| token(a.1).0.cmp(token(b.1).0)));
    let mut pairs = Vec::with_capacity(tokens.len() * 3);
    let mut prefixes: Vec<(&[u8], u32)> = Vec::new();
    let mut waiting: Vec<(Pair, &[u8])> = Vec::new();
    let settle = |waiting: &mut Vec<(Pair, &[u8])>, pairs: &mut Vec<Pair>| {
        for (_, right) in waiting.iter() {
            whole.prefetch(right);
        }
        for (pair, right) in waiting.drain(..) {
            pairs.extend(whole.get(right).map(|right| Pair { right, ..pair }));
        }
    };
    for (_, rank) in order {
        let (bytes, merged) = token(rank);
        while prefixes.pop_if(|(prefix, _)| !bytes.starts_with(prefix)).is_some() {}
        for &(prefix, left) in &prefixes {
            if let Some(right) = bytes.get(prefix.len()..) {
                waiting.push((Pair { left, right: 0, rank, merged }, right));
            }
        }
        if waiting.len() >= AHEAD {
            settle(&mut waiting, &mut pairs);
        }
        prefixes.push((bytes, merged));
    }
    settle(&mut waiting, &mut pairs);
    pairs
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::testing::cases(64)))]

        #[test]
        fn cuts_are_all_the_cuts(
            tokens in prop::collection::btree_set(prop::collection::vec(0_u8..3, 1..20), 1..60)
                .prop_map(|tokens| tokens.into_iter().collect::<Vec<_>>())
                .prop_shuffle(),
        ) {
            let numbered: Vec<(&[u8], u32)> = tokens.iter().map(Vec::as_slice).zip(100..).collect();
            let id_of = |bytes: &[u8]| {
                numbered.iter().find(|(token, _)| *token == bytes).map(|(_, id)| *id)
            };
            let whole = WholeTokens::new(numbered.iter().copied());
            let mut found = cuts(&numbered, &whole);
            found.sort_by_key(|pair| (pair.rank, pair.left));
            let mut expected = Vec::new();
            for (&(token, merged), rank) in numbered.iter().zip(0..) {
                for cut in 1..token.len() {
                    let (left, right) = token.split_at(cut);
                    if let (Some(left), Some(right)) = (id_of(left), id_of(right)) {
                        expected.push(Pair { left, right, rank, merged });
                    }
                }
            }
            expected.sort_by_key(|pair| (pair.rank, pair.left));
            prop_assert_eq!(&found, &expected);
            let table = PairTable::new(&found);
            for pair in &found {
                prop_assert_eq!(table.rank(pair.left, pair.right), pair.rank);
                prop_assert_eq!(table.merged(pair.rank), pair.merged);
                let other = table.rank(pair.right, pair.left + 1);
                let known = found.iter().find(|p| (p.left, p.right) == (pair.right, pair.left + 1));
                prop_assert_eq!(other, known.map_or(NO_RANK, |pair| pair.rank));
            }
        }
    }
}
