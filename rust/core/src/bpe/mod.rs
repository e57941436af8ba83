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
#[cfg(test)]
mod tests;
mod whole;

use rustc_hash::FxHashMap;

pub use cache::DEFAULT_CACHE_BYTES;
pub(crate) use encode::{Sink, Workspace};

use crate::batch::{default_threads, in_chunks};
use crate::ids::widen;
use crate::spec::{Alphabet, Merges, Model, Token};
use merge::{SHORT_SYMBOLS, Scratch, Span, merge_long, merge_short};
use pairs::{BytePairs, NO_RANK, Pair, PairTable, cuts};
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
            Merges::Ranks => cuts(&all().collect::<Vec<_>>(), |bytes| everything.get(bytes)),
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
            let (mut scratch, mut ids) = (Scratch::default(), Vec::new());
            let chunk = tokens.get(range).unwrap_or(&[]).iter();
            let built = chunk.map(|token| {
                ids.clear();
                self.merge(&token.bytes, &mut scratch, &mut ids);
                ids == [token.id]
            });
            built.collect::<Vec<bool>>()
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
        let mut symbols = [0; SHORT_SYMBOLS];
        let mut ranks = [NO_RANK; SHORT_SYMBOLS];
        let len = match &self.alphabet {
            Symbols::Bytes { symbols: of, pairs } if piece.len() <= SHORT_SYMBOLS => {
                for (symbol, byte) in symbols.iter_mut().zip(piece) {
                    *symbol = of[usize::from(*byte)];
                }
                for (rank, pair) in ranks.iter_mut().zip(piece.array_windows::<2>()) {
                    *rank = pairs.rank(pair[0], pair[1]);
                }
                piece.len()
            }
            _ => {
                self.start(piece, scratch, None);
                if scratch.symbols.len() > SHORT_SYMBOLS {
                    merge_long(&self.pairs, scratch);
                    out.extend(scratch.spans.iter().map(|span: &Span| span.id));
                    return;
                }
                for (symbol, from) in symbols.iter_mut().zip(&scratch.symbols) {
                    *symbol = *from;
                }
                for (rank, pair) in ranks.iter_mut().zip(scratch.symbols.array_windows::<2>()) {
                    *rank = self.pairs.rank(pair[0], pair[1]);
                }
                scratch.symbols.len()
            }
        };
        let len = merge_short(&self.pairs, &mut symbols, &mut ranks, len);
        out.extend_from_slice(&symbols[..len]);
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
