//! Text to pre-tokens.

mod chain;
mod classes;
mod engine;
mod fallback;
mod family;

mod lower;
mod marks;
mod recognize;
mod scan;
mod syntax;

use crate::error::{EncodeError, LoadError};
use crate::spec::PreTokenizer;
use chain::{Chain, Walk};
use classes::Text;
pub use family::Family;

/// How many pre-token ends [`Cursor::fill`] hands out at a time.
pub const BLOCK: usize = 128;

/// A compiled sequence of pre-tokenizer steps. It only cuts: the pieces are
/// contiguous and cover the text.
#[derive(Debug)]
pub struct Splitter {
    plan: Plan,
}

#[derive(Debug)]
enum Plan {
    /// The text is one piece.
    Whole,
    /// A hand-written scanner.
    Family(Family),
    /// Cut in front of each run of this character.
    MarkRuns(String),
    /// Anything else.
    Chain(Chain),
}

/// A walk over one text's pre-tokens.
#[derive(Debug)]
pub struct Cursor<'s, 't> {
    splitter: &'s Splitter,
    text: &'t [u8],
    position: usize,
    walk: Option<Walk<'t>>,
}

impl Splitter {
    /// Compiles the cutting part of the steps ([`PreTokenizer::PrefixSpace`]
    /// and the rewriting part of [`PreTokenizer::Metaspace`] belong to
    /// [`normalize`](crate::normalize)).
    pub fn new(steps: &[PreTokenizer]) -> Result<Splitter, LoadError> {
        let cutting: Vec<&PreTokenizer> = steps.iter().filter(|step| cuts(step)).collect();
        let plan = if cutting.is_empty() {
            Plan::Whole
        } else if let Some(family) = recognize::family(&cutting) {
            classes::table();
            Plan::Family(family)
        } else {
            Plan::Chain(Chain::new(&cutting)?)
        };
        Ok(Splitter { plan })
    }

    /// Cuts in front of each run of `mark`: `▁▁a▁b` becomes `▁▁a`, `▁b`. No
    /// pre-tokenizer is like this; it cuts the text of SentencePiece-style
    /// models where no merge can reach across.
    pub fn mark_runs(mark: char) -> Splitter {
        Splitter { plan: Plan::MarkRuns(mark.to_string()) }
    }

    /// The family whose scanner does the cutting, if one does.
    pub fn family(&self) -> Option<Family> {
        match self.plan {
            Plan::Family(family) => Some(family),
            _ => None,
        }
    }

    /// Whether no text makes it take more than linear time: no step needs the
    /// backtracking engine. (A pattern that looks at the same text over and
    /// over still ends in [`EncodeError::PatternLimit`].)
    pub fn is_linear(&self) -> bool {
        match &self.plan {
            Plan::Whole | Plan::Family(_) | Plan::MarkRuns(_) => true,
            Plan::Chain(chain) => chain.is_linear(),
        }
    }

    /// Starts a walk. The text need not be valid UTF-8: a byte that is not
    /// part of a valid character is cut as U+FFFD would be.
    pub fn cursor<'s, 't>(&'s self, text: &'t [u8]) -> Cursor<'s, 't> {
        let walk = match &self.plan {
            Plan::Chain(chain) => Some(chain.walk(text)),
            _ => None,
        };
        Cursor { splitter: self, text, position: 0, walk }
    }
}

/// Whether a step cuts anything.
fn cuts(step: &PreTokenizer) -> bool {
    !matches!(step, PreTokenizer::PrefixSpace | PreTokenizer::Metaspace { split: false, .. })
}

impl Cursor<'_, '_> {
    /// Writes the ends of the next pre-tokens (byte offsets into the text,
    /// strictly ascending) and returns how many; 0 at the end of the text.
    pub fn fill(&mut self, ends: &mut [usize; BLOCK]) -> Result<usize, EncodeError> {
        match &self.splitter.plan {
            Plan::Family(family) => {
                Ok(family.fill(&Text::new(self.text), &mut self.position, ends))
            }
            Plan::MarkRuns(mark) => {
                Ok(marks::fill(self.text, mark.as_bytes(), &mut self.position, ends))
            }
            Plan::Chain(chain) => match &mut self.walk {
                Some(walk) => walk.fill(chain, ends),
                None => Ok(0),
            },
            Plan::Whole => {
                if self.position == self.text.len() {
                    return Ok(0);
                }
                self.position = self.text.len();
                ends[0] = self.position;
                Ok(1)
            }
        }
    }
}

impl Drop for Cursor<'_, '_> {
    fn drop(&mut self) {
        if let (Plan::Chain(chain), Some(walk)) = (&self.splitter.plan, &mut self.walk) {
            chain.finish(walk);
        }
    }
}

#[cfg(test)]
mod tests;
