//! Merging: symbols to tokens, by rank, leftmost first.
//!
//! Two encoders give the same result. A [`Lane`] keeps up to 96 symbols in a
//! flat array and scans it for the lowest rank: quadratic, but for the ten or
//! twenty symbols of nearly every pre-token nothing is faster, and it touches
//! no heap. What it waits for is memory: each merge looks two pairs up in a
//! table larger than the processor's near caches. So a lane asks for both
//! when it knows them and goes on a step later; [`Lanes`] steps through many
//! pre-tokens in turn meanwhile.
//!
//! [`merge_long`] is for pre-tokens of any length. It merges windows
//! of fixed size with a priority queue and joins them: two token sequences
//! that are each what merging gives may be put side by side exactly when
//! merging the last token of the one with the first of the other gives those
//! two again. (A merge can only cross into a neighbour at their boundary; up
//! to the first such merge both sides evolve as they do alone, so the pair at
//! the boundary decides.) Time is therefore linear in the length, with the
//! logarithm of the window size as a constant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::pairs::{NO_RANK, PairTable};
use crate::ids::{narrow, widen};

/// Up to how many symbols a [`Lane`] takes.
pub(crate) const SHORT_SYMBOLS: usize = 96;

/// Symbols merged at a time in a long pre-token.
const WINDOW: usize = 4096;
/// Tokens that start this close to the end of a window are merged again with
/// what follows: longer than nearly every token, so that joins rarely fail.
const OVERLAP: usize = 256;
/// Failed joins in one place after which the whole rest is merged at once.
const PATIENCE: usize = 64;

/// A token and how many initial symbols it covers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) id: u32,
    pub(crate) symbols: u32,
}

/// Reusable memory for both encoders.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    /// The initial symbols of the pre-token at hand.
    pub(crate) symbols: Vec<u32>,
    /// What [`merge_long`] found.
    pub(crate) spans: Vec<Span>,
    nodes: Vec<Node>,
    queue: BinaryHeap<Reverse<(u32, u32)>>,
    window: Vec<Span>,
}

#[derive(Clone, Copy, Debug)]
struct Node {
    id: u32,
    /// Rank of the pair with the next live node.
    rank: u32,
    previous: u32,
    next: u32,
    symbols: u32,
}

const NIL: u32 = u32::MAX;

/// One short pre-token being merged.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lane {
    symbols: [u32; SHORT_SYMBOLS],
    /// Rank of each symbol's pair with the next.
    ranks: [u32; SHORT_SYMBOLS],
    len: usize,
    /// The symbol that was merged last, and whether its pairs with the symbol
    /// before and the symbol after may merge; the table has been asked, but
    /// the answer not been looked at.
    pending: Option<(usize, bool, bool)>,
}

impl Lane {
    /// A lane of no symbols.
    pub(crate) const EMPTY: Lane = Lane {
        symbols: [0; SHORT_SYMBOLS],
        ranks: [NO_RANK; SHORT_SYMBOLS],
        len: 0,
        pending: None,
    };

    /// Takes symbols and the ranks of their pairs; at most [`SHORT_SYMBOLS`].
    #[inline]
    pub(crate) fn start(
        &mut self,
        symbols: impl Iterator<Item = u32>,
        ranks: impl Iterator<Item = u32>,
    ) {
        self.len = 0;
        self.pending = None;
        for (to, symbol) in self.symbols.iter_mut().zip(symbols) {
            *to = symbol;
            self.len += 1;
        }
        for (to, rank) in self.ranks.iter_mut().zip(ranks) {
            *to = rank;
        }
    }

    /// Merges once; `false` when nothing more can be merged.
    #[inline(always)]
    pub(crate) fn step(&mut self, table: &PairTable) -> bool {
        let Lane { symbols, ranks, len, pending } = self;
        if let Some((at, before, after)) = pending.take() {
            if at > 0 {
                ranks[at - 1] =
                    if before { table.answer(symbols[at - 1], symbols[at]) } else { NO_RANK };
            }
            if after {
                ranks[at] = table.answer(symbols[at], symbols[at + 1]);
            } else {
                ranks[at] = NO_RANK;
            }
        }
        let pairs = (*len).min(SHORT_SYMBOLS).saturating_sub(1);
        let best = ranks[..pairs].iter().fold(NO_RANK, |best, &rank| best.min(rank));
        if best == NO_RANK {
            return false;
        }
        let at = ranks[..pairs].iter().position(|&rank| rank == best).unwrap_or(0);
        let merged = table.merged(best);
        let before = at > 0 && table.ask(symbols[at - 1], merged);
        let after = at + 1 < pairs && table.ask(merged, symbols[at + 2]);
        symbols[at] = merged;
        symbols.copy_within(at + 2..pairs + 1, at + 1);
        ranks.copy_within(at + 1..pairs, at);
        *len = pairs;
        *pending = Some((at, before, after));
        true
    }

