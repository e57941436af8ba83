//! Byte positions to character positions.

use crate::ids::widen;

/// How many bytes lie between two positions whose characters are counted
/// beforehand.
const STEP: usize = 64;

/// Byte ranges of a text as ranges of character indices: the characters that
/// a range touches, so that a token of half a character has the whole one. An
/// empty range stays empty; inside a character, it stands in front of it.
///
/// Characters are those of Python's `text.decode("utf-8", "replace")`: each
/// maximal invalid part is one. Ends beyond the text count as its end. Linear
/// in the text and the number of ranges, in whatever order they are.
pub fn character_ranges(text: &[u8], ranges: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let counts = Counts::new(text);
    let range = |&(start, end): &(usize, usize)| {
        let first = counts.before(start.saturating_add(1)).saturating_sub(1);
        if start >= text.len() {
            let all = counts.before(text.len());
            return (all, all);
        }
        if end <= start {
            return (first, first);
        }
        (first, counts.before(end))
    };
    ranges.iter().map(range).collect()
}

/// The places where characters start.
struct Counts {
    /// One bit a byte.
    starts: Vec<u64>,
    /// How many characters start before each word of `starts`.
    before: Vec<usize>,
}

impl Counts {
    fn new(text: &[u8]) -> Counts {
        let mut starts = vec![0_u64; text.len() / STEP + 1];
        let mut mark = |at: usize| {
            if let Some(word) = starts.get_mut(at / STEP) {
                *word |= 1 << (at % STEP);
            }
        };
        let mut at = 0;
        for chunk in text.utf8_chunks() {
            chunk.valid().char_indices().for_each(|(index, _)| mark(at + index));
            at += chunk.valid().len();
            if !chunk.invalid().is_empty() {
                mark(at);
                at += chunk.invalid().len();
            }
        }
        let mut sum = 0;
        let before = starts.iter().map(|word| {
            let before = sum;
            sum += widen(word.count_ones());
            before
        });
        let before = before.collect();
        Counts { starts, before }
    }

    /// How many characters start before this byte.
    fn before(&self, at: usize) -> usize {
        match (self.starts.get(at / STEP), self.before.get(at / STEP)) {
            (Some(word), Some(before)) => {
                before + widen((word & ((1 << (at % STEP)) - 1)).count_ones())
            }
            _ => {
                let last = self.starts.last().map_or(0, |word| widen(word.count_ones()));
                self.before.last().map_or(0, |before| before + last)
            }
        }
    }
}
