//! Text to text, with alignments back to the source.
//!
//! A [`Rewriter`] runs the normalizers of a [`Spec`], then what its
//! pre-tokenizers rewrite. Between the two come added tokens that are matched
//! in normalized text (see [`special`](crate::special)), so the stages can
//! also be had apart.
//!
//! Every step takes time linear in its input and output. A replacement can
//! make a text longer by its own length a match, and a chain of replacements
//! that feed each other can make it grow exponentially in the number of steps:
//! [`Rewriter::new`] bounds the growth and refuses a chain that could make a
//! text more than 1024 times longer.

mod edit;
mod replace;
mod unicode;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;

use memchr::memmem::Finder;
use regex_automata::dfa::regex::Regex;

use self::edit::{Edits, chain};
use self::unicode::Form;
use crate::error::LoadError;
use crate::spec::{Normalizer, PreTokenizer, PrependScheme, Spec};

/// The factor by which normalizers may make a text longer.
const MOST_GROWTH: usize = 1 << 10;

/// The compiled text-to-text part of a [`Spec`]: its normalizers, then the
/// rewriting part of its pre-tokenizers (`PrefixSpace`, `Metaspace`).
#[derive(Debug)]
pub struct Rewriter {
    steps: Vec<Step>,
    prefix: Option<Prefix>,
}

#[derive(Debug)]
enum Step {
    Form(Form),
    Lowercase,
    Strip { left: bool, right: bool },
    StripAccents,
    Prepend(Vec<u8>),
    Literal { from: Box<Finder<'static>>, to: Vec<u8> },
    Matches { pattern: Box<Regex>, to: Vec<u8> },
}

/// What the first pre-tokenizer rewrites.
#[derive(Debug)]
struct Prefix {
    /// What each space becomes; `None`: spaces stay.
    spaces: Option<Vec<u8>>,
    /// What is put in front of a text that does not start with it.
    mark: Vec<u8>,
    scheme: PrependScheme,
}

/// For every byte of a rewritten text, the byte range of the source it came
/// from: itself if it is a byte of a character that was kept, and otherwise
/// the characters that became the one it is part of. A byte that was put in
/// has an empty range at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alignment {
    /// `(start, end)` in the source for every byte of the output. Starts
    /// never decrease within a text whose marks were in canonical order.
    pub sources: Vec<(usize, usize)>,
}

impl Alignment {
    /// The source bytes that a range of the output came from.
    pub fn range(&self, output: Range<usize>) -> Range<usize> {
        let sources = self.sources.get(output).unwrap_or(&[]);
        let start = sources.iter().map(|(start, _)| *start).min().unwrap_or(0);
        let end = sources.iter().map(|(_, end)| *end).max().unwrap_or(start);
        start..end
    }

    /// The alignment to a source in which this one's starts at `base`.
    pub(crate) fn shifted(mut self, base: usize) -> Alignment {
        for (start, end) in &mut self.sources {
            *start += base;
            *end += base;
        }
        self
    }
}

/// A segment after the normalizers.
#[derive(Debug)]
pub(crate) struct Normalized<'t> {
    pub(crate) text: Cow<'t, [u8]>,
    /// `None`: as the source, or not asked for.
    pub(crate) alignment: Option<Alignment>,
    /// How many bytes at the start count as the start of the source.
    lead: usize,
}

impl Rewriter {
    /// Compiles the steps.
    ///
    /// # Errors
    /// [`LoadError::Unsupported`] for a `PrefixSpace` or `Metaspace` that is
    /// not the first pre-tokenizer, a regular expression that means something
    /// else in Hugging Face's dialect, and replacements that could make a
    /// text explode; [`LoadError::Pattern`] for one that cannot be compiled.
    pub fn new(spec: &Spec) -> Result<Rewriter, LoadError> {
        let mut steps = Vec::new();
        let mut growth = Growth::new();
        for (index, normalizer) in spec.normalizers.iter().enumerate() {
            let place = format!("normalizers[{index}]");
            let step = step(normalizer, &place)?;
            growth.after(&step, &place)?;
            steps.push(step);
        }
        Ok(Rewriter { steps, prefix: prefix(&spec.pre_tokenizers)? })
    }

    /// Whether [`Rewriter::apply`] returns every text unchanged.
    pub fn is_identity(&self) -> bool {
        self.steps.is_empty() && self.prefix.is_none()
    }

