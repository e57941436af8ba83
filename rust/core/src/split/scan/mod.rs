//! Hand-written scanners for the patterns of real vocabularies.
//!
//! Each walks the text once, forwards, without a regular-expression engine
//! and without allocating. What backtracking would do is worked out in
//! advance, next to each rule, and checked against the published regular
//! expression in the tests.

pub(super) mod ascii;
mod block;
mod cased;
mod deepseek;
mod gpt2;
mod word;

use super::BLOCK;
use super::classes::{END, NEWLINES, SPACES, Set, Text, only, within};
use super::family::Family;
use crate::ids::widen;
use block::{Numbers, Plain};

/// With fewer plain bytes at the start of a chunk, a chunk was not worth it.
const FEW: u32 = 16;
/// How many pre-tokens to leave to the scanner then.
const PAUSE: usize = 8;

/// A family's rule for one pre-token.
trait Scanner {
    /// How the family cuts plain ASCII.
    const PLAIN: Plain;

    /// The end of the pre-token that starts at `start`, which is inside the
    /// text. The result is greater than `start`.
    fn next(text: &Text<'_>, start: usize) -> usize;
}

/// Writes the ends of the next pre-tokens and returns how many; see
/// [`Cursor::fill`](super::Cursor::fill).
#[inline(always)]
fn fill<S: Scanner>(text: &Text<'_>, position: &mut usize, ends: &mut [usize; BLOCK]) -> usize {
    let length = text.bytes.len();
    let mut count = 0;
    let mut start = *position;
    // How many pre-tokens the scanner does before another chunk is tried.
    let mut pause = 0usize;
    while start < length && count < BLOCK {
        // The byte that the scanner must get past.
        let mut touched = start;
        if !block::WORTH_IT || pause > 0 || !text.byte(start + 1).is_ascii() {
            pause = pause.saturating_sub(1);
        } else if let Some(chunk) = text.bytes.get(start..).and_then(|tail| tail.first_chunk()) {
            let base = start;
            let found = block::starts(chunk, S::PLAIN);
            #[cfg(test)]
            super::classes::looks::add(chunk.len());
            let left = write(base, found.bits, &mut count, ends);
            if let (true, Some(end)) = (found.bits != 0, ends.get(count.wrapping_sub(1))) {
                start = *end;
            }
            if left || (found.plain == 64 && found.bits != 0) {
                continue;
            }
            touched = base + widen(found.plain);
            if found.plain < FEW {
                pause = PAUSE;
            }
        }
        for end in ends.iter_mut().skip(count) {
            start = S::next(text, start);
            *end = start;
            count += 1;
            if start > touched || start >= length {
                break;
            }
        }
    }
    *position = start;
    count
}

/// Writes the positions of the bits, counted from `base`, as far as there is
/// room, and returns whether some are left.
#[inline(always)]
fn write(base: usize, mut bits: u64, count: &mut usize, ends: &mut [usize; BLOCK]) -> bool {
    /// How many are written at a time, whether there are as many or not: their
    /// number is hard to foretell, and a wrong guess costs more.
    const AT_ONCE: usize = 8;
    let total = widen(bits.count_ones());
    let mut done = 0;
    while done < total {
        let Some(slots) =
            ends.get_mut(*count + done..).and_then(|rest| rest.first_chunk_mut::<AT_ONCE>())
        else {
            break;
        };
        for slot in slots {
            *slot = base + widen(bits.trailing_zeros());
            bits &= bits.wrapping_sub(1);
        }
        done += AT_ONCE;
    }
    if done >= total {
        *count += total;
        return false;
    }
    *count += done;
    for slot in ends.iter_mut().skip(*count) {
        *slot = base + widen(bits.trailing_zeros());
        bits &= bits.wrapping_sub(1);
        *count += 1;
        if bits == 0 {
            return false;
        }
    }
    true
}

impl Family {
    /// Writes the ends of the next pre-tokens and returns how many.
    pub(super) fn fill(
        self,
        text: &Text<'_>,
        position: &mut usize,
        ends: &mut [usize; BLOCK],
    ) -> usize {
        match self {
            Family::Gpt2 => fill::<gpt2::Gpt2>(text, position, ends),
            Family::StarCoder => fill::<gpt2::StarCoder>(text, position, ends),
            Family::Cl100k => fill::<word::Words<word::Cl100k>>(text, position, ends),
            Family::Llama3 => fill::<word::Words<word::Llama3>>(text, position, ends),
            Family::Qwen2 => fill::<word::Words<word::Qwen2>>(text, position, ends),
            Family::Qwen35 => fill::<word::Words<word::Qwen35>>(text, position, ends),
            Family::MiniCpm5 => fill::<word::Words<word::MiniCpm5>>(text, position, ends),
            Family::O200k => fill::<cased::CasedWords<cased::O200k>>(text, position, ends),
            Family::Tekken => fill::<cased::CasedWords<cased::Tekken>>(text, position, ends),
            Family::KimiK2 => fill::<cased::CasedWords<cased::KimiK2>>(text, position, ends),
            Family::DeepSeekV3 => fill::<deepseek::DeepSeekV3>(text, position, ends),
        }
    }

