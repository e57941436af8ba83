//! Sixty-four bytes of ASCII at a time: the starts of pre-tokens as bits.
//!
//! In plain ASCII the classes of a few adjacent bytes say where a pre-token
//! starts, which some operations on bit masks work out for all bytes at once.
//! Everything else (control characters, contractions, characters beyond ASCII
//! and white space that may go on behind them) is left to the scanner.

/// How a family cuts plain ASCII.
#[derive(Clone, Copy)]
pub(super) struct Plain {
    /// How numbers are grouped.
    pub(super) numbers: Numbers,
    /// Whether the text ends in front of a number.
    pub(super) numbers_cut: bool,
    /// `[^\r\n\p{L}\p{N}]?\p{L}+`, `[\r\n]*` behind punctuation and
    /// `\s*[\r\n]+`, rather than ` ?\p{L}+` and none of those.
    pub(super) lines: bool,
    /// A change from lower to upper case starts a pre-token.
    pub(super) cased: bool,
    /// An apostrophe may start a contraction.
    pub(super) contractions: bool,
    /// Slashes follow newlines behind punctuation.
    pub(super) slashes: bool,
}

/// How numbers are grouped.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Numbers {
    /// Runs, with the space in front.
    RunAfterSpace,
    /// Each by itself.
    One,
    /// Three at a time.
    Three,
}

/// The bytes of a chunk by class, bit `i` for byte `i`.
#[derive(Clone, Copy, Default)]
struct Masks {
    letters: u64,
    /// The letters `a..=z`.
    lower: u64,
    digits: u64,
    /// `!..=~`.
    graphic: u64,
    spaces: u64,
    /// White space, `\r` and `\n` included.
    white: u64,
    newlines: u64,
    apostrophes: u64,
    slashes: u64,
}

/// Where pre-tokens start within a chunk that itself starts one.
#[derive(Clone, Copy)]
pub(super) struct Starts {
    /// Bit `i` if one starts at byte `i`; never bit 0. The pre-token that
    /// starts at the highest bit may be one of several up to the end of the
    /// chunk.
    pub(super) bits: u64,
    /// The first byte that is not plain, which the scanner must get past; 64
    /// if there is none.
    pub(super) plain: u32,
}

/// The starts of pre-tokens in a chunk that starts with one.
#[inline(always)]
pub(super) fn starts(chunk: &[u8; 64], rules: Plain) -> Starts {
    const LAST: u64 = 1 << 63;
    let masks = classify(chunk, rules);
    let Masks { letters, lower, digits, graphic, spaces, white, newlines, .. } = masks;
    let punctuation = graphic & !letters & !digits;
    let mut strange = !(graphic | white);
    if rules.contractions {
        strange |= masks.apostrophes & (letters >> 1 | LAST);
    }

    // Newlines behind punctuation belong to it. Adding the start of a run of
    // ones clears the run.
    let absorbed = if rules.lines {
        newlines & !newlines.wrapping_add(punctuation << 1 & newlines)
    } else {
        0
    };
    if rules.slashes {
        strange |= masks.slashes & absorbed << 1;
    }

    // A run of white space starts a pre-token; so does its last character,
    // which looks at what follows, and what follows its last newline.
    let blank = white & !absorbed;
    let mut lasts = blank & !(white >> 1);
    let mut white_starts = blank & !(blank << 1);
    if rules.lines {
        let ended = newlines & blank;
        let in_line = blank & !newlines;
        let after_newline = ended << 1 & in_line;
        // A further newline behind a line's white space: rare.
        if in_line.wrapping_add(after_newline) & !in_line & ended != 0 {
            strange |= after_newline >> 1;
        }
        white_starts |= after_newline;
        lasts &= in_line;
    }
    let after_white = if rules.lines { lasts << 1 } else { (lasts & spaces) << 1 };
    let after_space = (lasts & spaces) << 1;
    if rules.numbers_cut {
        lasts &= !(digits >> 1);
    }
    white_starts |= lasts;

    let punctuation_starts = punctuation & !(punctuation << 1) & !after_space;
    let mut letter_starts = letters & !(letters << 1) & !after_white;
    if rules.lines {
        letter_starts &= !(punctuation_starts << 1);
    }
    if rules.cased {
        letter_starts |= letters & !lower & lower << 1;
    }
    let digit_starts = match rules.numbers {
        Numbers::One => digits,
        Numbers::RunAfterSpace => digits & !(digits << 1) & !after_space,
        Numbers::Three => {
            let four = digits & digits << 1 & digits << 2 & digits << 3;
            let mut all = digits & !(digits << 1);
            let mut next = all << 3 & four;
            while next != 0 {
                all |= next;
                next = next << 3 & four;
            }
            all
        }
    };

    // White space in front of the first strange byte, or at the end of the
    // chunk, may go on there: only its start is known.
    let plain = strange.trailing_zeros();
    let shifted = if plain == 0 { 0 } else { white << (64 - plain) };
    let run = shifted.leading_ones();
    let known = plain + u32::from(run > 0) - run;
    let known = if known == 64 { u64::MAX } else { (1 << known) - 1 };
    let bits = (punctuation_starts | letter_starts | digit_starts | white_starts) & known & !1;
    Starts { bits, plain }
}

