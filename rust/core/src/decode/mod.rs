//! Ids to bytes and text, whole or as they come.
//!
//! Two readings of the same ids:
//!
//! - [`Decoder::decode_bytes`] gives the bytes that were encoded. For a
//!   byte-level vocabulary that is the tokens' bytes, joined. For a
//!   SentencePiece-style one the decoder steps of the file are applied, but
//!   a `<0xNN>` token gives its byte whatever stands beside it, so that any
//!   byte string comes back: decoding what was encoded from `x` gives `x`,
//!   except that a literal `▁` in `x` comes back as a space, which the model
//!   cannot tell apart. The space that the normalizer puts in front is taken
//!   off again by the steps (`Strip`, `Metaspace`).
//! - [`Decoder::decode_lossy`] gives the text that Hugging Face tokenizers'
//!   `decode(ids, skip_special_tokens=False)` gives. It differs where bytes
//!   are no UTF-8: a byte-level vocabulary has U+FFFD for each maximal
//!   invalid part (as Python's `bytes.decode("utf-8", "replace")`), while
//!   `ByteFallback` turns a run of byte tokens that is not wholly valid into
//!   one U+FFFD a token.
//!
//! Added tokens give their text in both. Hugging Face's `ByteLevel` decoder
//! reads an added token such as `café` as if it were spelled in its byte
//! alphabet, and so loses the accent; that is not repeated. Ids that are no
//! token are an error here; Hugging Face tokenizers leaves them out.

mod positions;
mod steps;
mod stream;

#[cfg(test)]
mod tests;

use std::borrow::Cow;

use rustc_hash::FxHashMap;

pub use self::positions::character_ranges;
use self::steps::{Piece, Plan};
pub use self::stream::StreamDecoder;
use crate::error::{DecodeError, LoadError};
use crate::ids::{TokenId, narrow, widen};
use crate::spec::{self, Alphabet, Spec};
use crate::vocab::Vocabulary;

/// Where a decoder finds the bytes of tokens.
pub trait TokenBytes {
    /// One more than the largest id.
    fn rows(&self) -> usize;

    /// The bytes of a token; `None` for an id that is none.
    fn token_bytes(&self, id: u32) -> Option<&[u8]>;
}

impl TokenBytes for Vocabulary {
    fn rows(&self) -> usize {
        Vocabulary::rows(self)
    }

    fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        self.bytes(TokenId(id))
    }
}

/// The decoder steps of a [`Spec`], compiled with its vocabulary.
#[derive(Debug)]
pub struct Decoder {
    surfaces: Surfaces,
    plan: Plan,
    steps: Vec<spec::Decoder>,
    /// Whether a step reads `<0xNN>` tokens.
    byte_fallback: bool,
}

/// What each token contributes, one byte string for each id. For steps that
/// look at more than one token at a time, the bytes of the tokens themselves.
#[derive(Debug, Default)]
struct Surfaces {
    bytes: Vec<u8>,
    /// Where each id's bytes start; the next entry is where they end.
    starts: Vec<u32>,
    kinds: Vec<Kind>,
    /// How many bytes a token loses at its start when it comes first.
    heads: Vec<u8>,
    /// What a token contributes when it comes first, where that is something
    /// else than the rest of its surface.
    firsts: FxHashMap<u32, Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Not a token.
    None,
    Token,
    /// A `<0xNN>` token, whose surface is its byte.
    Byte,
}

/// The memory for surfaces, in bytes for each byte of the vocabulary.
const MOST_SURFACE: usize = 16;

impl Decoder {
    /// Compiles the steps. Surfaces are precomputed: a few bytes for each
    /// token.
    ///
    /// # Errors
    /// [`LoadError::Unsupported`] for steps that could make a text over 1024
    /// times longer, and for replacing the empty string.
    pub fn new(spec: &Spec, tokens: &impl TokenBytes) -> Result<Decoder, LoadError> {
        steps::check(&spec.decoders)?;
        let byte_fallback = spec.decoders.contains(&spec::Decoder::ByteFallback);
        let model_bytes =
            matches!(spec.model.alphabet, Alphabet::Characters { byte_fallback: true, .. });
        // A model with byte tokens and no step that reads them: Hugging Face
        // tokenizers gives their spelling, and the two readings differ.
        let unread = model_bytes && !byte_fallback;
        let mut decoder = Decoder {
            surfaces: Surfaces::default(),
            plan: if unread { Plan::Steps } else { steps::plan(&spec.decoders) },
            steps: spec.decoders.clone(),
            byte_fallback,
        };
        if let Some(surfaces) = decoder.surfaces(tokens, model_bytes) {
            decoder.surfaces = surfaces;
        } else {
            decoder.plan = Plan::Steps;
            decoder.surfaces = decoder.surfaces(tokens, model_bytes).unwrap_or_default();
        }
        Ok(decoder)
    }

