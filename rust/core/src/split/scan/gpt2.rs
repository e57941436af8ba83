//! GPT-2 and what is built on its pattern.

use super::{Numbers, Plain, Scanner, WhiteSpace, contraction, white_space};
use crate::split::classes::{DIGITS, LETTERS, NUMBERS, SPACES, Text, except, within};

/// GPT-2: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|`
/// `\s+(?!\S)|\s+`.
pub(super) struct Gpt2;

/// StarCoder: each digit is cut out first, so it is a piece of its own and
/// the text ends before it.
pub(super) struct StarCoder;

impl Scanner for Gpt2 {
    const PLAIN: Plain = Plain {
        numbers: Numbers::RunAfterSpace,
        numbers_cut: false,
        lines: false,
        cased: false,
        contractions: true,
        slashes: false,
    };

    #[inline(always)]
    fn next(text: &Text<'_>, start: usize) -> usize {
        scan::<false>(text, start)
    }
}

impl Scanner for StarCoder {
    const PLAIN: Plain = Plain {
        numbers: Numbers::One,
        numbers_cut: true,
        lines: false,
        cased: false,
        contractions: true,
        slashes: false,
    };

    #[inline(always)]
    fn next(text: &Text<'_>, start: usize) -> usize {
        scan::<true>(text, start)
    }
}

#[inline(always)]
fn scan<const DIGITS_CUT: bool>(text: &Text<'_>, start: usize) -> usize {
    let numbers = if DIGITS_CUT { DIGITS } else { NUMBERS };
    let others = except(SPACES | LETTERS | numbers);
    let byte = text.byte(start);
    let body = start + usize::from(byte == b' ');
    let (entry, length) = text.at(body);
    if within(entry, LETTERS) {
        return text.letters::<false>(body + length, LETTERS);
    }
    if within(entry, others) {
        if byte == b'\''
            && let Some(length) = contraction::<false>(text, start)
        {
            return start + length;
        }
        return text.run(body + length, others);
    }
    if within(entry, numbers) {
        if !DIGITS_CUT {
            return text.run(body + length, numbers);
        }
        if body == start {
            return body + length;
        }
    }
    white_space(text, start, WhiteSpace::Plain, if DIGITS_CUT { numbers } else { 0 })
}
