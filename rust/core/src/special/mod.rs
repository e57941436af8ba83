//! Special and added tokens, cut out of the text before anything else.
//!
//! An added token is found as a string. Its [`special`](AddedToken::special)
//! flag says whether that needs the caller's leave: a control token in
//! untrusted text must not become a control token, so special tokens are
//! plain text unless a call allows them. Added tokens that are not special
//! are ordinary vocabulary and are always found, as Hugging Face tokenizers
//! does.
//!
//! # What matches
//!
//! Per call, the tokens that take part are those that are not special and the
//! special ones that the call allows; the others do not exist for it. Among
//! them the leftmost match wins, and of several that start together the
//! longest. (tiktoken tries its special tokens in the order of a hash map, so
//! that where one is a prefix of another its result is unspecified. Hugging
//! Face's own switch `encode_special_tokens` first matches the tokens and then
//! skips them, so that a token that overlaps a skipped one is missed.)
//!
//! Matching has two passes, as in Hugging Face tokenizers: tokens with
//! `normalized: false` are found in the source text; the segments between
//! them are normalized each on its own; and tokens with `normalized: true`,
//! themselves normalized, are found in those. If several of these
//! normalize to one string, the lowest id wins (unspecified in Hugging Face's);
//! one that normalizes to nothing is refused (Hugging Face's finds it between
//! any two characters).
//!
//! - `single_word`: a match with a word character (`\w` of the crate `regex`)
//!   right before or after it is plain text. The matches after it are those
//!   that do not overlap it.
//! - `lstrip`: the token takes the white space before it along, as far as no
//!   token before took it.
//! - `rstrip`: the token takes the white space after it along. A token that
//!   begins with white space can still be found there, and what follows that
//!   token is text again: Hugging Face's rule, which then encodes some white
//!   space twice. Such ranges overlap.

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use aho_corasick::{AhoCorasick, MatchKind};
use rustc_hash::FxHashMap;

use crate::error::{EncodeError, LoadError};
use crate::ids::{narrow, widen};
use crate::normalize::{Alignment, Rewriter};
use crate::spec::AddedToken;

/// How long the texts of all added tokens may be: far under what the automata
/// can number.
const MOST_BYTES: usize = 1 << 26;

/// A choice among the special tokens of a tokenizer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Specials<'a> {
    /// All of them.
    All,
    /// Those with these texts. Added tokens that are not special may be
    /// named, too: allowing them changes nothing, disallowing them makes
    /// their presence an error.
    These(&'a [String]),
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Segment<'t> {
    /// An added token.
    Token {
        /// Its id.
        id: u32,
        /// The source bytes it took, white space included.
        range: Range<usize>,
    },
    /// Text to be pre-tokenized; never empty.
    Text {
        /// The source bytes it comes from.
        range: Range<usize>,
        /// The rewritten text.
        text: Cow<'t, [u8]>,
        /// Whether it starts the text (as `Metaspace` with the scheme `first`
        /// understands it).
        first: bool,
        /// Where in the whole source each byte comes from; `None` if the text
        /// is the source in `range`, and always from
        /// [`AddedTokens::segments`].
        alignment: Option<Alignment>,
    },
}

/// The added tokens of a tokenizer, ready to be matched.
#[derive(Debug)]
pub struct AddedTokens {
    tokens: Vec<Entry>,
    by_content: FxHashMap<String, u32>,
    /// With all special tokens allowed.
    all: Arc<Matchers>,
    /// With none allowed.
    none: Arc<Matchers>,
    /// The special tokens, for the check.
    special: Option<Finder>,
    /// The last choice of some tokens that was asked for. Never waited for, so
    /// that a `fork` while it is locked does no harm.
    allowed: Slot<Matchers>,
    disallowed: Slot<Option<Finder>>,
}

#[derive(Debug)]
struct Entry {
    id: u32,
    content: String,
    /// What is looked for.
    pattern: Vec<u8>,
    special: bool,
    lstrip: bool,
    rstrip: bool,
    single_word: bool,
    normalized: bool,
}

/// Room for what was made for one choice of tokens.
type Slot<T> = Mutex<Option<(Vec<u32>, Arc<T>)>>;

/// The automata for one choice of tokens.
#[derive(Debug, Default)]
struct Matchers {
    source: Option<Finder>,
    normalized: Option<Finder>,
}