    /// The end of the pre-token that starts at `start`, inside the text.
    pub(super) fn next(self, text: &Text<'_>, start: usize) -> usize {
        match self {
            Family::Gpt2 => gpt2::Gpt2::next(text, start),
            Family::StarCoder => gpt2::StarCoder::next(text, start),
            Family::Cl100k => word::Words::<word::Cl100k>::next(text, start),
            Family::Llama3 => word::Words::<word::Llama3>::next(text, start),
            Family::Qwen2 => word::Words::<word::Qwen2>::next(text, start),
            Family::Qwen35 => word::Words::<word::Qwen35>::next(text, start),
            Family::MiniCpm5 => word::Words::<word::MiniCpm5>::next(text, start),
            Family::O200k => cased::CasedWords::<cased::O200k>::next(text, start),
            Family::Tekken => cased::CasedWords::<cased::Tekken>::next(text, start),
            Family::KimiK2 => cased::CasedWords::<cased::KimiK2>::next(text, start),
            Family::DeepSeekV3 => deepseek::DeepSeekV3::next(text, start),
        }
    }
}

/// Which white-space alternatives a pattern has, in the order in which they
/// are tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum WhiteSpace {
    /// `\s+(?!\S)|\s+`
    Plain,
    /// `\s*[\r\n]+|\s+(?!\S)|\s+`
    Lines,
    /// `\s++$|\s*[\r\n]|\s+(?!\S)|\s`, with `$` the end of the text.
    EndThenLines,
}

/// The end of a white-space pre-token that starts at `start`, where a
/// character of white space stands. The text ends before any character in
/// `cut`.
///
/// Let the run of white space be `[start, end)`. `\s*[\r\n]+` gives back
/// characters until it ends in the run's last newline. `\s+(?!\S)` takes the
/// run whole where the text ends, and otherwise gives back one character, so
/// that it fails on a run of one.
#[inline(always)]
fn white_space(text: &Text<'_>, start: usize, rule: WhiteSpace, cut: Set) -> usize {
    let mut position = start;
    let mut last = start;
    let mut after_newline = start;
    let next = loop {
        let (entry, length) = text.at(position);
        if !within(entry, SPACES) {
            break entry;
        }
        last = position;
        position += length;
        if rule != WhiteSpace::Plain && within(entry, NEWLINES) {
            after_newline = position;
        }
    };
    let at_end = within(next, only(END) | cut);
    if rule == WhiteSpace::EndThenLines && at_end {
        position
    } else if after_newline > start {
        after_newline
    } else if at_end || last == start {
        position
    } else {
        last
    }
}

/// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` at a position
/// where an apostrophe stands; with `ANY_CASE` under Unicode's simple case
/// folding, where U+017F is an `s`.
#[inline(always)]
fn contraction<const ANY_CASE: bool>(text: &Text<'_>, apostrophe: usize) -> Option<usize> {
    let fold = |byte: u8| if ANY_CASE && byte.is_ascii() { byte | 0x20 } else { byte };
    match fold(text.byte(apostrophe + 1)) {
        b's' | b'd' | b'm' | b't' => Some(2),
        b'l' if fold(text.byte(apostrophe + 2)) == b'l' => Some(3),
        b'v' | b'r' if fold(text.byte(apostrophe + 2)) == b'e' => Some(3),
        0xC5 if ANY_CASE && text.byte(apostrophe + 2) == 0xBF => Some(3),
        _ => None,
    }
}

/// The end of at most `most` numbers from `position` on.
#[inline(always)]
fn numbers(text: &Text<'_>, mut position: usize, most: usize) -> usize {
    for _ in 0..most {
        let (entry, length) = text.at(position);
        if !within(entry, super::classes::NUMBERS) {
            break;
        }
        position += length;
    }
    position
}

/// The end of the run of newlines (and slashes) after punctuation.
#[inline(always)]
fn punctuation_tail<const SLASHES: bool>(text: &Text<'_>, mut position: usize) -> usize {
    while matches!(text.byte(position), b'\r' | b'\n') || SLASHES && text.byte(position) == b'/' {
        position += 1;
    }
    position
}
