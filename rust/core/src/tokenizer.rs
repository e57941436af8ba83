//! The pipeline: text to ids and back, the one front type.

use std::ops::Range;
use std::sync::Arc;

use crate::batch::in_chunks;
use crate::bpe::{Bpe, DEFAULT_CACHE_BYTES, Scratch, Sink, Workspace};
use crate::decode::Decoder;
use crate::error::{DecodeError, EncodeError, LoadError};
use crate::ids::{TokenId, offset};
use crate::normalize::Rewriter;
use crate::pool::Pool;
use crate::ragged::Ragged;
use crate::spec::{Alphabet, PreTokenizer, Spec, TemplatePiece};
use crate::special::{AddedTokens, Segment, Specials};
use crate::split::{BLOCK, Splitter};
use crate::vocab::Vocabulary;

/// A tokenizer ready to run: immutable, and safe to share between threads.
#[derive(Debug)]
pub struct Tokenizer {
    spec: Arc<Spec>,
    vocabulary: Vocabulary,
    added: AddedTokens,
    rewriter: Rewriter,
    splitter: Splitter,
    bpe: Bpe,
    decoder: Decoder,
    before: Vec<u32>,
    after: Vec<u32>,
    workspaces: Pool<Workspace>,
    cache_bytes: usize,
}

/// What a call to encode allows.
#[derive(Clone, Debug)]
pub struct EncodeOptions<'a> {
    /// Special tokens that are recognised in the text.
    pub allowed: Specials<'a>,
    /// Special tokens whose presence in the text is an error, less those
    /// allowed if this is [`Specials::All`].
    pub disallowed: Specials<'a>,
    /// Whether to put the template's tokens (such as BOS) around the ids.
    pub add_special_tokens: bool,
}

impl EncodeOptions<'_> {
    /// Plain text: special tokens are neither recognised nor an error.
    pub const ORDINARY: EncodeOptions<'static> = EncodeOptions {
        allowed: Specials::These(&[]),
        disallowed: Specials::These(&[]),
        add_special_tokens: false,
    };
}

/// A token and where it comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Located {
    /// The token.
    pub id: u32,
    /// Byte offset in the text where the token starts.
    pub start: usize,
    /// Byte offset where it ends. A token that the template or a normalizer
    /// put in has `start == end`.
    pub end: usize,
}

/// An error in one text of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchError<E> {
    /// Index of the text or sequence.
    pub index: usize,
    /// What went wrong with it.
    pub error: E,
}

impl Tokenizer {
    /// The memory that [`Tokenizer::new`] lets each concurrent call use to
    /// remember pre-tokens, in bytes.
    pub const DEFAULT_CACHE_BYTES: usize = DEFAULT_CACHE_BYTES;

    /// Checks a spec and compiles it.
    pub fn new(spec: impl Into<Arc<Spec>>) -> Result<Tokenizer, LoadError> {
        Tokenizer::with_cache(spec, DEFAULT_CACHE_BYTES)
    }

    /// As [`Tokenizer::new`], with the memory that each concurrent call may
    /// use to remember pre-tokens, in bytes; under 4,096 means none.
    pub fn with_cache(
        spec: impl Into<Arc<Spec>>,
        cache_bytes: usize,
    ) -> Result<Tokenizer, LoadError> {
        let spec = spec.into();
        spec.validate()?;
        let vocabulary = Vocabulary::new(&spec);
        let rewriter = Rewriter::new(&spec)?;
        let added = AddedTokens::new(&spec.added_tokens, &rewriter)?;
        let splitter = splitter(&spec)?;
        let bpe = Bpe::new(&spec.model);
        let decoder = Decoder::new(&spec, &vocabulary)?;
        let (before, after) = around(&spec);
        let workspaces = Pool::default();
        Ok(Tokenizer {
            spec,
            vocabulary,
            added,
            rewriter,
            splitter,
            bpe,
            decoder,
            before,
            after,
            workspaces,
            cache_bytes,
        })
    }

    /// What the tokenizer was made from.
    pub fn spec(&self) -> &Arc<Spec> {
        &self.spec
    }

    /// Its tokens.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Its pre-tokenizer.
    pub fn splitter(&self) -> &Splitter {
        &self.splitter
    }

    /// Its decoder.
    pub fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    /// The memory that each concurrent call may use to remember pre-tokens.
    pub fn cache_bytes(&self) -> usize {
        self.cache_bytes
    }

    /// Heap memory of the encoder's tables in bytes, caches apart.
    pub fn table_bytes(&self) -> usize {
        self.bpe.memory()
    }

    /// Appends the ids of a text. The text need not be valid UTF-8. After an
    /// error `out` holds what it held before.
    pub fn encode_into(
        &self,
        text: &[u8],
        options: &EncodeOptions<'_>,
        out: &mut Vec<u32>,
    ) -> Result<(), EncodeError> {
        let before = out.len();
        out.reserve(text.len() / 4 + 4);
        let result = self.workspaces.with(
            || Workspace::new(self.cache_bytes),
            |workspace| self.run(text, options, workspace, out),
        );
        if result.is_err() {
            out.truncate(before);
        }
        result
    }