    /// The tokens, once [`Lane::step`] has returned `false`.
    pub(crate) fn tokens(&self) -> &[u32] {
        self.symbols.get(..self.len).unwrap_or(&[])
    }
}

/// How many pre-tokens are merged at the same time: about as many as the
/// processor can wait for.
const LANES: usize = 12;

/// Merges many short pre-tokens at the same time.
#[derive(Debug)]
pub(crate) struct Lanes {
    lanes: [Lane; LANES],
    /// Which pre-token each lane holds.
    owners: [usize; LANES],
}

impl Default for Lanes {
    fn default() -> Self {
        Lanes { lanes: [Lane::EMPTY; LANES], owners: [0; LANES] }
    }
}

impl Lanes {
    /// Merges everything that `next` puts into a lane, until it returns
    /// `None`; it returns a number that `done` gets with the tokens, in no
    /// particular order.
    pub(crate) fn run(
        &mut self,
        table: &PairTable,
        mut next: impl FnMut(&mut Lane) -> Option<usize>,
        mut done: impl FnMut(usize, &[u32]),
    ) {
        let mut live = 0;
        while live < LANES {
            let Some(owner) = next(&mut self.lanes[live]) else { break };
            self.owners[live] = owner;
            live += 1;
        }
        while live > 0 {
            let mut at = 0;
            while at < live {
                if self.lanes[at].step(table) {
                    at += 1;
                    continue;
                }
                done(self.owners[at], self.lanes[at].tokens());
                match next(&mut self.lanes[at]) {
                    Some(owner) => {
                        self.owners[at] = owner;
                        at += 1;
                    }
                    None => {
                        live -= 1;
                        self.lanes.swap(at, live);
                        self.owners.swap(at, live);
                    }
                }
            }
        }
    }
}

/// Merges any number of symbols (`scratch.symbols`) into `scratch.spans`.
pub(crate) fn merge_long(table: &PairTable, scratch: &mut Scratch) {
    let symbols = std::mem::take(&mut scratch.symbols);
    let mut spans = std::mem::take(&mut scratch.spans);
    spans.clear();
    let mut start = 0;
    let mut window = WINDOW;
    let mut failures = 0;
    while start < symbols.len() {
        let end = start.saturating_add(window).min(symbols.len());
        merge_queue(table, symbols.get(start..end).unwrap_or(&[]), scratch);
        let joined = match (spans.last(), scratch.window.first()) {
            (Some(&left), Some(&right)) => {
                let from = start - widen(left.symbols);
                let to = start + widen(right.symbols);
                let alone = std::mem::take(&mut scratch.window);
                merge_queue(table, symbols.get(from..to).unwrap_or(&[]), scratch);
                let same = scratch.window == [left, right];
                scratch.window = alone;
                same
            }
            _ => true,
        };
        if !joined {
            // The last token was cut short by the end of its window: merge
            // again from where it starts.
            if let Some(last) = spans.pop() {
                start -= widen(last.symbols);
            }
            failures += 1;
            if failures > PATIENCE {
                spans.clear();
                start = 0;
                window = usize::MAX;
            }
            continue;
        }
        failures = 0;
        let settled = if end == symbols.len() { end } else { end - OVERLAP };
        for &span in &scratch.window {
            if start >= settled {
                break;
            }
            spans.push(span);
            start += widen(span.symbols);
        }
    }
    scratch.symbols = symbols;
    scratch.spans = spans;
}

