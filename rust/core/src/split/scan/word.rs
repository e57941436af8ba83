//! cl100k and its relatives: Llama 3, Qwen.
//!
//! `(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|`
//! ` ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`

use std::marker::PhantomData;

use super::{
    Numbers, Plain, Scanner, WhiteSpace, contraction, numbers, punctuation_tail, white_space,
};
use crate::split::classes::{LETTERS, MARKS, NEWLINES, NUMBERS, SPACES, Set, Text, except, within};

/// What tells the relatives apart.
pub(super) trait Rules {
    /// What words are made of.
    const WORD: Set = LETTERS;
    /// The most numbers in a pre-token.
    const NUMBERS_AT_ONCE: usize;
    /// The alternatives for white space.
    const WHITE_SPACE: WhiteSpace = WhiteSpace::Lines;
    /// The characters before which the text ends, as an earlier step cut them
    /// out.
    const CUT: Set = 0;
}

/// The scanner for a set of rules.
pub(super) struct Words<R>(PhantomData<R>);

/// cl100k as tiktoken has it.
pub(super) struct Cl100k;

impl Rules for Cl100k {
    const NUMBERS_AT_ONCE: usize = 3;
    const WHITE_SPACE: WhiteSpace = WhiteSpace::EndThenLines;
}

/// Llama 3, and cl100k as Hugging Face has it.
pub(super) struct Llama3;

impl Rules for Llama3 {
    const NUMBERS_AT_ONCE: usize = 3;
}

/// Qwen 2 to 3: each number by itself.
pub(super) struct Qwen2;

impl Rules for Qwen2 {
    const NUMBERS_AT_ONCE: usize = 1;
}

/// Qwen 3.5: marks belong to words, `[^\r\n\p{L}\p{N}]?[\p{L}\p{M}]+`. A mark
/// as the optional prefix starts the same run as a mark in the word.
pub(super) struct Qwen35;

impl Rules for Qwen35 {
    const WORD: Set = LETTERS | MARKS;
    const NUMBERS_AT_ONCE: usize = 1;
}

/// MiniCPM 5: `\p{N}{1,3}` is cut out first.
pub(super) struct MiniCpm5;

impl Rules for MiniCpm5 {
    const NUMBERS_AT_ONCE: usize = 3;
    const CUT: Set = NUMBERS;
}

impl<R: Rules> Scanner for Words<R> {
    const PLAIN: Plain = Plain {
        numbers: if R::NUMBERS_AT_ONCE == 1 { Numbers::One } else { Numbers::Three },
        numbers_cut: R::CUT != 0,
        lines: true,
        cased: false,
        contractions: true,
        slashes: false,
    };

    #[inline(always)]
    fn next(text: &Text<'_>, start: usize) -> usize {
        let others = except(SPACES | R::WORD | NUMBERS);
        let (entry, length) = text.at(start);
        let byte = text.byte(start);
        if within(entry, R::WORD) {
            return text.letters::<false>(start + length, R::WORD);
        }
        if byte == b'\''
            && let Some(length) = contraction::<true>(text, start)
        {
            return start + length;
        }
        let after = start + length;
        if !within(entry, NUMBERS | NEWLINES) {
            let (second, length) = text.at(after);
            if within(second, R::WORD) {
                return text.letters::<false>(after + length, R::WORD);
            }
            if byte == b' ' && within(second, others) {
                let end = text.run(after + length, others);
                return punctuation_tail::<false>(text, end);
            }
        }
        if within(entry, others) {
            return punctuation_tail::<false>(text, text.run(after, others));
        }
        if within(entry, NUMBERS) {
            return numbers(text, start, R::NUMBERS_AT_ONCE);
        }
        white_space(text, start, R::WHITE_SPACE, R::CUT)
    }
}