    /// The ids of a text.
    pub fn encode(
        &self,
        text: &[u8],
        options: &EncodeOptions<'_>,
    ) -> Result<Vec<u32>, EncodeError> {
        let mut ids = Vec::new();
        self.encode_into(text, options, &mut ids)?;
        Ok(ids)
    }

    /// How many ids a text has.
    pub fn count(&self, text: &[u8], options: &EncodeOptions<'_>) -> Result<usize, EncodeError> {
        let mut count = 0;
        self.workspaces.with(
            || Workspace::new(self.cache_bytes),
            |workspace| self.run(text, options, workspace, &mut count),
        )?;
        Ok(count)
    }

    /// The ids of many texts, on up to `threads` threads. The first error in
    /// the order of the texts is returned.
    pub fn encode_batch<T: AsRef<[u8]> + Sync>(
        &self,
        texts: &[T],
        options: &EncodeOptions<'_>,
        threads: usize,
    ) -> Result<Ragged, BatchError<EncodeError>> {
        let parts = self.in_chunks(texts, threads, |range, workspace| {
            let chunk = texts.get(range.clone()).unwrap_or(&[]);
            let bytes: usize = chunk.iter().map(|text| text.as_ref().len()).sum();
            let mut ragged = Ragged::with_capacity(chunk.len(), bytes / 4 + 4);
            for (text, index) in chunk.iter().zip(range) {
                ragged
                    .push_with(|ids| self.run(text.as_ref(), options, workspace, ids))
                    .map_err(|error| BatchError { index, error })?;
            }
            Ok(ragged)
        });
        let mut parts = parts.into_iter();
        let mut all = parts.next().unwrap_or_else(|| Ok(Ragged::default()))?;
        for part in parts {
            all.append(&part?);
        }
        Ok(all)
    }

    /// How many ids each of many texts has.
    pub fn count_batch<T: AsRef<[u8]> + Sync>(
        &self,
        texts: &[T],
        options: &EncodeOptions<'_>,
        threads: usize,
    ) -> Result<Vec<i64>, BatchError<EncodeError>> {
        let parts = self.in_chunks(texts, threads, |range, workspace| {
            let chunk = texts.get(range.clone()).unwrap_or(&[]);
            let mut counts = Vec::with_capacity(chunk.len());
            for (text, index) in chunk.iter().zip(range) {
                let mut count = 0;
                self.run(text.as_ref(), options, workspace, &mut count)
                    .map_err(|error| BatchError { index, error })?;
                counts.push(offset(count));
            }
            Ok(counts)
        });
        let mut counts = Vec::with_capacity(texts.len());
        for part in parts {
            counts.extend(part?);
        }
        Ok(counts)
    }

    fn in_chunks<T: AsRef<[u8]> + Sync, R: Send>(
        &self,
        texts: &[T],
        threads: usize,
        work: impl Fn(Range<usize>, &mut Workspace) -> R + Sync,
    ) -> Vec<R> {
        let weight = |index: usize| texts.get(index).map_or(0, |text| text.as_ref().len() + 64);
        in_chunks(texts.len(), weight, threads, |range| {
            self.workspaces
                .with(|| Workspace::new(self.cache_bytes), |workspace| work(range, workspace))
        })
    }

    /// The ids of a text and where each comes from, in byte offsets.
    ///
    /// Where a normalizer changed the text, a token's range is the range of
    /// source bytes that its own bytes were made from.
    pub fn encode_with_offsets(
        &self,
        text: &[u8],
        options: &EncodeOptions<'_>,
    ) -> Result<Vec<Located>, EncodeError> {
        self.added.check(text, &options.allowed, &options.disallowed)?;
        let mut located = Vec::new();
        if options.add_special_tokens {
            located.extend(self.before.iter().map(|&id| Located { id, start: 0, end: 0 }));
        }
        let mut scratch = Scratch::default();
        self.added.segments_aligned(text, &options.allowed, &self.rewriter, |segment| {
            match segment {
                Segment::Token { id, range } => {
                    located.push(Located { id, start: range.start, end: range.end });
                }
                Segment::Text { range, text, alignment, .. } => {
                    let source = |start: usize, end: usize| match &alignment {
                        Some(alignment) => alignment.range(start..end),
                        None => range.start + start..range.start + end,
                    };
                    self.pieces(&text, |start, piece| {
                        let mut from = start;
                        self.bpe.encode_with_lengths(piece, &mut scratch, |id, len| {
                            let Range { start, end } = source(from, from + len);
                            located.push(Located { id, start, end });
                            from += len;
                        });
                    })?;
                }
            }
            Ok(())
        })?;
        if options.add_special_tokens {
            let end = text.len();
            located.extend(self.after.iter().map(|&id| Located { id, start: end, end }));
        }
        Ok(located)
    }

