//! A pre-token to ids: byte-pair encoding.
//!
//! [`Bpe`] is a model ready to run. A pre-token goes through up to three
//! stages, each slower than the one before: what the thread remembers
//! (`cache`), the vocabulary (`whole`: nine of ten pre-tokens are a token as a
//! whole), merging (`merge`, over the pair table in `pairs`). All stages give
//! the same result; the tests hold each against the law itself.

mod cache;
mod encode;
mod key;
mod merge;
mod pairs;
mod prefetch;
#[cfg(test)]
mod tests;
mod whole;

use rustc_hash::FxHashMap;

pub(crate) use cache::DEFAULT_CACHE_BYTES;
pub(crate) use encode::{Sink, Workspace};

use crate::batch::{default_threads, in_chunks};
use crate::ids::widen;
use crate::spec::{Alphabet, Merges, Model, Token};
pub(crate) use merge::Scratch;
use merge::{Lane, Lanes, SHORT_SYMBOLS, merge_long};
use pairs::{BytePairs, Pair, PairTable, cuts};
use whole::WholeTokens;

/// A BPE model ready to encode pre-tokens.
#[derive(Debug)]
pub(crate) struct Bpe {
    pairs: PairTable,
    /// The tokens that a pre-token of the same bytes becomes: all of them if
    /// merges are ignored for such pre-tokens, else those that merging builds.
    whole: WholeTokens,
    alphabet: Symbols,
}

/// How a pre-token becomes initial symbols.
#[derive(Debug)]
enum Symbols {
    Bytes { symbols: Box<[u32; 256]>, pairs: BytePairs },
    Characters(Box<Characters>),
}

#[derive(Debug)]
struct Characters {
    symbols: FxHashMap<char, u32>,
    fallback: Option<Box<[u32; 256]>>,
    unk: u32,
    fuse_unk: bool,
}

impl Bpe {
    /// Compiles a model that [`Spec::validate`](crate::Spec::validate) has
    /// accepted.
    pub(crate) fn new(model: &Model) -> Bpe {
        let all = || model.tokens.iter().map(|token| (token.bytes.as_slice(), token.id));
        let everything = WholeTokens::new(all());
        let listed = match &model.merges {
            Merges::Ranks => cuts(&all().collect::<Vec<_>>(), &everything),
            Merges::Pairs(merges) => merges
                .iter()
                .zip(0..)
                .map(|(merge, rank)| Pair {
                    left: merge.left,
                    right: merge.right,
                    rank,
                    merged: merge.merged,
                })
                .collect(),
        };
        let pairs = PairTable::new(&listed);
        let alphabet = match model.alphabet {
            Alphabet::Bytes => {
                let mut symbols = Box::new([0; 256]);
                for (symbol, byte) in symbols.iter_mut().zip(0_u8..=255) {
                    *symbol = everything.get(&[byte]).unwrap_or(0);
                }
                let pairs = BytePairs::new(&symbols, &pairs);
                Symbols::Bytes { symbols, pairs }
            }
            Alphabet::Characters { byte_fallback, unk, fuse_unk } => {
                Symbols::Characters(Box::new(Characters {
                    symbols: characters(all()),
                    fallback: byte_fallback.then(|| fallback(&everything)).flatten(),
                    unk: unk.unwrap_or(0),
                    fuse_unk,
                }))
            }
        };
        let mut bpe = Bpe { pairs, whole: everything, alphabet };
        if !(model.ignore_merges || model.merges == Merges::Ranks) {
            let built = bpe.built(&model.tokens);
            let reached = all().zip(&built).filter(|(_, built)| **built).map(|(token, _)| token);
            bpe.whole = WholeTokens::new(reached);
        }
        bpe
    }

    /// For each token, whether merging its bytes gives just that token.
    fn built(&self, tokens: &[Token]) -> Vec<bool> {
        let weight = |at: usize| tokens.get(at).map_or(0, |token| token.bytes.len() + 1);
        let parts = in_chunks(tokens.len(), weight, default_threads(), |range| {
            let chunk = tokens.get(range).unwrap_or(&[]);
            let mut built = vec![false; chunk.len()];
            let bytes = |at: usize| chunk.get(at).map_or(&[][..], |token| &token.bytes);
            self.merge_many(chunk.len(), bytes, &mut MergeMemory::default(), |at, ids| {
                if let (Some(built), Some(token)) = (built.get_mut(at), chunk.get(at)) {
                    *built = ids == [token.id];
                }
            });
            built
        });
        parts.concat()
    }

    /// Encodes one pre-token without looking at any cache.
    pub(crate) fn encode(&self, piece: &[u8], scratch: &mut Scratch, out: &mut Vec<u32>) {
        match self.whole.get(piece) {
            Some(id) => out.push(id),
            None => self.merge(piece, scratch, out),
        }
    }

    /// As [`Bpe::encode`], giving also the number of bytes of `piece` that
    /// each token covers.
    pub(crate) fn encode_with_lengths(
        &self,
        piece: &[u8],
        scratch: &mut Scratch,
        mut put: impl FnMut(u32, usize),
    ) {
        if let Some(id) = self.whole.get(piece) {
            return put(id, piece.len());
        }
        let mut lengths = Vec::new();
        self.start(piece, scratch, Some(&mut lengths));
        merge_long(&self.pairs, scratch);
        let mut lengths = lengths.iter();
        for span in &scratch.spans {
            put(span.id, lengths.by_ref().take(widen(span.symbols)).sum());
        }
    }

