//! The pair table: which two adjacent symbols merge, at what rank, into what.

use super::key::fold;
use crate::ids::narrow;

/// The rank of a pair that does not merge.
pub(crate) const NO_RANK: u32 = u32::MAX;

/// One merge: its priority (lower first) and its result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merged {
    pub(crate) rank: u32,
    pub(crate) id: u32,
}

const NONE: Merged = Merged { rank: NO_RANK, id: 0 };

#[derive(Clone, Copy, Debug)]
struct Slot {
    left: u32,
    right: u32,
    merged: Merged,
}

const EMPTY: Slot = Slot { left: 0, right: 0, merged: NONE };

/// An open-addressing table from pairs of ids to merges. It is built once,
/// at most half full, and only read afterwards.
#[derive(Debug)]
pub(crate) struct PairTable {
    slots: Vec<Slot>,
    shift: u32,
}

impl PairTable {
    /// Builds the table. Where a pair is given twice the last one counts, as
    /// in the Hugging Face library; no rank may be [`NO_RANK`].
    pub(crate) fn new(pairs: &[(u32, u32, Merged)]) -> PairTable {
        let size = (pairs.len() * 2).next_power_of_two().max(4);
        let shift = 64 - size.trailing_zeros();
        let mut table = PairTable { slots: vec![EMPTY; size], shift };
        for &(left, right, merged) in pairs {
            debug_assert!(merged.rank != NO_RANK);
            let mut at = table.home(left, right);
            while let Some(slot) = table.slots.get_mut(at) {
                let free = slot.merged.rank == NO_RANK;
                if free || (slot.left == left && slot.right == right) {
                    *slot = Slot { left, right, merged };
                    break;
                }
                at = (at + 1) & (size - 1);
            }
        }
        table
    }

    #[inline(always)]
    #[allow(clippy::cast_possible_truncation)]
    fn home(&self, left: u32, right: u32) -> usize {
        let key = (u64::from(left) << 32) | u64::from(right);
        (fold(key ^ 0x2d35_8dcc_aa6c_78a5, 0x9e37_79b9_7f4a_7c15) >> self.shift) as usize
    }

    /// The merge of a pair; its rank is [`NO_RANK`] when there is none.
    #[inline(always)]
    pub(crate) fn get(&self, left: u32, right: u32) -> Merged {
        let mut at = self.home(left, right);
        let mask = self.slots.len() - 1;
        while let Some(slot) = self.slots.get(at) {
            if slot.merged.rank == NO_RANK || (slot.left == left && slot.right == right) {
                return slot.merged;
            }
            at = (at + 1) & mask;
        }
        NONE
    }

    /// Heap memory in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.slots.len() * size_of::<Slot>()
    }
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
            ranks.extend(symbols.iter().map(|right| table.get(*left, *right).rank));
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

/// Every way to cut every token into two tokens, as the merges of a
/// vocabulary whose ranks are those of the concatenation.
///
/// `bytes(id)` gives a token's bytes, `id_of` looks bytes up, `tokens` lists
/// the ids in rank order.
pub(crate) fn cuts<'v>(
    tokens: &[u32],
    bytes: impl Fn(u32) -> &'v [u8],
    id_of: impl Fn(&[u8]) -> Option<u32>,
) -> Vec<(u32, u32, Merged)> {
    let mut pairs = Vec::with_capacity(tokens.len() * 3);
    for (rank, &id) in tokens.iter().enumerate() {
        let token = bytes(id);
        for cut in 1..token.len() {
            let (left, right) = token.split_at(cut);
            if let (Some(left), Some(right)) = (id_of(left), id_of(right)) {
                pairs.push((left, right, Merged { rank: narrow(rank), id }));
            }
        }
    }
    pairs
}
