//! The hot path: a text's pre-tokens, in blocks, to ids.
//!
//! Memory is slow and the processor can wait for many things at once, so
//! everything is done in rounds over a block of pre-tokens: a round computes
//! where to look and asks for it, the next one looks. Pre-tokens that the
//! cache does not hold are collected and merged side by side.

use super::cache::{Cache, Entry, INLINE, LONGEST};
use super::key::{SHORT, ShortKey, hash_long, hash_short, short_key};
use super::merge::Scratch;
use super::{Bpe, MergeMemory};
use crate::error::EncodeError;
use crate::split::{BLOCK, Cursor};

/// Where ids go.
pub(crate) trait Sink {
    /// Makes room for what a block of so many bytes can give.
    fn make_room(&mut self, bytes: usize);
    /// Takes the ids of a cache entry.
    fn take_entry(&mut self, entry: &Entry);
    /// Takes ids.
    fn take(&mut self, ids: &[u32]);
}

impl Sink for Vec<u32> {
    fn make_room(&mut self, bytes: usize) {
        Vec::reserve(self, bytes + INLINE);
    }

    #[inline(always)]
    fn take_entry(&mut self, entry: &Entry) {
        let [first, second, third] = entry.ids;
        self.push(first);
        if entry.len > 1 {
            self.push(second);
            if entry.len > 2 {
                self.push(third);
            }
        }
    }

    fn take(&mut self, ids: &[u32]) {
        self.extend_from_slice(ids);
    }
}

/// Counts ids without keeping them.
impl Sink for usize {
    fn make_room(&mut self, _bytes: usize) {}

    #[inline(always)]
    fn take_entry(&mut self, entry: &Entry) {
        *self += crate::ids::widen(entry.len);
    }

    fn take(&mut self, ids: &[u32]) {
        *self += ids.len();
    }
}

/// Everything that encoding needs beside the model: one for each call at a
/// time, kept between calls.
#[derive(Debug)]
pub(crate) struct Workspace {
    cache: Option<Cache>,
    pub(crate) scratch: Scratch,
    ends: [usize; BLOCK],
    block: Block,
    missed: Missed,
}

/// How to find each pre-token of a block in the cache.
#[derive(Debug)]
struct Block {
    probes: [Probe; BLOCK],
    /// The long ones.
    long: Vec<usize>,
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    /// 0 for a long pre-token.
    key: ShortKey,
    hash: u64,
}

/// The pre-tokens of a block that the cache does not hold.
#[derive(Debug, Default)]
struct Missed {
    memory: MergeMemory,
    /// Their indices in the block.
    indices: Vec<usize>,
    /// Those of `indices` that neither the vocabulary nor the cold table has.
    unknown: Vec<usize>,
    /// For each of `indices`, where its ids are in `ids`.
    spans: Vec<(usize, usize)>,
    ids: Vec<u32>,
}

impl Workspace {
    /// Working memory with a cache of about `cache_bytes` bytes.
    pub(crate) fn new(cache_bytes: usize) -> Workspace {
        Workspace {
            cache: Cache::new(cache_bytes),
            scratch: Scratch::default(),
            ends: [0; BLOCK],
            block: Block { probes: [Probe { key: 0, hash: 0 }; BLOCK], long: Vec::new() },
            missed: Missed::default(),
        }
    }
}

impl Bpe {
    /// Encodes all pre-tokens of a text.
    pub(crate) fn encode_pieces<S: Sink>(
        &self,
        text: &[u8],
        cursor: &mut Cursor<'_, '_>,
        workspace: &mut Workspace,
        sink: &mut S,
    ) -> Result<(), EncodeError> {
        let Workspace { cache, scratch, ends, block, missed } = workspace;
        let mut start = 0;
        loop {
            let count = cursor.fill(ends)?;
            let ends = ends.get(..count).unwrap_or(&[]);
            let Some(&last) = ends.last() else { return Ok(()) };
            sink.make_room(last - start);
            let pieces = Pieces { text, start, ends };
            match cache {
                Some(cache) => {
                    block.look_up(pieces, cache);
                    let mut done = 0;
                    while done < count {
                        done = block.take_hits(pieces, done, cache, sink);
                        if done < count {
                            missed.find(self, pieces, done, block, cache);
                            done = missed.take_rest(pieces, done, block, cache, sink);
                        }
                    }
                }
                None => {
                    let ids = &mut missed.ids;
                    for index in 0..count {
                        ids.clear();
                        self.encode(pieces.get(index), scratch, ids);
                        sink.take(ids);
                    }
                }
            }
            start = last;
        }
    }
}

/// The pre-tokens of a block.
#[derive(Clone, Copy)]
struct Pieces<'a> {
    text: &'a [u8],
    start: usize,
    ends: &'a [usize],
}

impl<'a> Pieces<'a> {
    fn get(self, index: usize) -> &'a [u8] {
        let start = match index.checked_sub(1) {
            Some(before) => self.ends.get(before).copied().unwrap_or(0),
            None => self.start,
        };
        let end = self.ends.get(index).copied().unwrap_or(start);
        self.text.get(start..end).unwrap_or(&[])
    }
}