    /// The pre-tokens of a text, after normalization; added tokens that are
    /// not special are pieces of their own.
    pub fn pretokenize(&self, text: &[u8]) -> Result<Vec<Vec<u8>>, EncodeError> {
        let mut pieces = Vec::new();
        self.added.segments(text, &Specials::These(&[]), &self.rewriter, |segment| {
            match segment {
                Segment::Token { range, .. } => {
                    pieces.push(text.get(range).unwrap_or(&[]).to_vec());
                }
                Segment::Text { text, .. } => {
                    self.pieces(&text, |_, piece| pieces.push(piece.to_vec()))?;
                }
            }
            Ok(())
        })?;
        Ok(pieces)
    }

    /// Calls `each` with the start and the bytes of every pre-token.
    fn pieces(&self, text: &[u8], mut each: impl FnMut(usize, &[u8])) -> Result<(), EncodeError> {
        let mut cursor = self.splitter.cursor(text);
        let mut ends = [0; BLOCK];
        let mut start = 0;
        loop {
            let count = cursor.fill(&mut ends)?;
            if count == 0 {
                return Ok(());
            }
            for &end in ends.get(..count).unwrap_or(&[]) {
                each(start, text.get(start..end).unwrap_or(&[]));
                start = end;
            }
        }
    }

    /// The pipeline itself.
    fn run<S: Sink>(
        &self,
        text: &[u8],
        options: &EncodeOptions<'_>,
        workspace: &mut Workspace,
        sink: &mut S,
    ) -> Result<(), EncodeError> {
        self.added.check(text, &options.allowed, &options.disallowed)?;
        if options.add_special_tokens {
            sink.take(&self.before);
        }
        self.added.segments(text, &options.allowed, &self.rewriter, |segment| match segment {
            Segment::Token { id, .. } => {
                sink.take(&[id]);
                Ok(())
            }
            Segment::Text { text, .. } => {
                self.bpe.encode_pieces(&text, &mut self.splitter.cursor(&text), workspace, sink)
            }
        })?;
        if options.add_special_tokens {
            sink.take(&self.after);
        }
        Ok(())
    }

    /// The bytes that ids stand for.
    pub fn decode_bytes(&self, ids: &[u32]) -> Result<Vec<u8>, DecodeError> {
        self.decoder.decode_bytes(ids)
    }

    /// The bytes of one token.
    pub fn token_bytes(&self, id: TokenId) -> Result<&[u8], DecodeError> {
        self.vocabulary.bytes(id).ok_or_else(|| self.unknown(id, 0))
    }

    fn unknown(&self, id: TokenId, position: usize) -> DecodeError {
        let rows = self.vocabulary.rows();
        let why = if id.index() < rows {
            "the vocabulary has a hole there".to_owned()
        } else {
            format!("ids go up to {}", rows.saturating_sub(1))
        };
        DecodeError::UnknownId { id: id.0, position, why }
    }
}

/// The ids that the template puts before and after a single sequence.
fn around(spec: &Spec) -> (Vec<u32>, Vec<u32>) {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    let mut side = &mut before;
    for piece in spec.template.iter().flat_map(|template| &template.single) {
        match piece {
            TemplatePiece::A(_) => side = &mut after,
            TemplatePiece::B(_) => {}
            TemplatePiece::Special { tokens, .. } => side.extend(tokens.iter().map(|(id, _)| *id)),
        }
    }
    (before, after)
}

/// The spec's pre-tokenizer; for a SentencePiece-style model without one,
/// cuts where no merge can reach across.
fn splitter(spec: &Spec) -> Result<Splitter, LoadError> {
    let characters = matches!(spec.model.alphabet, Alphabet::Characters { .. });
    let cuts = spec.pre_tokenizers.iter().any(|step| {
        !matches!(step, PreTokenizer::PrefixSpace | PreTokenizer::Metaspace { split: false, .. })
    });
    if characters && !cuts && words_are_apart(spec) {
        return Ok(Splitter::mark_runs('\u{2581}'));
    }
    Splitter::new(&spec.pre_tokenizers)
}

/// Whether no token has `▁` after another character: then no merge crosses
/// from a word into the mark in front of the next, and cutting there changes
/// no id. (With `ignore_merges` the text as a whole is looked up first, so a
/// cut could hide a token; but such a token would have `▁` inside.)
fn words_are_apart(spec: &Spec) -> bool {
    let mark = "\u{2581}".as_bytes();
    spec.model.tokens.iter().all(|token| {
        let rest = trim_marks(&token.bytes, mark);
        !rest.windows(mark.len()).any(|window| window == mark)
    })
}

fn trim_marks<'b>(mut bytes: &'b [u8], mark: &[u8]) -> &'b [u8] {
    while let Some(rest) = bytes.strip_prefix(mark) {
        bytes = rest;
    }
    bytes
}
