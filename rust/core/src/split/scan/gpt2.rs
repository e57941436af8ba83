//! GPT-2 and what is built on its pattern.

use super::{Scanner, WhiteSpace, contraction, numbers, white_space};
use crate::split::classes::{LETTERS, NUMBERS, SPACES, Text, except, within};

/// GPT-2: `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|`
/// `\s+(?!\S)|\s+`.
pub(super) struct Gpt2;

/// StarCoder: each digit is cut out first, so it is a piece of its own and
/// the text ends before it.
pub(super) struct StarCoder;

impl Scanner for Gpt2 {
    #[inline(always)]
    fn next(text: &Text<'_>, start: usize) -> usize {
        scan::<false>(text, start)
    }
}

impl Scanner for StarCoder {
    #[inline(always)]
    fn next(text: &Text<'_>, start: usize) -> usize {
        scan::<true>(text, start)
    }
}

#[inline(always)]
fn scan<const DIGITS_CUT: bool>(text: &Text<'_>, start: usize) -> usize {
    const OTHERS: u64 = except(SPACES | LETTERS | NUMBERS);
    let byte = text.byte(start);
    let body = start + usize::from(byte == b' ');
    let (entry, length) = text.at(body);
    if within(entry, LETTERS) {
        return text.letters::<false>(body + length, LETTERS);
    }
    if within(entry, OTHERS) {
        if byte == b'\'' {
            if let Some(length) = contraction::<false>(text, start) {
                return start + length;
            }
        }
        return text.run(body + length, OTHERS);
    }
    if within(entry, NUMBERS) {
        if !DIGITS_CUT {
            return text.run(body + length, NUMBERS);
        }
        if body == start {
            return numbers(text, start, 1);
        }
    }
    white_space(text, start, WhiteSpace::Plain, if DIGITS_CUT { NUMBERS } else { 0 })
}
