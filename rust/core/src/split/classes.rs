//! The class of every Unicode character, as one byte.
//!
//! The table is built when first needed from `regex-syntax`, the parser of
//! the regular-expression engines, so that scanners and engines always agree
//! on the Unicode version.

use std::sync::LazyLock;

use regex_syntax::hir::{Class, HirKind};

use crate::ids::widen;

/// No letter, number, mark, punctuation, symbol or white space.
pub(super) const OTHER: u8 = 0;
/// `Lu` and `Lt`.
pub(super) const UPPER: u8 = 1;
/// `Ll`.
pub(super) const LOWER: u8 = 2;
/// `Lm` and `Lo`: letters without case.
pub(super) const CASELESS: u8 = 3;
/// `M`.
pub(super) const MARK: u8 = 4;
/// `N`.
pub(super) const NUMBER: u8 = 5;
/// `P`.
pub(super) const PUNCTUATION: u8 = 6;
/// `S`.
pub(super) const SYMBOL: u8 = 7;
/// `White_Space` but for carriage return and line feed.
pub(super) const SPACE: u8 = 8;
/// Carriage return and line feed.
pub(super) const NEWLINE: u8 = 9;
/// A character that the standard library counts as a number (Hugging Face's
/// `Digits` asks it) and that is [`OTHER`] in the older Unicode version of
/// `regex-syntax`.
pub(super) const LATER_NUMBER: u8 = 10;
/// The class reported past the end of the text; in no set.
pub(super) const END: u8 = 15;

/// The low bits of a table entry that hold the class.
#[cfg(test)]
const CLASS: u8 = 0x0F;
/// The entry's flag for U+4E00..=U+9FA5 and U+3040..=U+30FF, which DeepSeek
/// V3 cuts out as runs of their own.
pub(super) const IDEOGRAPH_OR_KANA: u8 = 0x10;
/// The entry's flag for the Unicode script Han.
pub(super) const HAN: u8 = 0x20;

/// A set of characters: bit `e` for those whose table entry is `e`.
pub(super) type Set = u64;

/// The set of one class, whatever the flags.
pub(super) const fn only(class: u8) -> Set {
    0x0001_0001_0001_0001 << class
}

/// `\p{L}`.
pub(super) const LETTERS: Set = only(UPPER) | only(LOWER) | only(CASELESS);
/// `\p{M}`.
pub(super) const MARKS: Set = only(MARK);
/// `\p{N}`.
pub(super) const NUMBERS: Set = only(NUMBER);
/// What Hugging Face's `Digits` takes for digits.
pub(super) const DIGITS: Set = NUMBERS | only(LATER_NUMBER);
/// `[\r\n]`.
pub(super) const NEWLINES: Set = only(NEWLINE);
/// `\s`.
pub(super) const SPACES: Set = only(SPACE) | NEWLINES;
/// Every real character.
const ALL: Set = {
    let mut set = 0;
    let mut class = OTHER;
    while class <= LATER_NUMBER {
        set |= only(class);
        class += 1;
    }
    set
};
/// The characters that have [`IDEOGRAPH_OR_KANA`].
pub(super) const IDEOGRAPHS_OR_KANA: Set = ALL & 0xFFFF_0000_FFFF_0000;
/// `\p{Han}`.
pub(super) const HANS: Set = ALL & 0xFFFF_FFFF_0000_0000;

/// `[^...]`.
pub(super) const fn except(set: Set) -> Set {
    ALL & !set
}

/// Whether a character with this table entry is in a set.
#[inline(always)]
pub(super) fn within(entry: u8, set: Set) -> bool {
    (set >> (entry & 0x3F)) & 1 != 0
}

/// The entries of the ASCII characters, which the hot paths read without
/// touching the large table.
static ASCII: [u8; 128] = ascii();

const fn ascii() -> [u8; 128] {
    let mut table = [OTHER; 128];
    let mut byte = 0u8;
    while byte < 128 {
        table[byte as usize] = match byte {
            b'A'..=b'Z' => UPPER,
            b'a'..=b'z' => LOWER,
            b'0'..=b'9' => NUMBER,
            b'\r' | b'\n' => NEWLINE,
            b' ' | b'\t' | 0x0B | 0x0C => SPACE,
            b'$' | b'+' | b'<' | b'=' | b'>' | b'^' | b'`' | b'|' | b'~' => SYMBOL,
            0..=0x1F | 0x7F => OTHER,
            _ => PUNCTUATION,
        };
        byte += 1;
    }
    table
}

/// One entry for every code point.
type Table = [u8; 0x11_0000];

static TABLE: LazyLock<Box<Table>> = LazyLock::new(build);