    /// Rewrites one segment between added tokens; `first` says whether it
    /// starts the text. Bytes that are not valid UTF-8 pass unchanged. What
    /// no step changes is not copied.
    pub fn apply<'t>(&self, segment: &'t [u8], first: bool) -> Cow<'t, [u8]> {
        self.run(segment, first, false).0
    }

    /// As [`Rewriter::apply`], and where every byte comes from; `None` if the
    /// text is unchanged.
    pub fn apply_aligned<'t>(
        &self,
        segment: &'t [u8],
        first: bool,
    ) -> (Cow<'t, [u8]>, Option<Alignment>) {
        self.run(segment, first, true)
    }

    fn run<'t>(
        &self,
        segment: &'t [u8],
        first: bool,
        aligned: bool,
    ) -> (Cow<'t, [u8]>, Option<Alignment>) {
        let normalized = self.normalize(segment, aligned);
        let first = first && normalized.starts(0);
        self.put_prefix(normalized.text, normalized.alignment, first, aligned)
    }

    /// The normalizers alone.
    pub(crate) fn normalize<'t>(&self, segment: &'t [u8], aligned: bool) -> Normalized<'t> {
        let mut text = Cow::Borrowed(segment);
        let mut sources = None;
        let mut lead = match crate::special::character_at(segment, 0) {
            Some(character) => character.len_utf8(),
            None => segment.len().min(1),
        };
        for step in &self.steps {
            let mut edits = Edits::new(&text, lead, aligned);
            step.run(&mut edits);
            let edited = edits.finish();
            lead = edited.lead;
            if let Some(new) = edited.text {
                text = Cow::Owned(new);
            }
            if let Some(step) = edited.sources {
                sources = Some(chain(sources, step, segment.len()));
            }
        }
        Normalized { text, alignment: sources.map(|sources| Alignment { sources }), lead }
    }

    /// The pre-tokenizers' part, on a piece of normalized text. `first` says
    /// whether its first byte comes from the start of the text.
    pub(crate) fn put_prefix<'t>(
        &self,
        text: Cow<'t, [u8]>,
        alignment: Option<Alignment>,
        first: bool,
        aligned: bool,
    ) -> (Cow<'t, [u8]>, Option<Alignment>) {
        let Some(prefix) = self.prefix.as_ref().filter(|_| !text.is_empty()) else {
            return (text, alignment);
        };
        let mut edits = Edits::new(&text, 0, aligned);
        prefix.run(first, &mut edits);
        let edited = edits.finish();
        let Some(new) = edited.text else { return (text, alignment) };
        let end = text.len();
        let alignment = edited.sources.map(|sources| {
            let before = alignment.map(|alignment| alignment.sources);
            Alignment { sources: chain(before, sources, end) }
        });
        (Cow::Owned(new), alignment)
    }
}

impl Normalized<'_> {
    /// Whether the byte at `position` counts as the start of the source.
    pub(crate) fn starts(&self, position: usize) -> bool {
        position < self.lead
    }
}

impl Step {
    fn run(&self, edits: &mut Edits<'_>) {
        match self {
            Step::Form(form) => unicode::normalize(*form, edits),
            Step::Lowercase => unicode::lowercase(edits),
            Step::Strip { left, right } => strip(*left, *right, edits),
            Step::StripAccents => unicode::strip_accents(edits),
            Step::Prepend(prefix) => {
                if !edits.text().is_empty() {
                    edits.cut(0, 0);
                    edits.put(prefix, (0, 0), Some(0));
                }
            }
            Step::Literal { from, to } => replace::literal(from, to, edits),
            Step::Matches { pattern, to } => replace::matches(pattern, to, edits),
        }
    }
}

/// An upper bound on the length of a text, in bytes for each byte of the
/// source, as it goes through steps that replace.
///
/// A step multiplies what it consumes, and that is source text or what earlier
/// steps put in, as far as it has a byte in common with what the step looks
/// for. Unicode forms and lower-casing do not feed each other: what one of
/// them has taken apart stays so, or is joined again.
pub(crate) struct Growth {
    /// Of the whole text.
    length: usize,
    /// Of what each step so far has put in.
    put: Vec<(usize, Put)>,
}

/// What a step puts in.
enum Put {
    Bytes(Vec<u8>),
    /// Characters of Unicode forms and lower-casing.
    Characters,
}

impl Growth {
    pub(crate) fn new() -> Growth {
        Growth { length: 1, put: Vec::new() }
    }

    /// A step that replaces `from` (`None`: any byte) by `to`.
    pub(crate) fn replace(
        &mut self,
        from: Option<&[u8]>,
        to: &[u8],
        place: &str,
    ) -> Result<(), LoadError> {
        let feeds = |put: &Put| match (from, put) {
            (Some(from), Put::Bytes(bytes)) => bytes.iter().any(|byte| from.contains(byte)),
            _ => true,
        };
        let factor = to.len().div_ceil(from.map_or(1, <[u8]>::len).max(1));
        self.multiply(factor, feeds, Put::Bytes(to.to_vec()), place)
    }

    fn after(&mut self, step: &Step, place: &str) -> Result<(), LoadError> {
        let characters = |put: &Put| matches!(put, Put::Bytes(_));
        let factor = match step {
            Step::Strip { .. } | Step::StripAccents => return Ok(()),
            Step::Prepend(prefix) => {
                self.length = self.length.saturating_add(prefix.len());
                self.put.push((prefix.len(), Put::Bytes(prefix.clone())));
                return self.check(place);
            }
            Step::Literal { from, to } => return self.replace(Some(from.needle()), to, place),
            Step::Matches { to, .. } => return self.replace(None, to, place),
            // The longest decompositions: U+0390 (2 bytes to 6) and U+FDFA
            // (3 bytes to 33); U+0130 in lower case has 3 bytes for 2.
            Step::Form(Form::Nfc | Form::Nfd) => 3,
            Step::Form(Form::Nfkc | Form::Nfkd) => 11,
            Step::Lowercase => 2,
        };
        self.multiply(factor, characters, Put::Characters, place)
    }

