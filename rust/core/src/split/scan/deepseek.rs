//! DeepSeek V3 and R1: three steps in one pass.
//!
//! `\p{N}{1,3}` and then `[一-龥\u{3040}-ゟ゠-ヿ]+` cut the text into segments:
//! groups of numbers, runs of ideographs and kana, and what lies between.
//! Each segment by itself is cut by
//! ``[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|``
//! `[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|`
//! `\s*[\r\n]+|\s+(?!\S)|\s+`, which sees the text end with the segment. A
//! run of characters that nothing matches is a piece; so is a group of
//! numbers.

use super::{Numbers, Plain, Scanner, WhiteSpace, numbers, punctuation_tail, white_space};
use crate::split::classes::{
    IDEOGRAPHS_OR_KANA, LATER_NUMBER, LETTERS, MARKS, NUMBERS, OTHER, PUNCTUATION, SPACE, SPACES,
    SYMBOL, Set, Text, only, within,
};

/// DeepSeek V3 and R1.
pub(super) struct DeepSeekV3;

/// The classes of the third pattern within one kind of segment.
struct Segment {
    word: Set,
    others: Set,
    spaces: Set,
    unmatched: Set,
}

impl Segment {
    const fn of(members: Set) -> Segment {
        Segment {
            word: (LETTERS | MARKS) & members,
            others: (only(PUNCTUATION) | only(SYMBOL)) & members,
            spaces: SPACES & members,
            unmatched: (only(OTHER) | only(LATER_NUMBER)) & members,
        }
    }
}

const CUT: Set = NUMBERS | IDEOGRAPHS_OR_KANA;
const BETWEEN: Segment = Segment::of(!CUT);
const IDEOGRAPHIC: Segment = Segment::of(IDEOGRAPHS_OR_KANA & !NUMBERS);

impl Scanner for DeepSeekV3 {
    const PLAIN: Plain = Plain {
        numbers: Numbers::Three,
        numbers_cut: true,
        lines: true,
        cased: false,
        contractions: false,
        slashes: false,
    };

    #[inline(always)]
    fn next(text: &Text<'_>, start: usize) -> usize {
        let (entry, length) = text.at(start);
        let after = start + length;
        if within(entry, BETWEEN.word) {
            return text.letters::<false>(after, BETWEEN.word);
        }
        let byte = text.byte(start);
        let (second, second_length) = text.at(after);
        if byte.is_ascii_punctuation() && text.byte(after).is_ascii_alphabetic() {
            return super::ascii::letters::<false>(text.bytes, after);
        }
        if within(entry, only(SPACE) | BETWEEN.unmatched) && within(second, BETWEEN.word) {
            return text.letters::<false>(after + second_length, BETWEEN.word);
        }
        if within(entry, BETWEEN.others) {
            return punctuation_tail::<false>(text, text.run(after, BETWEEN.others));
        }
        if byte == b' ' && within(second, BETWEEN.others) {
            let end = text.run(after + second_length, BETWEEN.others);
            return punctuation_tail::<false>(text, end);
        }
        if within(entry, BETWEEN.spaces) {
            return white_space(text, start, WhiteSpace::Lines, CUT);
        }
        if within(entry, NUMBERS) {
            return numbers(text, start, 3);
        }
        if within(entry, IDEOGRAPHS_OR_KANA) {
            return ideographic(text, after, entry, second, second_length);
        }
        unmatched(text, after, &BETWEEN)
    }
}

/// The end of a piece in a run of ideographs and kana, of which the first
/// character, before `after`, and the second are known. None is ASCII or
/// white space.
#[inline(always)]
fn ideographic(
    text: &Text<'_>,
    after: usize,
    first: u8,
    second: u8,
    second_length: usize,
) -> usize {
    const SEGMENT: Segment = IDEOGRAPHIC;
    if within(first, SEGMENT.word) {
        text.run(after, SEGMENT.word)
    } else if within(first, SEGMENT.unmatched) && within(second, SEGMENT.word) {
        text.run(after + second_length, SEGMENT.word)
    } else if within(first, SEGMENT.others) {
        // Newlines are in another segment.
        text.run(after, SEGMENT.others)
    } else {
        unmatched(text, after, &SEGMENT)
    }
}

/// The end of a run that nothing matches: where something else stands, or
/// before the character that the next word takes as its prefix.
#[inline(never)]
fn unmatched(text: &Text<'_>, mut position: usize, segment: &Segment) -> usize {
    loop {
        let (entry, length) = text.at(position);
        if !within(entry, segment.unmatched) || within(text.at(position + length).0, segment.word) {
            return position;
        }
        position += length;
    }
}
