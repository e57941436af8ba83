//! Short byte strings as integers: how tables recognise a pre-token.

/// The longest byte string that fits a [`ShortKey`].
pub(crate) const SHORT: usize = 15;

/// Up to 15 bytes, zero-padded, and their number in the top byte. Distinct
/// strings have distinct keys; 0 is no key of a string that is not empty.
pub(crate) type ShortKey = u128;

const MASKS: [u128; 16] = {
    let mut masks = [0; 16];
    let mut len = 1;
    while len < 16 {
        masks[len] = u128::MAX >> (128 - 8 * len);
        len += 1;
    }
    masks
};

/// The key of `text[start..start + len]`, which must lie inside `text` and
/// have at most [`SHORT`] bytes.
#[inline(always)]
pub(crate) fn short_key(text: &[u8], start: usize, len: usize) -> ShortKey {
    debug_assert!(len <= SHORT && start + len <= text.len());
    let bytes = match text.get(start..).and_then(<[u8]>::first_chunk::<16>) {
        Some(chunk) => u128::from_le_bytes(*chunk),
        None => tail(text, start),
    };
    (bytes & MASKS[len & 15]) | ((len as u128) << 120)
}

/// Up to 16 bytes at the end of a text, zero-padded.
#[cold]
fn tail(text: &[u8], start: usize) -> u128 {
    let rest = text.get(start..).unwrap_or(&[]);
    let mut chunk = [0; 16];
    for (to, from) in chunk.iter_mut().zip(rest) {
        *to = *from;
    }
    u128::from_le_bytes(chunk)
}

/// The two halves of a key, the low one first.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub(crate) const fn halves(key: ShortKey) -> [u64; 2] {
    [key as u64, (key >> 64) as u64]
}

/// A 64-bit hash of a short key; its high bits are as good as its low ones.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn hash_short(key: ShortKey) -> u64 {
    fold(key as u64 ^ 0x9e37_79b9_7f4a_7c15, (key >> 64) as u64 ^ 0xd1b5_4a32_d192_ed03)
}

/// A 64-bit hash of any byte string.
#[inline]
pub(crate) fn hash_long(bytes: &[u8]) -> u64 {
    let mut hash = bytes.len() as u64 ^ 0xa076_1d64_78bd_642f;
    let (chunks, rest) = bytes.as_chunks::<8>();
    for chunk in chunks {
        hash = fold(hash ^ u64::from_le_bytes(*chunk), 0xe703_7ed1_a0b4_28db);
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    fold(hash ^ u64::from_le_bytes(last), 0x8ebc_6af0_9c88_c6e3)
}

/// The two halves of a full product, xored.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub(crate) fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_tell_strings_apart_and_ignore_what_follows() {
        let text = b"abc\0\0abcdefghijklmnopqrstuvwxyz";
        assert_eq!(short_key(text, 0, 3), short_key(b"abc", 0, 3));
        assert_ne!(short_key(text, 0, 3), short_key(text, 0, 4));
        assert_ne!(short_key(text, 0, 4), short_key(text, 0, 5));
        assert_eq!(short_key(text, 5, 15), short_key(b"abcdefghijklmno", 0, 15));
        assert_eq!(short_key(b"xyz", 1, 2), short_key(b"yz and more than sixteen", 0, 2));
    }
}