    /// Encodes one pre-token by merging alone.
    fn merge(&self, piece: &[u8], scratch: &mut Scratch, out: &mut Vec<u32>) {
        let mut lane = Lane::EMPTY;
        if self.load(piece, &mut lane, scratch) {
            while lane.step(&self.pairs) {}
            out.extend_from_slice(lane.tokens());
        } else {
            merge_long(&self.pairs, scratch);
            out.extend(scratch.spans.iter().map(|span| span.id));
        }
    }

    /// Encodes `count` pre-tokens by merging alone; `done` gets each one's
    /// index and ids, in no particular order.
    fn merge_many<'t>(
        &self,
        count: usize,
        piece: impl Fn(usize) -> &'t [u8],
        memory: &mut MergeMemory,
        mut done: impl FnMut(usize, &[u32]),
    ) {
        let MergeMemory { lanes, scratch, long, found } = memory;
        long.clear();
        let mut waiting = 0..count;
        let next = |lane: &mut Lane| loop {
            let index = waiting.next()?;
            if self.load(piece(index), lane, scratch) {
                return Some(index);
            }
            long.push(index);
        };
        lanes.run(&self.pairs, next, &mut done);
        for &index in long.iter() {
            found.clear();
            self.merge(piece(index), scratch, found);
            done(index, found);
        }
    }

    /// Puts a pre-token's symbols into a lane; if it has too many for one,
    /// returns `false` and leaves them in the scratch.
    fn load(&self, piece: &[u8], lane: &mut Lane, scratch: &mut Scratch) -> bool {
        if let Symbols::Bytes { symbols, pairs } = &self.alphabet
            && piece.len() <= SHORT_SYMBOLS
        {
            lane.start(
                piece.iter().map(|byte| symbols[usize::from(*byte)]),
                piece.array_windows().map(|[left, right]| pairs.rank(*left, *right)),
            );
            return true;
        }
        self.start(piece, scratch, None);
        if scratch.symbols.len() > SHORT_SYMBOLS {
            return false;
        }
        lane.start(
            scratch.symbols.iter().copied(),
            scratch.symbols.array_windows().map(|[left, right]| self.pairs.rank(*left, *right)),
        );
        true
    }

    /// Writes the initial symbols of a pre-token into the scratch, and if
    /// asked how many bytes each stands for.
    fn start(&self, piece: &[u8], scratch: &mut Scratch, lengths: Option<&mut Vec<usize>>) {
        let symbols = &mut scratch.symbols;
        symbols.clear();
        match &self.alphabet {
            Symbols::Bytes { symbols: of, .. } => {
                symbols.extend(piece.iter().map(|byte| of[usize::from(*byte)]));
                if let Some(lengths) = lengths {
                    lengths.resize(piece.len(), 1);
                }
            }
            Symbols::Characters(characters) => characters.start(piece, symbols, lengths),
        }
    }

    /// Heap memory of the tables in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.pairs.memory() + self.whole.memory()
    }
}

/// Reusable memory of [`Bpe::merge_many`].
#[derive(Debug, Default)]
struct MergeMemory {
    lanes: Lanes,
    scratch: Scratch,
    long: Vec<usize>,
    found: Vec<u32>,
}

impl Characters {
    /// Initial symbols by Hugging Face's rule: a character that is a token is
    /// its symbol; any other becomes its bytes' fallback tokens, or `unk`,
    /// consecutive ones fused if so set. A byte that belongs to no character
    /// is treated as an unknown character of one byte.
    fn start(&self, piece: &[u8], symbols: &mut Vec<u32>, mut lengths: Option<&mut Vec<usize>>) {
        let mut after_unk = false;
        let mut put = |symbol: u32, len: usize, unk: bool| {
            if unk && after_unk && self.fuse_unk {
                if let Some(last) = lengths.as_mut().and_then(|lengths| lengths.last_mut()) {
                    *last += len;
                }
            } else {
                symbols.push(symbol);
                if let Some(lengths) = lengths.as_mut() {
                    lengths.push(len);
                }
            }
            after_unk = unk;
        };
        let unknown = |bytes: &[u8], put: &mut dyn FnMut(u32, usize, bool)| match &self.fallback {
            Some(fallback) => {
                for byte in bytes {
                    put(fallback[usize::from(*byte)], 1, false);
                }
            }
            None => put(self.unk, bytes.len(), true),
        };
        for chunk in piece.utf8_chunks() {
            let mut buffer = [0; 4];
            for character in chunk.valid().chars() {
                match self.symbols.get(&character) {
                    Some(&symbol) => put(symbol, character.len_utf8(), false),
                    None => unknown(character.encode_utf8(&mut buffer).as_bytes(), &mut put),
                }
            }
            for byte in chunk.invalid() {
                unknown(&[*byte], &mut put);
            }
        }
    }
}

/// The tokens of one character each.
fn characters<'v>(tokens: impl Iterator<Item = (&'v [u8], u32)>) -> FxHashMap<char, u32> {
    let mut symbols = FxHashMap::default();
    for (bytes, id) in tokens.filter(|(bytes, _)| bytes.len() <= 4) {
        let mut characters = std::str::from_utf8(bytes).unwrap_or("").chars();
        if let (Some(character), None) = (characters.next(), characters.next()) {
            symbols.entry(character).or_insert(id);
        }
    }
    symbols
}

/// The 256 byte-fallback tokens, if all are there.
fn fallback(tokens: &WholeTokens) -> Option<Box<[u32; 256]>> {
    let mut ids = Box::new([0; 256]);
    for (id, byte) in ids.iter_mut().zip(0_u8..=255) {
        *id = tokens.get(format!("<0x{byte:02X}>").as_bytes())?;
    }
    Some(ids)
}
