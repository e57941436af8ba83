//! Any sequence of steps: each cuts the pieces of the one before and sees
//! nothing of the text around them.

use std::borrow::Cow;

use memchr::memmem;

use super::classes::{DIGITS, Text, within};
use super::engine::{Caches, Engine};
use super::fallback::{Fallback, Patience};
use super::family::Family;
use super::syntax::{self, Refusal};
use super::{BLOCK, lower, recognize};
use crate::error::{EncodeError, LoadError};
use crate::spec::{Dialect, Pattern, PreTokenizer, SplitBehavior};

/// The most steps in a sequence; real files have up to five.
const MAX_STEPS: usize = 32;

/// A compiled sequence of steps.
#[derive(Debug)]
pub(super) struct Chain(Vec<Step>);

#[derive(Debug)]
enum Step {
    /// A hand-written scanner.
    Family(Family),
    /// Matches and what lies between them.
    Matches { finder: Finder, behavior: SplitBehavior, invert: bool },
}

#[derive(Debug)]
enum Finder {
    Engine(Box<Engine>),
    Fallback(Box<Fallback>),
    Literal(Box<memmem::Finder<'static>>),
    Number,
}

impl Chain {
    /// Compiles steps that cut.
    pub(super) fn new(steps: &[&PreTokenizer]) -> Result<Chain, LoadError> {
        if steps.len() > MAX_STEPS {
            return Err(LoadError::Unsupported {
                place: PLACE.to_owned(),
                what: format!("a sequence of {} steps", steps.len()),
                advice: format!("; at most {MAX_STEPS} are"),
            });
        }
        steps.iter().map(|step| compile(step)).collect::<Result<_, _>>().map(Chain)
    }

    /// Whether no step needs the backtracking engine.
    pub(super) fn is_linear(&self) -> bool {
        let backtracks =
            |step: &Step| matches!(step, Step::Matches { finder: Finder::Fallback(_), .. });
        !self.0.iter().any(backtracks)
    }

    /// Starts a walk over a text.
    pub(super) fn walk<'t>(&self, text: &'t [u8]) -> Walk<'t> {
        let (text, replaced) = lossy(text);
        let mut levels: Vec<Level> = self.0.iter().map(|_| Level::new()).collect();
        let length = text.len();
        if let Some(first) = levels.first_mut() {
            first.enter(0, length);
        }
        Walk { text, replaced, passed: 0, levels, steps: Engine::allowance(length) }
    }

    /// Takes back what a walk borrowed.
    pub(super) fn finish(&self, walk: &mut Walk<'_>) {
        for (step, level) in self.0.iter().zip(&mut walk.levels) {
            if let Step::Matches { finder: Finder::Engine(engine), .. } = step
                && let Some(caches) = level.caches.take()
            {
                engine.keep(*caches);
            }
        }
    }
}

/// The field that errors name.
const PLACE: &str = "pre_tokenizer";

fn compile(step: &PreTokenizer) -> Result<Step, LoadError> {
    if let Some(family) = recognize::family(&[step]) {
        return Ok(Step::Family(family));
    }
    let literal =
        |text: &str| Finder::Literal(Box::new(memmem::Finder::new(text.as_bytes()).into_owned()));
    Ok(match step {
        PreTokenizer::Split { pattern, behavior, invert } => {
            let finder = match pattern {
                Pattern::Literal(text) if text.is_empty() => {
                    return Err(LoadError::Pattern {
                        place: PLACE.to_owned(),
                        problem: "the literal to split at is empty".to_owned(),
                    });
                }
                Pattern::Literal(text) => literal(text),
                Pattern::Regex { text, dialect } => regex(text, *dialect)?,
            };
            Step::Matches { finder, behavior: *behavior, invert: *invert }
        }
        PreTokenizer::Digits { individual } => Step::Matches {
            finder: Finder::Number,
            behavior: if *individual { SplitBehavior::Isolated } else { SplitBehavior::Contiguous },
            invert: false,
        },
        PreTokenizer::Metaspace { replacement, .. } => Step::Matches {
            finder: literal(replacement.encode_utf8(&mut [0; 4])),
            behavior: SplitBehavior::MergedWithNext,
            invert: false,
        },
        PreTokenizer::PrefixSpace => Step::Matches {
            finder: literal(" "),
            behavior: SplitBehavior::Contiguous,
            invert: false,
        },
    })
}