/// An automaton for some tokens.
#[derive(Debug)]
struct Finder {
    automaton: AhoCorasick,
    /// The token of each pattern, as an index.
    tokens: Vec<u32>,
}

impl AddedTokens {
    /// Compiles the tokens. The rewriter's normalizers are applied to the
    /// texts of tokens with `normalized: true`.
    ///
    /// # Errors
    /// [`LoadError::Vocabulary`] for an empty text, a text that two ids have,
    /// and so many tokens that no automaton can hold them;
    /// [`LoadError::Unsupported`] for a text of which the normalizers leave
    /// nothing.
    pub fn new(tokens: &[AddedToken], rewriter: &Rewriter) -> Result<AddedTokens, LoadError> {
        let mut entries = Vec::with_capacity(tokens.len());
        let mut by_content = FxHashMap::default();
        for (index, token) in tokens.iter().enumerate() {
            let bad = |problem: String| LoadError::Vocabulary {
                place: format!("added_tokens[{index}]"),
                problem,
            };
            if token.content.is_empty() {
                return Err(bad("the text is empty; give it one or remove the token".to_owned()));
            }
            if by_content.insert(token.content.clone(), narrow(index)).is_some() {
                return Err(bad(format!(
                    "{:?} has been added before; remove one of the two",
                    token.content
                )));
            }
            let content = token.content.as_bytes();
            let pattern = match token.normalized {
                true => rewriter.normalize(content, false).text.into_owned(),
                false => content.to_vec(),
            };
            if pattern.is_empty() {
                return Err(LoadError::Unsupported {
                    place: format!("added_tokens[{index}]"),
                    what: format!("{:?}, of which the normalizer leaves nothing,", token.content),
                    advice: "; set its `normalized` to false".to_owned(),
                });
            }
            entries.push(Entry {
                id: token.id,
                content: token.content.clone(),
                pattern,
                special: token.special,
                lstrip: token.lstrip,
                rstrip: token.rstrip,
                single_word: token.single_word,
                normalized: token.normalized,
            });
        }
        let bytes = entries.iter().map(|token| token.content.len().max(token.pattern.len()));
        if bytes.fold(0, usize::saturating_add) > MOST_BYTES {
            return Err(LoadError::Vocabulary {
                place: "added_tokens".to_owned(),
                problem: format!("their texts have over {MOST_BYTES} bytes; remove some"),
            });
        }
        let everything: Vec<u32> = (0..narrow(entries.len())).collect();
        let special = |index: &&u32| entries.get(widen(**index)).is_some_and(|token| token.special);
        let specials: Vec<u32> = everything.iter().filter(special).copied().collect();
        let plain: Vec<u32> = everything.iter().filter(|i| !special(i)).copied().collect();
        let all = Arc::new(Matchers::new(&entries, &everything)?);
        let none = Arc::new(Matchers::new(&entries, &plain)?);
        let special = Finder::new(&entries, &specials, |token| token.content.as_bytes())?;
        Ok(AddedTokens {
            tokens: entries,
            by_content,
            all,
            none,
            special,
            allowed: Mutex::default(),
            disallowed: Mutex::default(),
        })
    }

    /// Checks that the text has none of the disallowed tokens, as a string in
    /// the source, wherever it stands.
    ///
    /// [`Specials::All`] disallows the special tokens that are not allowed;
    /// named ones are disallowed even if they are allowed, too. Linear in the
    /// text.
    ///
    /// # Errors
    /// [`EncodeError::DisallowedSpecial`] for the leftmost one, and the longest
    /// there; [`EncodeError::UnknownSpecial`] for a name that is none.
    pub fn check(
        &self,
        text: &[u8],
        allowed: &Specials<'_>,
        disallowed: &Specials<'_>,
    ) -> Result<(), EncodeError> {
        let found = match (disallowed, allowed) {
            (Specials::These([]), Specials::All) | (Specials::All, Specials::All) => None,
            (Specials::These([]), Specials::These(names)) => {
                self.named(names)?;
                None
            }
            (Specials::All, Specials::These([])) => self.first(self.special.as_ref(), text),
            (Specials::All, Specials::These(names)) => {
                let allowed = self.named(names)?;
                // Most texts have no special token at all.
                let Some(found) = self.first(self.special.as_ref(), text) else { return Ok(()) };
                if allowed.binary_search(&found.1).is_err() {
                    Some(found)
                } else {
                    let special = |index: &u32| {
                        let token = self.tokens.get(widen(*index));
                        token.is_some_and(|token| token.special)
                            && allowed.binary_search(index).is_err()
                    };
                    let rest = (0..narrow(self.tokens.len())).filter(special).collect();
                    self.first_of(rest, text)?
                }
            }
            (Specials::These(names), _) => {
                if let Specials::These(allowed) = allowed {
                    self.named(allowed)?;
                }
                self.first_of(self.named(names)?, text)?
            }
        };
        match found.and_then(|(offset, index)| Some((offset, self.tokens.get(widen(index))?))) {
            None => Ok(()),
            Some((offset, token)) => {
                Err(EncodeError::DisallowedSpecial { token: token.content.clone(), offset })
            }
        }
    }

