//! The hot path: a text's pre-tokens, in blocks, to ids.
//!
//! A block is scanned first, then each pre-token's key, hash and place in the
//! cache are computed and the place is fetched from memory, and only then are
//! the places looked at: by that time they have arrived.

use super::Bpe;
use super::cache::{Cache, Entry, INLINE, LONGEST, cold_hash};
use super::key::{SHORT, ShortKey, hash_short, short_key};
use super::merge::Scratch;
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
    found: Vec<u32>,
    ends: [usize; BLOCK],
    probes: [Probe; BLOCK],
}

#[derive(Clone, Copy, Debug)]
struct Probe {
    key: ShortKey,
    hash: u64,
}

impl Workspace {
    /// Working memory with a cache of about `cache_bytes` bytes.
    pub(crate) fn new(cache_bytes: usize) -> Workspace {
        Workspace {
            cache: Cache::new(cache_bytes),
            scratch: Scratch::default(),
            found: Vec::new(),
            ends: [0; BLOCK],
            probes: [Probe { key: 0, hash: 0 }; BLOCK],
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
        let Workspace { cache, scratch, found, ends, probes } = workspace;
        let mut start = 0;
        loop {
            let count = cursor.fill(ends)?;
            let ends = ends.get(..count).unwrap_or(&[]);
            let Some(&last) = ends.last() else { return Ok(()) };
            sink.make_room(last - start);
            let Some(cache) = cache else {
                for &end in ends {
                    found.clear();
                    self.encode(text.get(start..end).unwrap_or(&[]), scratch, found);
                    sink.take(found);
                    start = end;
                }
                continue;
            };
            let block_start = start;
            for (probe, &end) in probes.iter_mut().zip(ends) {
                let len = end - start;
                // A key of 0 marks a long pre-token.
                *probe = Probe { key: 0, hash: 0 };
                if len <= SHORT {
                    let key = short_key(text, start, len);
                    let hash = hash_short(key);
                    cache.prefetch(cache.set(hash));
                    *probe = Probe { key, hash };
                }
                start = end;
            }
            start = block_start;
            for (probe, &end) in probes.iter().zip(ends) {
                if probe.key != 0 {
                    let set = cache.set(probe.hash);
                    if let Some(entry) = cache.get(set, probe.key) {
                        sink.take_entry(entry);
                    } else {
                        let piece = text.get(start..end).unwrap_or(&[]);
                        self.miss(piece, probe, set, cache, scratch, found, sink);
                    }
                } else {
                    let piece = text.get(start..end).unwrap_or(&[]);
                    self.long(piece, cache, scratch, found, sink);
                }
                start = end;
            }
        }
    }

    /// A short pre-token that the hot table does not hold.
    #[inline(never)]
    #[allow(clippy::too_many_arguments)]
    fn miss<S: Sink>(
        &self,
        piece: &[u8],
        probe: &Probe,
        set: usize,
        cache: &mut Cache,
        scratch: &mut Scratch,
        found: &mut Vec<u32>,
        sink: &mut S,
    ) {
        if let Some(id) = self.whole.get_short(probe.key, probe.hash) {
            cache.put(set, probe.key, &[id]);
            return sink.take(&[id]);
        }
        let hash = probe.hash;
        if let Some(ids) = cache.get_cold(hash, piece) {
            return sink.take(ids);
        }
        found.clear();
        self.merge(piece, scratch, found);
        if found.len() <= INLINE {
            cache.put(set, probe.key, found);
        } else {
            cache.put_cold(hash, piece, found);
        }
        sink.take(found);
    }

    /// A pre-token too long for the hot table.
    #[inline(never)]
    fn long<S: Sink>(
        &self,
        piece: &[u8],
        cache: &mut Cache,
        scratch: &mut Scratch,
        found: &mut Vec<u32>,
        sink: &mut S,
    ) {
        found.clear();
        if piece.len() > LONGEST {
            self.encode(piece, scratch, found);
            return sink.take(found);
        }
        let hash = cold_hash(piece);
        if let Some(ids) = cache.get_cold(hash, piece) {
            return sink.take(ids);
        }
        self.encode(piece, scratch, found);
        cache.put_cold(hash, piece, found);
        sink.take(found);
    }
}