    /// The surfaces under the present plan; `None` if they are too large.
    fn surfaces(&self, tokens: &impl TokenBytes, model_bytes: bool) -> Option<Surfaces> {
        let rows = tokens.rows();
        let mut surfaces = Surfaces { starts: vec![0], ..Surfaces::default() };
        let mut room = 1_usize << 20;
        for id in 0..narrow(rows) {
            let Some(token) = tokens.token_bytes(id) else {
                surfaces.push(Kind::None, &[]);
                continue;
            };
            let Plan::Join(join) = &self.plan else {
                let byte =
                    (self.byte_fallback || model_bytes).then(|| steps::byte_of(token)).flatten();
                surfaces.push(if byte.is_some() { Kind::Byte } else { Kind::Token }, token);
                continue;
            };
            let surface = steps::surface(&self.steps, token, false);
            if let Piece::Byte(byte) = surface {
                surfaces.push(Kind::Byte, &[byte]);
                continue;
            }
            let surface = surface.into_bytes();
            if join.first_differs {
                let first = steps::surface(&self.steps, token, true).into_bytes();
                let head = surface.len().saturating_sub(first.len());
                match u8::try_from(head) {
                    Ok(head) if surface.ends_with(&first) => {
                        surfaces.heads.resize(surfaces.kinds.len(), 0);
                        surfaces.heads.push(head);
                    }
                    _ => {
                        surfaces.firsts.insert(id, first);
                    }
                }
            }
            surfaces.push(Kind::Token, &surface);
            room = (room + MOST_SURFACE * token.len()).checked_sub(surface.len())?;
        }
        Some(surfaces)
    }

    /// The bytes that ids stand for.
    ///
    /// # Errors
    /// [`DecodeError::UnknownId`] for the first id that is no token.
    pub fn decode_bytes(&self, ids: &[u32]) -> Result<Vec<u8>, DecodeError> {
        let mut out = Vec::with_capacity(ids.len().saturating_mul(4));
        match &self.plan {
            Plan::Join(join) => {
                self.join(ids, 0, &mut out)?;
                let stripped = steps::leading(&out, join.strip);
                out.drain(..stripped);
            }
            Plan::Steps => out = steps::run(&self.steps, self.pieces(ids, true)?, true),
        }
        Ok(out)
    }

    /// The text of ids, as Hugging Face tokenizers decodes them.
    ///
    /// # Errors
    /// As [`Decoder::decode_bytes`].
    pub fn decode_lossy(&self, ids: &[u32]) -> Result<String, DecodeError> {
        let Plan::Join(join) = &self.plan else {
            return Ok(lossy(steps::run(&self.steps, self.pieces(ids, false)?, false)));
        };
        let bytes = match self.steps.is_empty() {
            true => self.decode_bytes(ids)?,
            false => {
                let mut out = Vec::with_capacity(ids.len().saturating_mul(4));
                let mut run = Vec::new();
                for (position, &id) in ids.iter().enumerate() {
                    let (kind, surface) = self.surface_at(id, position)?;
                    if kind == Kind::Byte {
                        run.extend_from_slice(surface);
                    } else {
                        steps::end_run(&mut run, &mut out);
                        out.extend_from_slice(surface);
                    }
                }
                steps::end_run(&mut run, &mut out);
                let stripped = steps::leading(&out, join.strip);
                out.drain(..stripped);
                out
            }
        };
        Ok(lossy(bytes))
    }

    /// The bytes of [`Decoder::decode_bytes`], and for each token the index of
    /// the character in which it starts, as `tiktoken.Encoding` counts:
    /// characters are the bytes that are no UTF-8 continuation, and a token
    /// that starts with a continuation byte starts in the character before.
    ///
    /// Where the steps look at more than one token at a time, a token's bytes
    /// are those it has when it is decoded alone.
    ///
    /// # Errors
    /// As [`Decoder::decode_bytes`].
    pub fn decode_with_offsets(&self, ids: &[u32]) -> Result<(Vec<u8>, Vec<usize>), DecodeError> {
        let bytes = self.decode_bytes(ids)?;
        let mut offsets = Vec::with_capacity(ids.len());
        let mut characters = 0_usize;
        let mut start = Vec::new();
        let mut stripped = 0;
        for (position, &id) in ids.iter().enumerate() {
            let (_, surface) = self.surface_at(id, position)?;
            let alone;
            let mut surface = surface;
            match &self.plan {
                Plan::Steps => {
                    alone = steps::run(&self.steps, self.pieces(&[id], true)?, true);
                    surface = &alone;
                }
                // The bytes that are taken off at the start of the text may
                // belong to more than one token.
                Plan::Join(join) if join.strip.is_some() && start.len() == stripped => {
                    let before = start.len();
                    start.extend_from_slice(surface);
                    let after = steps::leading(&start, join.strip);
                    surface = surface.get(after.saturating_sub(before)..).unwrap_or(&[]);
                    stripped = after;
                }
                Plan::Join(_) => {}
            }
            let inside = surface.first().is_some_and(|byte| is_continuation(*byte));
            offsets.push(characters.saturating_sub(usize::from(inside)));
            characters += surface.iter().filter(|byte| !is_continuation(**byte)).count();
        }
        Ok((bytes, offsets))
    }

