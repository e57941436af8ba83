//! Text to text, with alignments back to the source.

use std::borrow::Cow;

use crate::error::LoadError;
use crate::spec::Spec;

/// The compiled text-to-text part of a [`Spec`]: its normalizers, then the
/// rewriting part of its pre-tokenizers (`PrefixSpace`, `Metaspace`).
#[derive(Debug)]
pub struct Rewriter {}

/// For every byte of a rewritten text, the byte range of the source it came
/// from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// `(start, end)` in the source for every byte of the output.
    pub sources: Vec<(usize, usize)>,
}

impl Rewriter {
    /// Compiles the steps.
    pub fn new(_spec: &Spec) -> Result<Rewriter, LoadError> {
        Ok(Rewriter {})
    }

    /// Whether [`Rewriter::apply`] returns every text unchanged.
    pub fn is_identity(&self) -> bool {
        true
    }

    /// Rewrites one segment between added tokens; `first` says whether it
    /// starts the text. Bytes that are not valid UTF-8 pass unchanged.
    pub fn apply<'t>(&self, segment: &'t [u8], first: bool) -> Cow<'t, [u8]> {
        let _ = first;
        Cow::Borrowed(segment)
    }
}
