//! Text to pre-tokens.

use crate::error::{EncodeError, LoadError};
use crate::spec::PreTokenizer;

/// How many pre-token ends [`Cursor::fill`] hands out at a time.
pub const BLOCK: usize = 128;

/// A compiled sequence of pre-tokenizer steps. It only cuts: the pieces are
/// contiguous and cover the text.
#[derive(Debug)]
pub struct Splitter {}

/// A walk over one text's pre-tokens.
#[derive(Debug)]
pub struct Cursor<'s, 't> {
    _splitter: &'s Splitter,
    text: &'t [u8],
    position: usize,
}

impl Splitter {
    /// Compiles the cutting part of the steps ([`PreTokenizer::PrefixSpace`]
    /// and the rewriting part of [`PreTokenizer::Metaspace`] belong to
    /// [`normalize`](crate::normalize)).
    pub fn new(_steps: &[PreTokenizer]) -> Result<Splitter, LoadError> {
        Ok(Splitter {})
    }

    /// Starts a walk. The text need not be valid UTF-8: a byte that is not
    /// part of a valid character counts as a character that is no letter,
    /// number or white space, like U+FFFD.
    pub fn cursor<'s, 't>(&'s self, text: &'t [u8]) -> Cursor<'s, 't> {
        Cursor { _splitter: self, text, position: 0 }
    }
}

impl Cursor<'_, '_> {
    /// Writes the ends of the next pre-tokens (byte offsets into the text,
    /// strictly ascending) and returns how many; 0 at the end of the text.
    pub fn fill(&mut self, ends: &mut [usize; BLOCK]) -> Result<usize, EncodeError> {
        if self.position == self.text.len() {
            return Ok(0);
        }
        self.position = self.text.len();
        ends[0] = self.position;
        Ok(1)
    }
}