    fn multiply(
        &mut self,
        factor: usize,
        feeds: impl Fn(&Put) -> bool,
        put: Put,
        place: &str,
    ) -> Result<(), LoadError> {
        let fed = self.put.iter().filter(|(_, put)| feeds(put)).map(|(length, _)| *length);
        let consumed = fed.fold(1, usize::saturating_add).min(self.length);
        let grown = consumed.saturating_mul(factor.saturating_sub(1));
        self.length = self.length.saturating_add(grown);
        self.put.push((consumed.saturating_mul(factor), put));
        self.check(place)
    }

    fn check(&self, place: &str) -> Result<(), LoadError> {
        if self.length <= MOST_GROWTH {
            return Ok(());
        }
        Err(LoadError::Unsupported {
            place: place.to_owned(),
            what: format!("a chain of steps that can make a text {MOST_GROWTH} times longer"),
            advice: "; replace by shorter strings".to_owned(),
        })
    }
}

impl Prefix {
    fn run(&self, first: bool, edits: &mut Edits<'_>) {
        let text = edits.text();
        let starts =
            text.starts_with(&self.mark) || self.spaces.is_some() && text.first() == Some(&b' ');
        let wanted = match self.scheme {
            PrependScheme::Always => true,
            PrependScheme::First => first,
            PrependScheme::Never => false,
        };
        if wanted && !starts {
            edits.cut(0, 0);
            edits.put(&self.mark, (0, 0), None);
        }
        if let Some(spaces) = &self.spaces {
            for at in memchr::memchr_iter(b' ', text) {
                edits.cut(at, at + 1);
                edits.put(spaces, (at, at + 1), Some(at));
            }
        }
    }
}

/// Removes white space at the ends.
fn strip(left: bool, right: bool, edits: &mut Edits<'_>) {
    let text = edits.text();
    let mut start = 0;
    let mut end = text.len();
    while let Some(space) = crate::special::character_at(text, start).filter(|_| left) {
        if !space.is_whitespace() {
            break;
        }
        start += space.len_utf8();
    }
    while let Some(space) = crate::special::character_before(text, end).filter(|_| right) {
        if !space.is_whitespace() || end <= start {
            break;
        }
        end -= space.len_utf8();
    }
    if start > 0 {
        edits.cut(0, start);
    }
    if end < text.len() {
        edits.cut(end, text.len());
    }
}

fn step(normalizer: &Normalizer, place: &str) -> Result<Step, LoadError> {
    Ok(match normalizer {
        Normalizer::Nfc => Step::Form(Form::Nfc),
        Normalizer::Nfd => Step::Form(Form::Nfd),
        Normalizer::Nfkc => Step::Form(Form::Nfkc),
        Normalizer::Nfkd => Step::Form(Form::Nfkd),
        Normalizer::Lowercase => Step::Lowercase,
        Normalizer::Strip { left, right } => Step::Strip { left: *left, right: *right },
        Normalizer::StripAccents => Step::StripAccents,
        Normalizer::Prepend(prefix) => Step::Prepend(prefix.clone().into_bytes()),
        Normalizer::ReplaceLiteral { from, to } => {
            if from.is_empty() {
                return Err(LoadError::Unsupported {
                    place: place.to_owned(),
                    what: "replacing the empty string".to_owned(),
                    advice: String::new(),
                });
            }
            let from = Box::new(Finder::new(from.as_bytes()).into_owned());
            Step::Literal { from, to: to.clone().into_bytes() }
        }
        Normalizer::ReplaceRegex { pattern, to } => {
            let pattern = Box::new(replace::compile(pattern, place)?);
            Step::Matches { pattern, to: to.clone().into_bytes() }
        }
    })
}

fn prefix(steps: &[PreTokenizer]) -> Result<Option<Prefix>, LoadError> {
    let mut prefix = None;
    for (index, step) in steps.iter().enumerate() {
        let (name, found) = match step {
            PreTokenizer::PrefixSpace => (
                "ByteLevel with add_prefix_space",
                Prefix { spaces: None, mark: b" ".to_vec(), scheme: PrependScheme::Always },
            ),
            PreTokenizer::Metaspace { replacement, prepend, split: _ } => {
                let mark = replacement.to_string().into_bytes();
                ("Metaspace", Prefix { spaces: Some(mark.clone()), mark, scheme: *prepend })
            }
            PreTokenizer::Split { .. } | PreTokenizer::Digits { .. } => continue,
        };
        if index > 0 {
            return Err(LoadError::Unsupported {
                place: format!("pre_tokenizers[{index}]"),
                what: format!("{name} after another pre-tokenizer"),
                advice: "; it can only come first".to_owned(),
            });
        }
        prefix = Some(found);
    }
    Ok(prefix)
}