/// Merges symbols with a priority queue into `scratch.window`.
fn merge_queue(table: &PairTable, symbols: &[u32], scratch: &mut Scratch) {
    let Scratch { nodes, queue, window, .. } = scratch;
    nodes.clear();
    queue.clear();
    window.clear();
    let mut following = symbols.iter().skip(1);
    for (at, &id) in symbols.iter().enumerate() {
        let next = following.next();
        let rank = next.map_or(NO_RANK, |&right| table.rank(id, right));
        let at = narrow(at);
        if rank != NO_RANK {
            queue.push(Reverse((rank, at)));
        }
        let previous = at.checked_sub(1).unwrap_or(NIL);
        let next = if next.is_some() { at + 1 } else { NIL };
        nodes.push(Node { id, rank, previous, next, symbols: 1 });
    }
    while let Some(Reverse((rank, at))) = queue.pop() {
        let Some(&Node { rank: current, previous, next, symbols, .. }) = nodes.get(widen(at))
        else {
            break;
        };
        // An entry is stale when its node was swallowed or its pair changed.
        if symbols == 0 || current != rank {
            continue;
        }
        let Some(right) = nodes.get_mut(widen(next)) else { continue };
        let swallowed = *right;
        right.symbols = 0;
        let merged = table.merged(rank);
        let right_rank = nodes.get_mut(widen(swallowed.next)).map_or(NO_RANK, |after| {
            after.previous = at;
            table.rank(merged, after.id)
        });
        if let Some(node) = nodes.get_mut(widen(at)) {
            node.id = merged;
            node.rank = right_rank;
            node.next = swallowed.next;
            node.symbols += swallowed.symbols;
        }
        if right_rank != NO_RANK {
            queue.push(Reverse((right_rank, at)));
        }
        if let Some(node) = nodes.get_mut(widen(previous)) {
            node.rank = table.rank(node.id, merged);
            if node.rank != NO_RANK {
                queue.push(Reverse((node.rank, previous)));
            }
        }
    }
    let mut at = 0;
    while let Some(node) = nodes.get(widen(at)) {
        window.push(Span { id: node.id, symbols: node.symbols });
        at = node.next;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::super::pairs::Pair;
    use super::*;

    /// The law, word for word: find the lowest rank, leftmost; merge; repeat.
    fn oracle(table: &PairTable, symbols: &[u32]) -> Vec<Span> {
        let mut spans: Vec<Span> = symbols.iter().map(|&id| Span { id, symbols: 1 }).collect();
        while let Some((_, at, id)) = spans
            .windows(2)
            .enumerate()
            .map(|(at, pair)| (table.rank(pair[0].id, pair[1].id), at))
            .filter(|(rank, _)| *rank != NO_RANK)
            .map(|(rank, at)| (rank, at, table.merged(rank)))
            .min()
        {
            spans[at] = Span { id, symbols: spans[at].symbols + spans[at + 1].symbols };
            spans.remove(at + 1);
        }
        spans
    }

    fn long(table: &PairTable, symbols: &[u32]) -> Vec<Span> {
        let mut scratch = Scratch { symbols: symbols.to_vec(), ..Scratch::default() };
        merge_long(table, &mut scratch);
        scratch.spans
    }

    fn short(table: &PairTable, inputs: &[Vec<u32>]) -> Vec<Vec<u32>> {
        let mut results = vec![Vec::new(); inputs.len()];
        let mut waiting = inputs.iter().enumerate();
        Lanes::default().run(
            table,
            |lane| {
                let (owner, input) = waiting.next()?;
                let ranks = input.windows(2).map(|pair| table.rank(pair[0], pair[1]));
                lane.start(input.iter().copied(), ranks);
                Some(owner)
            },
            |owner, tokens| results[owner] = tokens.to_vec(),
        );
        results
    }

    /// A random merge list over `letters` initial symbols: each merge joins
    /// two symbols that exist by then, in an order that need not be sensible.
    fn tables() -> impl Strategy<Value = PairTable> {
        (2_u32..5, prop::collection::vec((any::<u32>(), any::<u32>()), 0..40), any::<bool>())
            .prop_map(|(letters, choices, reversed)| {
                let count = narrow(choices.len());
                let pairs: Vec<_> = choices
                    .iter()
                    .zip(0..)
                    .map(|(&(left, right), made)| {
                        let known = letters + made;
                        let rank = if reversed { count - made } else { made };
                        Pair { left: left % known, right: right % known, rank, merged: known }
                    })
                    .collect();
                PairTable::new(&pairs)
            })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::testing::cases(512)))]

        #[test]
        fn short_and_long_follow_the_law(
            table in tables(),
            inputs in prop::collection::vec(
                prop::collection::vec(0_u32..4, 0..=SHORT_SYMBOLS), 0..30),
        ) {
            let mut expected = Vec::new();
            for symbols in &inputs {
                let spans = oracle(&table, symbols);
                expected.push(spans.iter().map(|span| span.id).collect::<Vec<_>>());
                prop_assert_eq!(long(&table, symbols), spans);
            }
            prop_assert_eq!(short(&table, &inputs), expected);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(crate::testing::cases(24)))]

        #[test]
        fn windows_join_into_what_one_queue_gives(
            table in tables(),
            seed in prop::collection::vec(0_u32..4, 1..30),
            random in prop::collection::vec(0_u32..4, 0..2000),
            repeats in 1_usize..900,
        ) {
            let mut symbols: Vec<u32> = seed.iter().copied().cycle().take(seed.len() * repeats).collect();
            symbols.extend(&random);
            symbols.extend(seed.iter().copied().cycle().take(seed.len() * repeats));
            let mut scratch = Scratch::default();
            merge_queue(&table, &symbols, &mut scratch);
            prop_assert_eq!(long(&table, &symbols), scratch.window);
        }
    }
}
