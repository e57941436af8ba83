//! The merge that builds each token.
//!
//! Where in a text the bytes of a token T end up as T, they have been merged
//! among themselves only, in the order in which T's bytes on their own would
//! be. So the last merge is always the same, and a list with that one merge
//! for each token, in the order of ranks, means the same as any larger set of
//! pairs: no other pair ever becomes T. What merging T's bytes does not
//! bring together can only be found as a whole.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use hashbrown::HashMap;

use crate::ids::{narrow, widen};
use crate::spec::{Merge, Merges, Model};

/// For each token of more than one byte, in the order of the model's tokens,
/// the last of the merges that build it and that merge's rank; `None` where
/// merging does not build it.
pub(super) struct LastMerges {
    pub(super) merges: Vec<Option<(u32, Merge)>>,
}

/// Which pairs merge: rank and result.
type Rules = HashMap<u64, (u32, u32)>;

fn pair(left: u32, right: u32) -> u64 {
    Merge { left, right, merged: 0 }.pair()
}

/// Finds the last merges of a byte-level model.
pub(super) fn last_merges(model: &Model) -> LastMerges {
    let rules = match &model.merges {
        Merges::Ranks => by_concatenation(model),
        Merges::Pairs(merges) => merges
            .iter()
            .enumerate()
            .map(|(rank, merge)| (merge.pair(), (narrow(rank), merge.merged)))
            .collect(),
    };
    of(model, &rules)
}

/// The last merges that the same tokens would have if pairs merged by the
/// rank of their concatenation, which is the order of ids.
pub(super) fn last_merges_by_rank(model: &Model) -> LastMerges {
    of(model, &by_concatenation(model))
}

/// Every way to cut every token into two tokens.
///
/// In lexical order a token follows its prefixes, so only those prefixes that
/// are tokens are tried.
fn by_concatenation(model: &Model) -> Rules {
    let ids: HashMap<&[u8], u32> =
        model.tokens.iter().map(|token| (token.bytes.as_slice(), token.id)).collect();
    let mut order: Vec<(&[u8], u32, u32)> = model
        .tokens
        .iter()
        .zip(0..)
        .map(|(token, rank)| (token.bytes.as_slice(), rank, token.id))
        .collect();
    order.sort_unstable();
    let mut rules = Rules::with_capacity(model.tokens.len() * 3);
    let mut prefixes: Vec<(&[u8], u32)> = Vec::new();
    for (bytes, rank, id) in order {
        while prefixes.pop_if(|(prefix, _)| !bytes.starts_with(prefix)).is_some() {}
        for (prefix, left) in &prefixes {
            let right = bytes.get(prefix.len()..).and_then(|right| ids.get(right));
            if let Some(right) = right {
                rules.insert(pair(*left, *right), (rank, id));
            }
        }
        prefixes.push((bytes, id));
    }
    rules
}

fn of(model: &Model, rules: &Rules) -> LastMerges {
    let mut bytes = [0; 256];
    for token in &model.tokens {
        if let [byte] = token.bytes.as_slice() {
            bytes[usize::from(*byte)] = token.id;
        }
    }
    let mut run = Run::default();
    let merges = model
        .tokens
        .iter()
        .map(|token| {
            run.start(token.bytes.iter().map(|byte| bytes[usize::from(*byte)]));
            let last = run.merge(rules)?;
            (last.1.merged == token.id).then_some(last)
        })
        .collect();
    LastMerges { merges }
}

/// Merging one token's bytes: symbols in a linked list, candidates in a heap
/// by rank, then position.
#[derive(Default)]
struct Run {
    ids: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    heap: BinaryHeap<Reverse<Candidate>>,
}

/// Rank, position of the left symbol, and the two symbols it was made for.
type Candidate = (u32, u32, u32, u32, u32);

const END: u32 = u32::MAX;

impl Run {
    fn start(&mut self, symbols: impl Iterator<Item = u32>) {
        self.ids.clear();
        self.ids.extend(symbols);
        let len = narrow(self.ids.len());
        self.next.clear();
        self.next.extend((1..=len).map(|next| if next == len { END } else { next }));
        self.previous.clear();
        self.previous.extend((0..len).map(|at| at.checked_sub(1).unwrap_or(END)));
        self.heap.clear();
    }

    fn id(&self, at: u32) -> Option<u32> {
        self.ids.get(widen(at)).copied()
    }

    fn after(&self, at: u32) -> Option<u32> {
        self.next.get(widen(at)).copied().filter(|next| *next != END)
    }

    fn propose(&mut self, rules: &Rules, at: u32) {
        let Some((left, right)) = self.id(at).zip(self.after(at).and_then(|next| self.id(next)))
        else {
            return;
        };
        if let Some((rank, merged)) = rules.get(&pair(left, right)) {
            self.heap.push(Reverse((*rank, at, left, right, *merged)));
        }
    }

    /// Merges down to one symbol and returns the last merge; `None` if more
    /// are left, or there was only one.
    fn merge(&mut self, rules: &Rules) -> Option<(u32, Merge)> {
        let mut left_over = self.ids.len();
        for at in 0..narrow(self.ids.len()) {
            self.propose(rules, at);
        }
        let mut last = None;
        while let Some(Reverse((rank, at, left, right, merged))) = self.heap.pop() {
            let Some(next) = self.after(at) else { continue };
            if self.id(at) != Some(left) || self.id(next) != Some(right) {
                continue;
            }
            let beyond = self.next.get(widen(next)).copied().unwrap_or(END);
            if let Some(id) = self.ids.get_mut(widen(at)) {
                *id = merged;
            }
            // A symbol that was taken in matches no candidate any more.
            if let Some(id) = self.ids.get_mut(widen(next)) {
                *id = END;
            }
            if let Some(slot) = self.next.get_mut(widen(at)) {
                *slot = beyond;
            }
            if let Some(slot) = self.previous.get_mut(widen(beyond)) {
                *slot = at;
            }
            left_over -= 1;
            last = Some((rank, Merge { left, right, merged }));
            if left_over == 1 {
                return last;
            }
            self.propose(rules, at);
            if let Some(before) = self.previous.get(widen(at)).copied().filter(|at| *at != END) {
                self.propose(rules, before);
            }
        }
        last.filter(|_| left_over == 1)
    }
}