    /// Cuts a text into added tokens and rewritten text, in order. Where no
    /// token can match, this costs no more than the rewriting.
    ///
    /// # Errors
    /// [`EncodeError::UnknownSpecial`], and whatever `sink` returns.
    pub fn segments<'t>(
        &self,
        text: &'t [u8],
        allowed: &Specials<'_>,
        rewriter: &Rewriter,
        sink: impl FnMut(Segment<'t>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.cut(text, allowed, rewriter, false, sink)
    }

    /// As [`AddedTokens::segments`], with the alignments of rewritten text.
    ///
    /// # Errors
    /// As there.
    pub fn segments_aligned<'t>(
        &self,
        text: &'t [u8],
        allowed: &Specials<'_>,
        rewriter: &Rewriter,
        sink: impl FnMut(Segment<'t>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        self.cut(text, allowed, rewriter, true, sink)
    }

    fn cut<'t>(
        &self,
        text: &'t [u8],
        allowed: &Specials<'_>,
        rewriter: &Rewriter,
        aligned: bool,
        mut sink: impl FnMut(Segment<'t>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let chosen;
        let matchers = match allowed {
            Specials::All => &*self.all,
            Specials::These([]) => &*self.none,
            Specials::These(names) => {
                chosen = self.allowing(names)?;
                &*chosen
            }
        };
        let Some(finder) = &matchers.source else {
            return self.rewrite(text, 0..text.len(), matchers, rewriter, aligned, &mut sink);
        };
        self.find(finder, text, |range, token| match token {
            Some(token) => sink(Segment::Token { id: token.id, range }),
            None => self.rewrite(text, range, matchers, rewriter, aligned, &mut sink),
        })
    }

    /// Normalizes a segment, finds the tokens that are matched in normalized
    /// text, and lets the pre-tokenizer rewrite what lies between them.
    fn rewrite<'t>(
        &self,
        source: &'t [u8],
        range: Range<usize>,
        matchers: &Matchers,
        rewriter: &Rewriter,
        aligned: bool,
        sink: &mut impl FnMut(Segment<'t>) -> Result<(), EncodeError>,
    ) -> Result<(), EncodeError> {
        let segment = source.get(range.clone()).unwrap_or(&[]);
        if segment.is_empty() {
            return Ok(());
        }
        let start = range.start;
        let rewritten = |range, text, alignment, base, first| {
            let (text, alignment) = rewriter.put_prefix(text, alignment, first, aligned);
            let alignment = alignment.map(|alignment: Alignment| alignment.shifted(base));
            Segment::Text { range, text, first, alignment }
        };
        let normalized = rewriter.normalize(segment, aligned);
        let found = matchers.normalized.as_ref().filter(|finder| {
            let text: &[u8] = &normalized.text;
            finder.automaton.is_match(text)
        });
        let Some(finder) = found else {
            let first = start == 0 && normalized.starts(0);
            if normalized.text.is_empty() {
                return Ok(());
            }
            return sink(rewritten(range, normalized.text, normalized.alignment, start, first));
        };
        // The ranges of the tokens need the alignment in any case.
        let normalized = if aligned { normalized } else { rewriter.normalize(segment, true) };
        let place = |piece: &Range<usize>| match &normalized.alignment {
            None => start + piece.start..start + piece.end,
            Some(alignment) => {
                let sources = alignment.sources.get(piece.clone()).unwrap_or(&[]);
                let from = sources.iter().map(|source| source.0).min().unwrap_or(0);
                let to = sources.iter().map(|source| source.1).max().unwrap_or(from);
                start + from..start + to
            }
        };
        self.find(finder, &normalized.text, |piece, token| {
            let range = place(&piece);
            if let Some(token) = token {
                return sink(Segment::Token { id: token.id, range });
            }
            let text = match &normalized.text {
                Cow::Borrowed(text) => Cow::Borrowed(text.get(piece.clone()).unwrap_or(&[])),
                Cow::Owned(text) => Cow::Owned(text.get(piece.clone()).unwrap_or(&[]).to_vec()),
            };
            let first = start == 0 && normalized.starts(piece.start);
            sink(match &normalized.alignment {
                None => {
                    let base = range.start;
                    rewritten(range, text, None, base, first)
                }
                Some(alignment) => {
                    let sources = alignment.sources.get(piece).filter(|_| aligned);
                    let alignment = sources.map(|sources| Alignment { sources: sources.to_vec() });
                    rewritten(range, text, alignment, start, first)
                }
            })
        })
    }

