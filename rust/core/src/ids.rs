//! Token ids and ranks as types, and the one place for integer casts.

use std::fmt;

/// The id of a token: its row in a model's embedding matrix.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct TokenId(pub u32);

impl TokenId {
    /// The id as an index into a table that has a row for every id.
    #[inline(always)]
    pub fn index(self) -> usize {
        widen(self.0)
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<u32> for TokenId {
    fn from(id: u32) -> Self {
        TokenId(id)
    }
}

/// `u32` to `usize`, lossless: the crate supports targets of 32 bits and more.
#[inline(always)]
pub fn widen(value: u32) -> usize {
    value as usize
}

/// `usize` to `u32` where the caller has already bounded the value below
/// 2^32; in debug builds the bound is checked.
#[inline(always)]
#[allow(clippy::cast_possible_truncation)]
pub fn narrow(value: usize) -> u32 {
    debug_assert!(u32::try_from(value).is_ok());
    value as u32
}

/// `usize` to the `i64` of an offsets array. No allocation exceeds
/// `isize::MAX` bytes, so a length always fits.
#[inline(always)]
#[allow(clippy::cast_possible_wrap)]
pub fn offset(value: usize) -> i64 {
    value as i64
}
