//! A backtracking engine for patterns with look-around or back-references.
//!
//! Its limits reach the user as errors: the number of times it goes back in
//! one search, and the time it takes without getting ahead.

use std::time::{Duration, Instant};

use fancy_regex::{Error, Regex, RegexBuilder, RuntimeError};

/// How often one search may go back.
const BACKTRACKS: usize = 1_000_000;
/// The most memory for each compiled part of a pattern, in bytes.
const PROGRAM_BYTES: usize = 2 << 20;
/// The most instructions of the backtracking machine.
const INSTRUCTIONS: usize = 100_000;
/// How much text must be cut within [`PATIENCE`].
const STRIDE: usize = 1 << 16;
/// How long a stride may take; some twenty times what it takes a pattern that
/// does not go back over the same text.
const PATIENCE: Duration = Duration::from_millis(600);
/// The most that one search counts for. A search beyond it was interrupted:
/// the limit above ends it sooner.
const LONGEST: Duration = Duration::from_millis(200);

/// A compiled pattern.
#[derive(Debug)]
pub(super) struct Fallback(Regex);

/// The time spent since the last stride.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Patience {
    spent: Duration,
    mark: usize,
}

impl Fallback {
    /// Compiles a pattern in the dialect of `fancy-regex`.
    pub(super) fn new(pattern: &str) -> Result<Fallback, String> {
        // Rewriting the pattern is off: in fancy-regex 0.20 it gives
        // `((?s:.)+?)*+[ab]{1,2}?` a match that the pattern does not have.
        RegexBuilder::new(pattern)
            .optimize(false)
            .backtrack_limit(BACKTRACKS)
            .delegate_size_limit(PROGRAM_BYTES)
            .max_prog_size(INSTRUCTIONS)
            .build()
            .map(Fallback)
            .map_err(|error| error.to_string())
    }

    /// The leftmost match at or after `from`. `offset` is where `text` starts
    /// in the whole text.
    pub(super) fn find(
        &self,
        text: &str,
        from: usize,
        offset: usize,
        patience: &mut Patience,
    ) -> Result<Option<(usize, usize)>, String> {
        if offset + from >= patience.mark + STRIDE {
            *patience = Patience { spent: Duration::ZERO, mark: offset + from };
        }
        if patience.spent > PATIENCE {
            return Err(format!(
                "it took {} ms for less than {STRIDE} bytes",
                PATIENCE.as_millis()
            ));
        }
        let before = Instant::now();
        let found = self.0.find_from_pos(text, from);
        patience.spent += before.elapsed().min(LONGEST);
        match found {
            Ok(found) => Ok(found.map(|found| (found.start(), found.end()))),
            Err(Error::RuntimeError(RuntimeError::StackOverflow)) => {
                Err("it needs too much memory to go back".to_owned())
            }
            Err(Error::RuntimeError(RuntimeError::BacktrackLimitExceeded)) => {
                Err(format!("it went back more than {BACKTRACKS} times"))
            }
            Err(error) => Err(error.to_string()),
        }
    }
}
