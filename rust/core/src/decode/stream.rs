//! Decoding ids as they come.

use super::steps::{Plan, leading};
use super::{Decoder, lossy};
use crate::error::DecodeError;

/// Decodes ids one or many at a time and never gives half a character.
///
/// What it gives, all together, is [`Decoder::decode_bytes`] of all ids read
/// as UTF-8, with U+FFFD for each maximal invalid part, as Python's
/// `bytes.decode("utf-8", "replace")`. It holds back at most the three bytes
/// of an incomplete character, and white space at the start that a later token
/// may still decide about. (For a SentencePiece-style vocabulary this differs
/// from [`Decoder::decode_lossy`] in the number of U+FFFD for a run of byte
/// tokens that is not valid: that number depends on bytes that are yet to
/// come, and waiting for them would hold back valid text, too.)
///
/// The few decoder steps that cannot be carried out token by token (a
/// `Replace` after `Fuse`, say, or byte tokens without `ByteFallback`) make it
/// hold back everything until the end.
///
/// Always used with one and the same decoder.
#[derive(Clone, Debug, Default)]
pub struct StreamDecoder {
    /// How many ids have come.
    seen: usize,
    /// Bytes that have not been given yet.
    pending: Vec<u8>,
    /// The start of the text is decided.
    started: bool,
    /// All ids, where nothing can be given before the end.
    ids: Vec<u32>,
}

impl StreamDecoder {
    /// A decoder at the start of a sequence.
    pub fn new() -> StreamDecoder {
        StreamDecoder::default()
    }

    /// Takes the next ids and gives the text that is complete with them.
    ///
    /// # Errors
    /// [`DecodeError::UnknownId`], with the position in all ids so far; the
    /// ids of this call then count as not given.
    pub fn push(&mut self, decoder: &Decoder, ids: &[u32]) -> Result<String, DecodeError> {
        let Plan::Join(join) = &decoder.plan else {
            for (position, &id) in ids.iter().enumerate() {
                decoder.surface_at(id, self.seen + position)?;
            }
            self.seen += ids.len();
            self.ids.extend_from_slice(ids);
            return Ok(String::new());
        };
        decoder.join(ids, self.seen, &mut self.pending)?;
        self.seen += ids.len();
        if !self.started {
            // The start is decided once something follows what is taken off.
            let (content, most) = join.strip.unwrap_or((' ', 0));
            let stripped = leading(&self.pending, join.strip);
            let full = stripped == most.saturating_mul(content.len_utf8());
            let rest = self.pending.get(stripped..).unwrap_or(&[]);
            let mut buffer = [0; 4];
            let content = content.encode_utf8(&mut buffer).as_bytes();
            if !full && content.starts_with(rest) {
                return Ok(String::new());
            }
            self.pending.drain(..stripped);
            self.started = true;
        }
        let held = incomplete(&self.pending);
        let rest = self.pending.split_off(self.pending.len() - held);
        Ok(lossy(std::mem::replace(&mut self.pending, rest)))
    }

    /// Gives what was held back, and starts over.
    pub fn finish(&mut self, decoder: &Decoder) -> String {
        let last = std::mem::take(self);
        match &decoder.plan {
            // The ids have been looked up when they came.
            Plan::Steps => lossy(decoder.decode_bytes(&last.ids).unwrap_or_default()),
            Plan::Join(join) => {
                let mut pending = last.pending;
                if !last.started {
                    let stripped = leading(&pending, join.strip);
                    pending.drain(..stripped);
                }
                lossy(pending)
            }
        }
    }
}

/// How many bytes at the end are the start of a character that is not
/// complete: at most three.
fn incomplete(bytes: &[u8]) -> usize {
    let longest = bytes.len().min(3);
    let start = (1..=longest).rev().find(|&length| {
        let tail = bytes.get(bytes.len() - length..).unwrap_or(&[]);
        // The tail as a whole is one unfinished character.
        matches!(std::str::from_utf8(tail), Err(error)
            if error.valid_up_to() == 0 && error.error_len().is_none())
    });
    start.unwrap_or(0)
}