/// The linear-time engine if it can do the pattern, else the fallback.
fn regex(text: &str, dialect: Dialect) -> Result<Finder, LoadError> {
    let wrong = |problem: String| LoadError::Pattern {
        place: PLACE.to_owned(),
        problem: format!("the pattern {} is refused: {problem}", shortened(text)),
    };
    let node = match syntax::parse(text, dialect) {
        Ok(node) => node,
        // The fallback reads this dialect itself.
        Err(_) if dialect == Dialect::Tiktoken => {
            let fallback = Fallback::new(text).map_err(wrong)?;
            return Ok(Finder::Fallback(Box::new(fallback)));
        }
        Err(Refusal::Malformed(problem)) => return Err(wrong(problem)),
        Err(Refusal::Unsupported(what)) => {
            return Err(LoadError::Unsupported {
                place: PLACE.to_owned(),
                what: format!("{what} in the pattern {}", shortened(text)),
                advice: "; rewrite the pattern without it".to_owned(),
            });
        }
    };
    match lower::linear(&node) {
        Some(patterns) => {
            Engine::new(&patterns).map(|engine| Finder::Engine(Box::new(engine))).map_err(wrong)
        }
        None => {
            let fallback = Fallback::new(&lower::fancy(&node)).map_err(wrong)?;
            Ok(Finder::Fallback(Box::new(fallback)))
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(80) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or_default()),
        None => format!("{text:?}"),
    }
}

/// A walk over one text.
#[derive(Debug)]
pub(super) struct Walk<'t> {
    text: Cow<'t, str>,
    /// Where the text has U+FFFD for a byte that is no character.
    replaced: Vec<usize>,
    /// How many of them lie before the last end.
    passed: usize,
    levels: Vec<Level>,
    /// What is left of the engines' allowance.
    steps: usize,
}

/// The text with U+FFFD for every byte that is not part of a character, and
/// where those are.
fn lossy(bytes: &[u8]) -> (Cow<'_, str>, Vec<usize>) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return (Cow::Borrowed(text), Vec::new());
    }
    let mut text = String::with_capacity(bytes.len() + 16);
    let mut replaced = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for _ in chunk.invalid() {
            replaced.push(text.len());
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }
    (Cow::Owned(text), replaced)
}

/// A match or what lies between two.
#[derive(Clone, Copy, Debug)]
struct Item {
    end: usize,
    is_match: bool,
}

/// Where one step stands in the piece of the step before. All offsets are
/// into the whole text.
#[derive(Debug)]
struct Level {
    caches: Option<Box<Caches>>,
    patience: Patience,
    start: usize,
    end: usize,
    /// The end of the last piece.
    cut: usize,
    /// The end of the last item.
    last: usize,
    /// Where the next search starts; `None` when there is no further match.
    search: Option<usize>,
    last_match: Option<usize>,
    /// A match whose gap was handed out first.
    stashed: Option<usize>,
    current: Option<Item>,
}

impl Level {
    fn new() -> Level {
        Level {
            caches: None,
            patience: Patience::default(),
            start: 0,
            end: 0,
            cut: 0,
            last: 0,
            search: None,
            last_match: None,
            stashed: None,
            current: None,
        }
    }

    fn enter(&mut self, start: usize, end: usize) {
        self.start = start;
        self.end = end;
        self.cut = start;
        self.last = start;
        self.search = Some(start);
        self.last_match = None;
        self.stashed = None;
        self.current = None;
    }

    /// The end of the next piece, `None` at the end of the piece of the step
    /// before.
    fn next(
        &mut self,
        step: &Step,
        text: &str,
        steps: &mut usize,
    ) -> Result<Option<usize>, EncodeError> {
        match step {
            Step::Family(family) => {
                if self.cut == self.end {
                    return Ok(None);
                }
                let slice = text.as_bytes().get(self.start..self.end).unwrap_or_default();
                self.cut = self.start + family.next(&Text::new(slice), self.cut - self.start);
                Ok(Some(self.cut))
            }
            Step::Matches { finder, behavior, invert } => loop {
                let next = self.item(finder, text, steps)?;
                let Some(current) = self.current else {
                    match next {
                        None => return Ok(None),
                        Some(_) => {
                            self.current = next;
                            continue;
                        }
                    }
                };
                self.current = next;
                let joined = match next {
                    None => false,
                    Some(next) => {
                        let (before, after) = (current.is_match ^ invert, next.is_match ^ invert);
                        match behavior {
                            SplitBehavior::Isolated => false,
                            SplitBehavior::Contiguous => before == after,
                            SplitBehavior::MergedWithPrevious => !before && after,
                            SplitBehavior::MergedWithNext => before && !after,
                        }
                    }
                };
                if !joined && current.end > self.cut {
                    self.cut = current.end;
                    return Ok(Some(self.cut));
                }
            },
        }
    }

