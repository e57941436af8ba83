//! o200k and its relatives, whose words change at a change of case.
//!
//! With `U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]`, `L = [\p{Ll}\p{Lm}\p{Lo}\p{M}]`,
//! `P = [^\r\n\p{L}\p{N}]` and `C = (?i:'s|'t|'re|'ve|'m|'ll|'d)?`:
//!
//! `P?U*L+C|P?U+L*C|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`

use std::marker::PhantomData;

use super::{
    Numbers, Plain, Scanner, WhiteSpace, contraction, numbers, punctuation_tail, white_space,
};
use crate::split::classes::{
    CASELESS, HANS, LETTERS, LOWER, MARKS, NEWLINES, NUMBERS, SPACES, Set, Text, UPPER, except,
    only, within,
};

/// What tells the relatives apart.
pub(super) trait Rules {
    /// Whether a word takes a contraction along.
    const CONTRACTIONS: bool;
    /// The most numbers in a pre-token.
    const NUMBERS_AT_ONCE: usize;
    /// Whether slashes follow punctuation as newlines do.
    const SLASHES: bool;
    /// Characters that are cut out as runs before anything else and are in no
    /// word.
    const RUNS: Set = 0;
}

/// The scanner for a set of rules.
pub(super) struct CasedWords<R>(PhantomData<R>);

/// o200k, in both forms.
pub(super) struct O200k;

impl Rules for O200k {
    const CONTRACTIONS: bool = true;
    const NUMBERS_AT_ONCE: usize = 3;
    const SLASHES: bool = true;
}

/// Mistral's tekken.
pub(super) struct Tekken;

impl Rules for Tekken {
    const CONTRACTIONS: bool = false;
    const NUMBERS_AT_ONCE: usize = 1;
    const SLASHES: bool = true;
}

/// Kimi K2: `[\p{Han}]+` first, and no Han in `U` and `L`.
pub(super) struct KimiK2;

impl Rules for KimiK2 {
    const CONTRACTIONS: bool = true;
    const NUMBERS_AT_ONCE: usize = 3;
    const SLASHES: bool = false;
    const RUNS: Set = HANS;
}

/// The end of `P?U*L+|P?U+L*` without the optional `P`, from `body` on, and
/// whether `L+` found its character; `None` if neither alternative matches.
///
/// Let `[body, upper)` be the longest run of `U`.
/// - A lower-case letter at `upper`: `U*L+` takes the run and all of `L`.
/// - Otherwise `U*` gives back characters until `L+` finds one that is in
///   both sets; behind it stands an upper-case letter or the end of the run,
///   so the match ends behind the run's last character that is in both.
/// - Otherwise (upper-case letters only) `U*L+` fails, and `U+L*` takes the
///   run if there is one.
#[inline(always)]
fn word<R: Rules>(text: &Text<'_>, body: usize) -> Option<(usize, bool)> {
    let both = (only(CASELESS) | MARKS) & !R::RUNS;
    let lower = (only(LOWER) & !R::RUNS) | both;
    let upper = (only(UPPER) & !R::RUNS) | both;
    let mut position = body;
    let mut after_both = None;
    loop {
        let (entry, length) = text.at(position);
        if !within(entry, upper) {
            if within(entry, lower) {
                return Some((text.letters::<true>(position + length, lower), true));
            }
            break;
        }
        position += length;
        if within(entry, both) {
            after_both = Some(position);
        }
    }
    match after_both {
        Some(end) => Some((end, true)),
        None if position > body => Some((position, false)),
        None => None,
    }
}

impl<R: Rules> Scanner for CasedWords<R> {
    const PLAIN: Plain = Plain {
        numbers: if R::NUMBERS_AT_ONCE == 1 { Numbers::One } else { Numbers::Three },
        numbers_cut: false,
        lines: true,
        cased: true,
        contractions: R::CONTRACTIONS,
        slashes: R::SLASHES,
    };

    #[inline(always)]
    fn next(text: &Text<'_>, start: usize) -> usize {
        const OTHERS: Set = except(SPACES | LETTERS | NUMBERS);
        let (entry, length) = text.at(start);
        let after = start + length;
        if within(entry, R::RUNS) {
            return text.run(after, R::RUNS);
        }
        let found = if within(entry, LETTERS) {
            word::<R>(text, start)
        } else if within(entry, NUMBERS) {
            return numbers(text, start, R::NUMBERS_AT_ONCE);
        } else if within(entry, NEWLINES) {
            None
        } else {
            match word::<R>(text, after) {
                // A mark is a prefix, but the first alternative without a
                // prefix, where the mark is the word, comes before the second
                // alternative.
                Some((_, false)) | None if within(entry, MARKS) => Some((after, true)),
                found => found,
            }
        };
        if let Some((end, _)) = found {
            if R::CONTRACTIONS && text.byte(end) == b'\'' {
                return end + contraction::<true>(text, end).unwrap_or(0);
            }
            return end;
        }
        let body = start + usize::from(text.byte(start) == b' ');
        let (first, length) = text.at(body);
        if within(first, OTHERS) {
            let end = text.run(body + length, OTHERS);
            return if R::SLASHES {
                punctuation_tail::<true>(text, end)
            } else {
                punctuation_tail::<false>(text, end)
            };
        }
        white_space(text, start, WhiteSpace::Lines, 0)
    }
}