    /// Hugging Face's walk over the matches of one automaton: hands out tokens
    /// and the text between them in order, and nothing that is empty but a
    /// token that another one left no room.
    fn find<E>(
        &self,
        finder: &Finder,
        text: &[u8],
        mut sink: impl FnMut(Range<usize>, Option<&Entry>) -> Result<(), E>,
    ) -> Result<(), E> {
        // Where the last token, its white space included, ended.
        let mut done = 0;
        // White space is measured once: it reaches to the second from any
        // place between the two.
        let mut spaces = 0..0;
        for found in finder.automaton.find_iter(text) {
            let (mut start, mut end) = (found.start(), found.end());
            let token = finder.tokens.get(found.pattern().as_usize());
            let Some(token) = token.and_then(|index| self.tokens.get(widen(*index))) else {
                continue;
            };
            if token.single_word
                && (character_before(text, start).is_some_and(is_word)
                    || character_at(text, end).is_some_and(is_word))
            {
                continue;
            }
            if token.lstrip {
                while let Some(space) = character_before(text, start).filter(|_| start > done) {
                    if !space.is_whitespace() {
                        break;
                    }
                    start -= space.len_utf8();
                }
                start = start.max(done).min(end);
            }
            if token.rstrip {
                if !(spaces.start..=spaces.end).contains(&end) {
                    let mut stop = end;
                    while let Some(space) = character_at(text, stop) {
                        if !space.is_whitespace() {
                            break;
                        }
                        stop += space.len_utf8();
                    }
                    spaces = end..stop;
                }
                end = spaces.end;
            }
            if done < start {
                sink(done..start, None)?;
            }
            sink(start..end, Some(token))?;
            done = end;
        }
        if done != text.len() {
            sink(done..text.len(), None)?;
        }
        Ok(())
    }

    /// The leftmost match and its token.
    fn first(&self, finder: Option<&Finder>, text: &[u8]) -> Option<(usize, u32)> {
        let finder = finder?;
        let found = finder.automaton.find(text)?;
        Some((found.start(), *finder.tokens.get(found.pattern().as_usize())?))
    }

    /// The leftmost occurrence of one of these tokens' texts.
    fn first_of(&self, tokens: Vec<u32>, text: &[u8]) -> Result<Option<(usize, u32)>, EncodeError> {
        let finder = kept(&self.disallowed, tokens, |tokens| {
            // `new` has bounded the texts so that no automaton can fail.
            Finder::new(&self.tokens, tokens, |token| token.content.as_bytes()).unwrap_or_default()
        });
        Ok(self.first((*finder).as_ref(), text))
    }

    /// The automata that recognise these special tokens and all tokens that
    /// are not special.
    fn allowing(&self, names: &[String]) -> Result<Arc<Matchers>, EncodeError> {
        let mut tokens = self.named(names)?;
        let is_special =
            |index: u32| self.tokens.get(widen(index)).is_some_and(|token| token.special);
        tokens.retain(|&index| is_special(index));
        if tokens.is_empty() {
            return Ok(self.none.clone());
        }
        let plain = (0..narrow(self.tokens.len())).filter(|&index| !is_special(index));
        tokens.extend(plain);
        Ok(kept(&self.allowed, tokens, |tokens| {
            // `new` has built an automaton for more tokens than these.
            Matchers::new(&self.tokens, tokens).unwrap_or_default()
        }))
    }

