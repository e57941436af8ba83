//! A linear-time engine for patterns that have no scanner of their own.
//!
//! It drives the lazy DFAs of `regex-automata` by hand, so that every byte it
//! looks at is counted against a limit. A search is linear in the text, but a
//! pattern can make the sum over all matches quadratic (`a*b|a` on a run of
//! `a`); such a text ends in an error rather than in minutes of work.

use std::sync::Mutex;

use regex_automata::hybrid::dfa::{Cache, Config, DFA};
use regex_automata::nfa::thompson::{self, WhichCaptures};
use regex_automata::{Anchored, Input, MatchKind};

use super::lower::Linear;

/// The most memory for a compiled pattern, in bytes, for each direction.
const PROGRAM_BYTES: usize = 4 << 20;
/// The most memory for cached DFA states, in bytes, for each direction.
const CACHE_BYTES: usize = 8 << 20;
/// How many caches wait for the next text.
const SPARE_CACHES: usize = 16;

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Engine {
    forward: DFA,
    reverse: DFA,
    looks_ahead: Vec<bool>,
    caches: Mutex<Vec<Caches>>,
}

/// The DFA states built so far, and the work done.
#[derive(Debug)]
pub(super) struct Caches {
    forward: Cache,
    reverse: Cache,
}

/// Why a search stopped.
pub(super) type Limit = &'static str;

const TOO_MUCH_WORK: Limit = "it looks at the same text over and over";
const TOO_MANY_STATES: Limit = "it needs too many states";

impl Engine {
    /// Compiles patterns, the preferred first.
    pub(super) fn new(patterns: &[Linear]) -> Result<Engine, String> {
        let too_large = |_| format!("it compiles to more than {PROGRAM_BYTES} bytes");
        let hirs: Vec<_> = patterns.iter().map(|pattern| &pattern.hir).collect();
        let build = |reverse: bool| {
            let config = thompson::Config::new()
                .which_captures(WhichCaptures::None)
                .nfa_size_limit(Some(PROGRAM_BYTES))
                .reverse(reverse);
            let nfa = thompson::Compiler::new()
                .configure(config)
                .build_many_from_hir(&hirs)
                .map_err(|_| ())
                .map_err(too_large)?;
            let kind = if reverse { MatchKind::All } else { MatchKind::LeftmostFirst };
            let config = Config::new()
                .match_kind(kind)
                .cache_capacity(CACHE_BYTES)
                .minimum_cache_clear_count(Some(4))
                .minimum_bytes_per_state(Some(10));
            DFA::builder().configure(config).build_from_nfa(nfa).map_err(|_| ()).map_err(too_large)
        };
        Ok(Engine {
            forward: build(false)?,
            reverse: build(true)?,
            looks_ahead: patterns.iter().map(|pattern| pattern.looks_ahead).collect(),
            caches: Mutex::new(Vec::new()),
        })
    }

    /// Caches to search with. The lock is only ever tried: a fork while
    /// another thread holds it must not block the child.
    pub(super) fn caches(&self) -> Caches {
        let spare = self.caches.try_lock().ok().and_then(|mut caches| caches.pop());
        spare.unwrap_or_else(|| Caches {
            forward: self.forward.create_cache(),
            reverse: self.reverse.create_cache(),
        })
    }

    /// Takes caches back for the next text.
    pub(super) fn keep(&self, caches: Caches) {
        if let Ok(mut spare) = self.caches.try_lock()
            && spare.len() < SPARE_CACHES
        {
            spare.push(caches);
        }
    }

    /// How many steps a text of this length may take.
    pub(super) fn allowance(length: usize) -> usize {
        length.saturating_mul(16).saturating_add(1 << 26)
    }

    /// The leftmost match at or after `from`. `steps` goes down by the bytes
    /// looked at.
    pub(super) fn find(
        &self,
        caches: &mut Caches,
        text: &str,
        from: usize,
        steps: &mut usize,
    ) -> Result<Option<(usize, usize)>, Limit> {
        let here = self.search(&mut caches.forward, text, from, Anchored::Yes, steps)?;
        let (start, end, pattern) = match here {
            Some((end, pattern)) => (from, end, pattern),
            None => match self.search(&mut caches.forward, text, from, Anchored::No, steps)? {
                None => return Ok(None),
                Some((end, pattern)) => {
                    (self.start(&mut caches.reverse, text, from, end, steps)?, end, pattern)
                }
            },
        };
        let ahead = self.looks_ahead.get(pattern).copied().unwrap_or(false);
        let back = if ahead { last_length(text, end) } else { 0 };
        Ok(Some((start, end - back)))
    }

    /// The end of the leftmost match at or after `from`, and which pattern
    /// matched.
    fn search(
        &self,
        cache: &mut Cache,
        text: &str,
        from: usize,
        anchored: Anchored,
        steps: &mut usize,
    ) -> Result<Option<(usize, usize)>, Limit> {
        let dfa = &self.forward;
        let input = Input::new(text).range(from..).anchored(anchored);
        let mut state = dfa.start_state_forward(cache, &input).map_err(|_| TOO_MANY_STATES)?;
        let mut found = None;
        let rest = text.as_bytes().get(from..).unwrap_or_default();
        for (index, byte) in rest.iter().enumerate() {
            if index == *steps {
                return Err(TOO_MUCH_WORK);
            }
            state = dfa.next_state(cache, state, *byte).map_err(|_| TOO_MANY_STATES)?;
            if state.is_tagged() {
                if state.is_match() {
                    // A DFA reports a match one byte late.
                    found = Some((from + index, dfa.match_pattern(cache, state, 0).as_usize()));
                } else if state.is_dead() {
                    *steps -= index;
                    return Ok(found);
                } else if state.is_quit() {
                    return Err(TOO_MANY_STATES);
                }
            }
        }
        *steps -= rest.len();
        state = dfa.next_eoi_state(cache, state).map_err(|_| TOO_MANY_STATES)?;
        if state.is_match() {
            found = Some((text.len(), dfa.match_pattern(cache, state, 0).as_usize()));
        }
        Ok(found)
    }

    /// Where the leftmost match that ends at `end` starts.
    fn start(
        &self,
        cache: &mut Cache,
        text: &str,
        from: usize,
        end: usize,
        steps: &mut usize,
    ) -> Result<usize, Limit> {
        let dfa = &self.reverse;
        *steps = steps.checked_sub(end - from).ok_or(TOO_MUCH_WORK)?;
        let input = Input::new(text).range(from..end).anchored(Anchored::Yes);
        match dfa.try_search_rev(cache, &input) {
            Ok(Some(start)) => Ok(start.offset()),
            Ok(None) => Ok(end),
            Err(_) => Err(TOO_MANY_STATES),
        }
    }
}

/// The length of the character that ends at `end`.
fn last_length(text: &str, end: usize) -> usize {
    text.get(..end).and_then(|head| head.chars().next_back()).map_or(0, char::len_utf8)
}