impl Block {
    /// Computes where the cache would have each pre-token and asks for the
    /// memory there.
    fn look_up(&mut self, pieces: Pieces<'_>, cache: &Cache) {
        self.long.clear();
        let mut start = pieces.start;
        for (index, (probe, &end)) in self.probes.iter_mut().zip(pieces.ends).enumerate() {
            let len = end - start;
            if len <= SHORT {
                let key = short_key(pieces.text, start, len);
                let hash = hash_short(key);
                cache.prefetch(cache.set(hash));
                *probe = Probe { key, hash };
            } else {
                let mut hash = 0;
                if len <= LONGEST {
                    hash = hash_long(pieces.text.get(start..end).unwrap_or(&[]));
                    cache.prefetch_cold(hash);
                    self.long.push(index);
                }
                *probe = Probe { key: 0, hash };
            }
            start = end;
        }
        for &index in &self.long {
            if let Some(probe) = self.probes.get(index) {
                cache.prefetch_record(probe.hash);
            }
        }
    }

    /// Hands out the ids of the pre-tokens from `first` up to the first one
    /// that the cache does not hold, and returns the index of that one.
    #[inline]
    fn take_hits<S: Sink>(
        &self,
        pieces: Pieces<'_>,
        first: usize,
        cache: &Cache,
        sink: &mut S,
    ) -> usize {
        let count = pieces.ends.len();
        for (index, probe) in self.probes.iter().enumerate().take(count).skip(first) {
            if probe.key != 0 {
                match cache.get(cache.set(probe.hash), probe.key) {
                    Some(entry) => sink.take_entry(&entry),
                    None => return index,
                }
            } else {
                match cache.get_cold(probe.hash, pieces.get(index)) {
                    Some(ids) => sink.take(ids),
                    None => return index,
                }
            }
        }
        count
    }

    /// Whether [`Block::take_hits`] would find a pre-token.
    fn hits(&self, pieces: Pieces<'_>, index: usize, cache: &Cache) -> bool {
        match self.probes.get(index) {
            Some(probe) if probe.key != 0 => cache.get(cache.set(probe.hash), probe.key).is_some(),
            Some(probe) => cache.get_cold(probe.hash, pieces.get(index)).is_some(),
            None => false,
        }
    }
}

impl Missed {
    /// Finds the ids of all pre-tokens from `first` on that the cache does not
    /// hold. They are worked on together, so that what one waits for is
    /// fetched while others are computed.
    #[inline(never)]
    fn find(&mut self, bpe: &Bpe, pieces: Pieces<'_>, first: usize, block: &Block, cache: &Cache) {
        let Missed { memory, indices, unknown, spans, ids } = self;
        let missing = (first..pieces.ends.len()).filter(|&at| !block.hits(pieces, at, cache));
        indices.clear();
        indices.extend(missing);
        let probe = |index: usize| block.probes.get(index).copied().unwrap_or(Probe::NONE);
        for &index in indices.iter() {
            let Probe { key, hash } = probe(index);
            if key != 0 {
                bpe.whole.prefetch_short(hash);
                cache.prefetch_cold(hash);
            }
        }
        ids.clear();
        unknown.clear();
        spans.clear();
        for (at, &index) in indices.iter().enumerate() {
            let Probe { key, hash } = probe(index);
            let from = ids.len();
            let whole = match key {
                0 => bpe.whole.get_long(pieces.get(index)),
                _ => bpe.whole.get_short(key, hash),
            };
            if let Some(id) = whole {
                ids.push(id);
            } else if let Some(known) = cache.get_cold(hash, pieces.get(index)) {
                ids.extend_from_slice(known);
            } else {
                unknown.push(at);
            }
            spans.push((from, ids.len()));
        }
        let piece = |at: usize| {
            let index = unknown.get(at).and_then(|at| indices.get(*at));
            index.map_or(&[][..], |index| pieces.get(*index))
        };
        bpe.merge_many(unknown.len(), piece, memory, |at, found| {
            if let Some(span) = unknown.get(at).and_then(|at| spans.get_mut(*at)) {
                *span = (ids.len(), ids.len() + found.len());
                ids.extend_from_slice(found);
            }
        });
    }

    /// Hands out all ids from `first` to the end of the block and remembers
    /// those that were missing; returns the index after the last.
    #[inline(never)]
    fn take_rest<S: Sink>(
        &self,
        pieces: Pieces<'_>,
        first: usize,
        block: &Block,
        cache: &mut Cache,
        sink: &mut S,
    ) -> usize {
        let mut done = first;
        for (&index, &(from, to)) in self.indices.iter().zip(&self.spans) {
            // The cache has not changed, so everything in between is in it.
            done = block.take_hits(pieces, done, cache, sink);
            debug_assert_eq!(done, index);
            sink.take(self.ids.get(from..to).unwrap_or(&[]));
            done = index + 1;
        }
        done = block.take_hits(pieces, done, cache, sink);
        for (&index, &(from, to)) in self.indices.iter().zip(&self.spans) {
            let found = self.ids.get(from..to).unwrap_or(&[]);
            let Some(&Probe { key, hash }) = block.probes.get(index) else { continue };
            if key == 0 {
                cache.put_cold(hash, pieces.get(index), found);
                continue;
            }
            if found.len() <= INLINE {
                cache.put(cache.set(hash), key, found);
            }
            // What took work to find is worth a second place.
            if found.len() > 1 {
                cache.put_cold(hash, pieces.get(index), found);
            }
        }
        done
    }
}

impl Probe {
    const NONE: Probe = Probe { key: 0, hash: 0 };
}
