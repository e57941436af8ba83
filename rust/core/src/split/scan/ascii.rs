//! The end of a run of ASCII letters, sixteen bytes at a time.

/// The first position at or after `position` that is no ASCII letter (with
/// `LOWER_ONLY`, no lower-case one).
#[inline(always)]
pub(in crate::split) fn letters<const LOWER_ONLY: bool>(
    bytes: &[u8],
    mut position: usize,
) -> usize {
    while let Some(chunk) = bytes.get(position..).and_then(|tail| tail.first_chunk::<16>()) {
        let count = leading_letters::<LOWER_ONLY>(chunk);
        position += count;
        if count < 16 {
            return position;
        }
    }
    while bytes.get(position).is_some_and(|byte| is_letter::<LOWER_ONLY>(*byte)) {
        position += 1;
    }
    position
}

#[inline(always)]
fn is_letter<const LOWER_ONLY: bool>(byte: u8) -> bool {
    byte.is_ascii_lowercase() || !LOWER_ONLY && byte.is_ascii_uppercase()
}

/// How many bytes at the start of the chunk are letters in this sense.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn leading_letters<const LOWER_ONLY: bool>(chunk: &[u8; 16]) -> usize {
    use std::arch::x86_64::{
        _mm_add_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_or_si128,
        _mm_set1_epi8,
    };
    let fold = if LOWER_ONLY { 0 } else { 0x20 };
    // SAFETY: SSE2 is part of every x86-64 target, and the sixteen bytes that
    // the unaligned load reads are those of `chunk`.
    let mask = unsafe {
        let lower = _mm_or_si128(_mm_loadu_si128(chunk.as_ptr().cast()), _mm_set1_epi8(fold));
        // `a..=z` moves to the 26 smallest signed values.
        let moved = _mm_add_epi8(lower, _mm_set1_epi8(i8::MIN.wrapping_sub(b'a'.cast_signed())));
        _mm_movemask_epi8(_mm_cmplt_epi8(moved, _mm_set1_epi8(i8::MIN + 26)))
    };
    crate::ids::widen(mask.trailing_ones())
}

/// How many bytes at the start of the chunk are letters in this sense.
#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn leading_letters<const LOWER_ONLY: bool>(chunk: &[u8; 16]) -> usize {
    const EACH: u128 = 0x0101_0101_0101_0101_0101_0101_0101_0101;
    let whole = u128::from_le_bytes(*chunk);
    let ascii = !whole & (EACH << 7);
    let fold = if LOWER_ONLY { 0 } else { EACH << 5 };
    let lower = (whole | fold) & !(EACH << 7);
    // The top bit of a byte says: at least `a`; more than `z`.
    let from_a = lower + EACH * (0x80 - 0x61);
    let past_z = lower + EACH * (0x80 - 0x7B);
    let is_letter = from_a & !past_z & ascii;
    crate::ids::widen((!is_letter & (EACH << 7)).trailing_zeros() / 8).min(16)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_at_every_place() {
        for place in 0..20 {
            for byte in 0..=255u8 {
                let mut text = [b'q'; 40];
                text[place] = byte;
                let end = |is: bool| if is { 40 } else { place };
                assert_eq!(letters::<false>(&text, 0), end(byte.is_ascii_alphabetic()));
                assert_eq!(letters::<true>(&text, 0), end(byte.is_ascii_lowercase()));
            }
        }
        assert_eq!(letters::<false>(b"", 0), 0);
        assert_eq!(letters::<false>(b"aBc", 1), 3);
        assert_eq!(letters::<true>(b"abC", 1), 2);
        assert_eq!(letters::<false>(b"abc", 3), 3);
    }
}