    /// What a token contributes to a text when it does not come first: its
    /// bytes, with the decoder steps applied.
    pub fn surface(&self, id: u32) -> Option<Cow<'_, [u8]>> {
        let (kind, surface) = self.surfaces.get(id)?;
        if kind == Kind::None {
            return None;
        }
        match self.plan {
            Plan::Join(_) => Some(Cow::Borrowed(surface)),
            Plan::Steps => {
                let pieces = self.pieces(&[id], true).ok()?;
                Some(Cow::Owned(steps::run(&self.steps, pieces, true)))
            }
        }
    }

    /// Appends the surfaces of ids; the first of them has `seen` tokens before
    /// it. After an error `out` holds what it held before.
    fn join(&self, ids: &[u32], seen: usize, out: &mut Vec<u8>) -> Result<(), DecodeError> {
        let before = out.len();
        for (position, &id) in ids.iter().enumerate() {
            match self.surface_at(id, seen + position) {
                Ok((_, surface)) => out.extend_from_slice(surface),
                Err(error) => {
                    out.truncate(before);
                    return Err(error);
                }
            }
        }
        Ok(())
    }

    /// The surface of the token at a position.
    #[inline]
    fn surface_at(&self, id: u32, position: usize) -> Result<(Kind, &[u8]), DecodeError> {
        match self.surfaces.get(id) {
            Some((kind, surface)) if kind != Kind::None => {
                if position == 0 {
                    return Ok((kind, self.surfaces.first(id, surface)));
                }
                Ok((kind, surface))
            }
            _ => Err(self.unknown(id, position)),
        }
    }

    /// The tokens as the steps take them. `bytes` asks for byte tokens as
    /// bytes even if no step turns them into bytes.
    fn pieces(&self, ids: &[u32], bytes: bool) -> Result<Vec<Piece>, DecodeError> {
        let piece = |(position, &id): (usize, &u32)| match self.surfaces.get(id) {
            Some((Kind::Byte, token)) if bytes && !self.byte_fallback => {
                let byte = steps::byte_of(token);
                Ok(Piece::Bytes(byte.map_or_else(|| token.to_vec(), |byte| vec![byte])))
            }
            Some((kind, token)) if kind != Kind::None => Ok(Piece::Bytes(token.to_vec())),
            _ => Err(self.unknown(id, position)),
        };
        ids.iter().enumerate().map(piece).collect()
    }

    #[cold]
    fn unknown(&self, id: u32, position: usize) -> DecodeError {
        let rows = self.surfaces.kinds.len();
        let why = if widen(id) < rows {
            "the vocabulary has a hole there".to_owned()
        } else {
            format!("ids go up to {}", rows.saturating_sub(1))
        };
        DecodeError::UnknownId { id, position, why }
    }
}

impl Surfaces {
    fn push(&mut self, kind: Kind, surface: &[u8]) {
        self.kinds.push(kind);
        self.bytes.extend_from_slice(surface);
        self.starts.push(narrow(self.bytes.len()));
    }

    #[inline]
    fn get(&self, id: u32) -> Option<(Kind, &[u8])> {
        let kind = *self.kinds.get(widen(id))?;
        let start = widen(*self.starts.get(widen(id))?);
        let end = widen(*self.starts.get(widen(id) + 1)?);
        Some((kind, self.bytes.get(start..end)?))
    }

    /// The surface of a token that comes first.
    fn first<'s>(&'s self, id: u32, surface: &'s [u8]) -> &'s [u8] {
        if let Some(first) = self.firsts.get(&id) {
            return first;
        }
        let head = self.heads.get(widen(id)).map_or(0, |head| usize::from(*head));
        surface.get(head..).unwrap_or(&[])
    }
}

fn is_continuation(byte: u8) -> bool {
    (0x80..0xC0).contains(&byte)
}

fn lossy(bytes: Vec<u8>) -> String {
    match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    }
}