    /// The next match or gap. Gaps are never empty; matches may be.
    fn item(
        &mut self,
        finder: &Finder,
        text: &str,
        steps: &mut usize,
    ) -> Result<Option<Item>, EncodeError> {
        if let Some(end) = self.stashed.take() {
            self.last = end;
            return Ok(Some(Item { end, is_match: true }));
        }
        while let Some(from) = self.search {
            let slice = text.get(self.start..self.end).unwrap_or_default();
            let Some((start, end)) = self.find(finder, slice, from - self.start, steps)? else {
                self.search = None;
                break;
            };
            let (start, end) = (self.start + start, self.start + end);
            if start == end && self.last_match == Some(end) {
                // An empty match right behind a match does not count.
                let next = text.get(end..self.end).and_then(|rest| rest.chars().next());
                self.search = next.map(|c| end + c.len_utf8());
                continue;
            }
            self.search = Some(end);
            self.last_match = Some(end);
            if start > self.last {
                self.last = start;
                self.stashed = Some(end);
                return Ok(Some(Item { end: start, is_match: false }));
            }
            self.last = end;
            return Ok(Some(Item { end, is_match: true }));
        }
        if self.last < self.end {
            self.last = self.end;
            return Ok(Some(Item { end: self.end, is_match: false }));
        }
        Ok(None)
    }

    fn find(
        &mut self,
        finder: &Finder,
        slice: &str,
        from: usize,
        steps: &mut usize,
    ) -> Result<Option<(usize, usize)>, EncodeError> {
        let offset = self.start;
        let limit = |reason: String| EncodeError::PatternLimit { offset: offset + from, reason };
        match finder {
            Finder::Engine(engine) => {
                let caches = self.caches.get_or_insert_with(|| Box::new(engine.caches()));
                engine.find(caches, slice, from, steps).map_err(|reason| limit(reason.to_owned()))
            }
            Finder::Fallback(fallback) => {
                fallback.find(slice, from, offset, &mut self.patience).map_err(limit)
            }
            Finder::Literal(literal) => {
                let rest = slice.as_bytes().get(from..).unwrap_or_default();
                let start = literal.find(rest).map(|start| from + start);
                Ok(start.map(|start| (start, start + literal.needle().len())))
            }
            Finder::Number => {
                let text = Text::new(slice.as_bytes());
                let mut position = from;
                while position < slice.len() {
                    let (entry, length) = text.at(position);
                    if within(entry, DIGITS) {
                        return Ok(Some((position, position + length)));
                    }
                    position += length;
                }
                Ok(None)
            }
        }
    }
}

impl Walk<'_> {
    /// See [`Cursor::fill`](super::Cursor::fill).
    pub(super) fn fill(
        &mut self,
        chain: &Chain,
        ends: &mut [usize; BLOCK],
    ) -> Result<usize, EncodeError> {
        let mut count = 0;
        for slot in ends.iter_mut() {
            match self.next(chain) {
                Ok(Some(end)) => {
                    *slot = self.original(end);
                    count += 1;
                }
                Ok(None) => break,
                Err(EncodeError::PatternLimit { offset, reason }) => {
                    self.passed = 0;
                    return Err(EncodeError::PatternLimit {
                        offset: self.original(offset),
                        reason,
                    });
                }
                Err(other) => return Err(other),
            }
        }
        Ok(count)
    }

    /// An offset into the text as it was given. Offsets must come in order.
    fn original(&mut self, offset: usize) -> usize {
        while self.replaced.get(self.passed).is_some_and(|place| *place < offset) {
            self.passed += 1;
        }
        offset - self.passed * (char::REPLACEMENT_CHARACTER.len_utf8() - 1)
    }

    /// The end of the next piece of the last step. A step that has come to the
    /// end of its piece takes the next one from the step before.
    fn next(&mut self, chain: &Chain) -> Result<Option<usize>, EncodeError> {
        let last = chain.0.len().saturating_sub(1);
        let mut depth = last;
        loop {
            let (Some(step), Some(level)) = (chain.0.get(depth), self.levels.get_mut(depth)) else {
                return Ok(None);
            };
            match level.next(step, &self.text, &mut self.steps)? {
                Some(end) if depth == last => return Ok(Some(end)),
                Some(end) => {
                    depth += 1;
                    if let Some(below) = self.levels.get_mut(depth) {
                        let start = below.end;
                        below.enter(start, end);
                    }
                }
                None if depth == 0 => return Ok(None),
                None => depth -= 1,
            }
        }
    }
}