#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn classify(chunk: &[u8; 64], rules: Plain) -> Masks {
    use std::arch::x86_64::{
        __m128i, _mm_add_epi8, _mm_cmpeq_epi8, _mm_cmplt_epi8, _mm_loadu_si128, _mm_movemask_epi8,
        _mm_or_si128, _mm_set1_epi8,
    };
    /// The sixteen bits of a comparison.
    #[inline(always)]
    fn bits(comparison: __m128i) -> u64 {
        // SAFETY: SSE2 is part of every x86-64 target.
        u64::from(unsafe { _mm_movemask_epi8(comparison) }.cast_unsigned())
    }
    /// The bytes in a range that starts at `first` and is `count` long.
    #[inline(always)]
    fn range(block: __m128i, first: u8, count: i8) -> __m128i {
        let offset = i8::MIN.wrapping_sub(first.cast_signed());
        // SAFETY: SSE2 is part of every x86-64 target.
        unsafe {
            let moved = _mm_add_epi8(block, _mm_set1_epi8(offset));
            _mm_cmplt_epi8(moved, _mm_set1_epi8(i8::MIN + count))
        }
    }
    let mut masks = Masks::default();
    for part in 0..4 {
        let shift = 16 * part;
        // SAFETY: SSE2 is part of every x86-64 target, and the four unaligned
        // loads of sixteen bytes lie within the chunk's sixty-four.
        unsafe {
            let block = _mm_loadu_si128(chunk.as_ptr().add(shift).cast());
            let folded = _mm_or_si128(block, _mm_set1_epi8(0x20));
            masks.letters |= bits(range(folded, b'a', 26)) << shift;
            if rules.cased {
                masks.lower |= bits(range(block, b'a', 26)) << shift;
            }
            masks.digits |= bits(range(block, b'0', 10)) << shift;
            let space = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x20));
            masks.spaces |= bits(space) << shift;
            masks.white |= bits(_mm_or_si128(space, range(block, b'\t', 5))) << shift;
            if rules.lines {
                let feed = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x0A));
                let carriage = _mm_cmpeq_epi8(block, _mm_set1_epi8(0x0D));
                masks.newlines |= bits(_mm_or_si128(feed, carriage)) << shift;
            }
            if rules.slashes {
                masks.slashes |= bits(_mm_cmpeq_epi8(block, _mm_set1_epi8(0x2F))) << shift;
            }
            if rules.contractions {
                masks.apostrophes |= bits(_mm_cmpeq_epi8(block, _mm_set1_epi8(0x27))) << shift;
            }
            masks.graphic |= bits(range(block, b'!', 94)) << shift;
        }
    }
    masks
}

#[cfg(not(target_arch = "x86_64"))]
#[inline(always)]
fn classify(chunk: &[u8; 64], _: Plain) -> Masks {
    let mut masks = Masks::default();
    for (index, byte) in chunk.iter().enumerate() {
        let bit = |is: bool| u64::from(is) << index;
        masks.letters |= bit(byte.is_ascii_alphabetic());
        masks.lower |= bit(byte.is_ascii_lowercase());
        masks.digits |= bit(byte.is_ascii_digit());
        masks.spaces |= bit(*byte == b' ');
        masks.white |= bit(matches!(byte, b' ' | 0x09..=0x0D));
        masks.newlines |= bit(matches!(byte, b'\r' | b'\n'));
        masks.slashes |= bit(*byte == b'/');
        masks.apostrophes |= bit(*byte == b'\'');
        masks.graphic |= bit(byte.is_ascii_graphic());
    }
    masks
}

/// Whether sixty-four bytes at a time are worth it on this machine.
pub(super) const WORTH_IT: bool = cfg!(target_arch = "x86_64");