    /// The indices of named tokens, ascending.
    fn named(&self, names: &[String]) -> Result<Vec<u32>, EncodeError> {
        let index = |name: &String| {
            self.by_content.get(name).copied().ok_or_else(|| EncodeError::UnknownSpecial {
                token: name.clone(),
                known: self.known(),
            })
        };
        let mut indices = names.iter().map(index).collect::<Result<Vec<u32>, _>>()?;
        indices.sort_unstable();
        indices.dedup();
        Ok(indices)
    }

    /// The special tokens for a message.
    fn known(&self) -> String {
        const SHOWN: usize = 20;
        let special = || self.tokens.iter().filter(|token| token.special);
        let shown: Vec<String> =
            special().take(SHOWN).map(|token| format!("{:?}", token.content)).collect();
        let count = special().count();
        match count {
            0 => "none".to_owned(),
            _ if count > SHOWN => format!("{} and {} more", shown.join(", "), count - SHOWN),
            _ => shown.join(", "),
        }
    }
}

impl Matchers {
    fn new(tokens: &[Entry], chosen: &[u32]) -> Result<Matchers, LoadError> {
        let with = |normalized: bool| {
            let of = |index: &&u32| {
                tokens.get(widen(**index)).is_some_and(|token| token.normalized == normalized)
            };
            let chosen: Vec<u32> = chosen.iter().filter(of).copied().collect();
            Finder::new(tokens, &chosen, |token| &token.pattern)
        };
        Ok(Matchers { source: with(false)?, normalized: with(true)? })
    }
}

impl Finder {
    /// An automaton for the chosen tokens; `None` if none has a pattern.
    fn new(
        tokens: &[Entry],
        chosen: &[u32],
        pattern: impl Fn(&Entry) -> &[u8],
    ) -> Result<Option<Finder>, LoadError> {
        let mut patterns: Vec<(&[u8], u32, u32)> = chosen
            .iter()
            .filter_map(|&index| tokens.get(widen(index)).map(|token| (index, token)))
            .map(|(index, token)| (pattern(token), token.id, index))
            .filter(|(pattern, ..)| !pattern.is_empty())
            .collect();
        patterns.sort_unstable();
        patterns.dedup_by_key(|(pattern, ..)| *pattern);
        if patterns.is_empty() {
            return Ok(None);
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(patterns.iter().map(|(pattern, ..)| pattern))
            .map_err(|error| LoadError::Vocabulary {
                place: "added_tokens".to_owned(),
                problem: format!("too many to be searched for ({error}); remove some"),
            })?;
        let tokens = patterns.into_iter().map(|(.., index)| index).collect();
        Ok(Some(Finder { automaton, tokens }))
    }
}

/// What `make` makes of these tokens, from the slot if it is there.
fn kept<T>(slot: &Slot<T>, tokens: Vec<u32>, make: impl FnOnce(&[u32]) -> T) -> Arc<T> {
    if let Ok(slot) = slot.try_lock()
        && let Some((_, made)) = slot.as_ref().filter(|(of, _)| *of == tokens)
    {
        return made.clone();
    }
    let made = Arc::new(make(&tokens));
    if let Ok(mut slot) = slot.try_lock() {
        *slot = Some((tokens, made.clone()));
    }
    made
}

/// The valid character that starts at `at`.
pub(crate) fn character_at(text: &[u8], at: usize) -> Option<char> {
    let first = *text.get(at)?;
    if first.is_ascii() {
        return Some(char::from(first));
    }
    let length = match first {
        0xC2..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF4 => 4,
        _ => return None,
    };
    std::str::from_utf8(text.get(at..at.checked_add(length)?)?).ok()?.chars().next()
}

/// The valid character that ends at `end`.
pub(crate) fn character_before(text: &[u8], end: usize) -> Option<char> {
    (1..=4.min(end)).find_map(|length| {
        let character = character_at(text, end - length)?;
        (character.len_utf8() == length).then_some(character)
    })
}

/// `\w` of the crate `regex`, which Hugging Face tokenizers uses here.
fn is_word(character: char) -> bool {
    regex_syntax::try_is_word_character(character).unwrap_or(false)
}
