//! Words by their mark, for SentencePiece-style models.

use super::BLOCK;

/// Writes the ends of the next pieces, each a run of marks and then everything
/// up to the next mark, and returns how many.
pub(super) fn fill(
    text: &[u8],
    mark: &[u8],
    position: &mut usize,
    ends: &mut [usize; BLOCK],
) -> usize {
    let mut count = 0;
    for end in ends {
        let mut rest = text.get(*position..).unwrap_or(&[]);
        if rest.is_empty() {
            break;
        }
        while let Some(after) = rest.strip_prefix(mark) {
            rest = after;
        }
        let start = text.len() - rest.len();
        *position = memchr::memmem::find(rest, mark).map_or(text.len(), |found| start + found);
        *end = *position;
        count += 1;
    }
    count
}