/// The table; building it takes a few milliseconds the first time.
pub(super) fn table() -> &'static Table {
    &TABLE
}

fn build() -> Box<Table> {
    let zeros: Box<[u8]> = vec![OTHER; 0x11_0000].into_boxed_slice();
    // The length is the array's, so the conversion cannot fail; the empty
    // branch is unreachable.
    let Ok(mut table) = <Box<Table>>::try_from(zeros) else { unreachable!() };
    for (pattern, class) in [
        (r"[\p{Lu}\p{Lt}]", UPPER),
        (r"\p{Ll}", LOWER),
        (r"[\p{Lm}\p{Lo}]", CASELESS),
        (r"\p{M}", MARK),
        (r"\p{N}", NUMBER),
        (r"\p{P}", PUNCTUATION),
        (r"\p{S}", SYMBOL),
        (r"\s", SPACE),
        (r"[\r\n]", NEWLINE),
    ] {
        for_each(pattern, |point| table[point] = class);
    }
    for_each(r"\P{N}", |point| {
        let c = u32::try_from(point).ok().and_then(char::from_u32);
        if table[point] == OTHER && c.is_some_and(char::is_numeric) {
            table[point] = LATER_NUMBER;
        }
    });
    for_each("[一-龥\u{3040}-ゟ゠-ヿ]", |point| table[point] |= IDEOGRAPH_OR_KANA);
    for_each(r"\p{Han}", |point| table[point] |= HAN);
    table
}

/// Calls `mark` with every code point of a pattern that is one character
/// class.
fn for_each(pattern: &str, mut mark: impl FnMut(usize)) {
    let parsed = regex_syntax::parse(pattern);
    debug_assert!(parsed.is_ok(), "{pattern}");
    let Ok(hir) = parsed else { return };
    if let HirKind::Class(Class::Unicode(class)) = hir.kind() {
        for range in class.ranges() {
            for point in u32::from(range.start())..=u32::from(range.end()) {
                mark(widen(point));
            }
        }
    }
}

/// A text with the table at hand.
#[derive(Clone, Copy)]
pub(super) struct Text<'t> {
    /// The bytes.
    pub(super) bytes: &'t [u8],
    table: &'static Table,
}

impl<'t> Text<'t> {
    pub(super) fn new(bytes: &'t [u8]) -> Self {
        Text { bytes, table: table() }
    }

    /// The byte at a position; 0xFF, which occurs in no character, past the
    /// end.
    #[inline(always)]
    pub(super) fn byte(&self, position: usize) -> u8 {
        self.bytes.get(position).copied().unwrap_or(0xFF)
    }

    /// The table entry and the length of the character at a position:
    /// `(END, 0)` past the end, `(SYMBOL, 1)` (the class of U+FFFD) for a
    /// byte that starts no valid character.
    #[inline(always)]
    pub(super) fn at(&self, position: usize) -> (u8, usize) {
        #[cfg(test)]
        looks::add(1);
        match self.bytes.get(position) {
            None => (END, 0),
            Some(&byte) => match ASCII.get(usize::from(byte)) {
                Some(&entry) => (entry, 1),
                None => self.wide(position),
            },
        }
    }

    /// [`Text::at`] for a byte that is not ASCII.
    #[inline]
    fn wide(&self, position: usize) -> (u8, usize) {
        let tail = self.bytes.get(position..).unwrap_or_default();
        let decoded = match *tail {
            [a @ 0xC2..=0xDF, b, ..] if b & 0xC0 == 0x80 => {
                Some((usize::from(a & 0x1F) << 6 | usize::from(b & 0x3F), 2))
            }
            [a @ 0xE0..=0xEF, b, c, ..] if b & 0xC0 == 0x80 && c & 0xC0 == 0x80 => {
                let point = usize::from(a & 0x0F) << 12
                    | usize::from(b & 0x3F) << 6
                    | usize::from(c & 0x3F);
                let valid = point >= 0x800 && !(0xD800..=0xDFFF).contains(&point);
                valid.then_some((point, 3))
            }
            [a @ 0xF0..=0xF4, b, c, d, ..]
                if b & 0xC0 == 0x80 && c & 0xC0 == 0x80 && d & 0xC0 == 0x80 =>
            {
                let point = usize::from(a & 0x07) << 18
                    | usize::from(b & 0x3F) << 12
                    | usize::from(c & 0x3F) << 6
                    | usize::from(d & 0x3F);
                (0x1_0000..0x11_0000).contains(&point).then_some((point, 4))
            }
            _ => None,
        };
        match decoded.and_then(|(point, length)| Some((*self.table.get(point)?, length))) {
            Some(found) => found,
            None => (SYMBOL, 1),
        }
    }

    /// The end of the run of characters of a set from a position on.
    #[inline(always)]
    pub(super) fn run(&self, mut position: usize, set: Set) -> usize {
        loop {
            let (entry, length) = self.at(position);
            if !within(entry, set) {
                return position;
            }
            position += length;
        }
    }

    /// [`Text::run`] for a set that has all ASCII letters (with `LOWER_ONLY`
    /// just the lower-case ones) and no other ASCII character: the same,
    /// faster.
    #[inline(always)]
    pub(super) fn letters<const LOWER_ONLY: bool>(&self, mut position: usize, set: Set) -> usize {
        loop {
            let end = super::scan::ascii::letters::<LOWER_ONLY>(self.bytes, position);
            #[cfg(test)]
            looks::add(end - position);
            position = end;
            loop {
                match self.bytes.get(position) {
                    None => return position,
                    Some(byte) if byte.is_ascii() => break,
                    Some(_) => {}
                }
                #[cfg(test)]
                looks::add(1);
                let (entry, length) = self.wide(position);
                if !within(entry, set) {
                    return position;
                }
                position += length;
            }
            let (entry, _) = self.at(position);
            if !within(entry, set) {
                return position;
            }
        }
    }
}

/// How many characters a thread's scanners have looked at, for the tests that
/// show that they are linear.
#[cfg(test)]
pub(super) mod looks {
    use std::cell::Cell;

    thread_local!(static LOOKS: Cell<usize> = const { Cell::new(0) });

    pub(in crate::split) fn add(count: usize) {
        LOOKS.set(LOOKS.get() + count);
    }

    pub(in crate::split) fn get() -> usize {
        LOOKS.get()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]

    use super::*;

    fn class_of(pattern: &str) -> impl Fn(char) -> bool {
        let regex = regex_automata::meta::Regex::new(&format!("^(?:{pattern})$")).unwrap();
        move |c| regex.is_match(c.encode_utf8(&mut [0; 4]).as_bytes())
    }

    #[test]
    fn every_character_has_the_class_that_the_regex_engine_gives_it() {
        let classes = [
            (r"[\p{Lu}\p{Lt}]", UPPER),
            (r"\p{Ll}", LOWER),
            (r"[\p{Lm}\p{Lo}]", CASELESS),
            (r"\p{M}", MARK),
            (r"\p{N}", NUMBER),
            (r"\p{P}", PUNCTUATION),
            (r"\p{S}", SYMBOL),
            (r"[\s--\r\n]", SPACE),
            (r"[\r\n]", NEWLINE),
            (r"[\p{C}--\s]", OTHER),
        ]
        .map(|(pattern, class)| (class_of(pattern), class));
        let han = class_of(r"\p{Script=Han}");
        let cut = class_of(r"[\x{4E00}-\x{9FA5}\x{3040}-\x{30FF}]");
        for c in '\0'..=char::MAX {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            let (entry, length) = Text::new(bytes).at(0);
            assert_eq!(length, bytes.len(), "{c:?}");
            let found: Vec<u8> =
                classes.iter().filter(|(is, _)| is(c)).map(|(_, class)| *class).collect();
            let class = match entry & CLASS {
                LATER_NUMBER => {
                    assert!(c.is_numeric(), "{c:?}");
                    OTHER
                }
                class => class,
            };
            assert_eq!(found, [class], "{c:?}");
            assert!(!c.is_numeric() || within(entry, DIGITS), "{c:?}");
            assert_eq!(entry & HAN != 0, han(c), "{c:?}");
            assert_eq!(entry & IDEOGRAPH_OR_KANA != 0, cut(c), "{c:?}");
        }
    }

    #[test]
    fn a_byte_is_part_of_a_character_exactly_where_the_standard_library_says_so() {
        let interesting = [
            0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1, 0xC2, 0xDF, 0xE0,
            0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xF8, 0xFF,
        ];
        for a in interesting {
            for b in interesting {
                for c in interesting {
                    for d in interesting {
                        let bytes = [a, b, c, d];
                        let expected = (1..=4)
                            .find(|n| std::str::from_utf8(&bytes[..*n]).is_ok())
                            .unwrap_or(0);
                        let (entry, length) = Text::new(&bytes).at(0);
                        if expected == 0 {
                            assert_eq!((entry, length), (SYMBOL, 1), "{bytes:x?}");
                        } else {
                            assert_eq!(length, expected, "{bytes:x?}");
                        }
                    }
                }
            }
        }
        assert_eq!(Text::new(b"").at(0), (END, 0));
        assert_eq!(Text::new("é".as_bytes()).at(2), (END, 0));
        for cut in 1..3 {
            assert_eq!(Text::new(&"中".as_bytes()[..cut]).at(0), (SYMBOL, 1));
        }
    }
}
