//! The printable alphabet in which GPT-2's files, and all byte-level files of
//! Hugging Face, spell bytes: `Ġ` for a space, `Ċ` for a line feed.
//!
//! A byte that is a printable character of Latin-1 is spelled as itself; the
//! 68 others are spelled, in order, as the characters from U+0100 on.

/// Where the spelling of the unprintable bytes starts.
const MOVED: u32 = 0x100;

/// One more than the last character of the alphabet: there are 68 moved bytes.
const END: usize = 0x144;

const NONE: u16 = u16::MAX;

const fn is_printable(byte: u8) -> bool {
    matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF)
}

const fn byte_to_char() -> [char; 256] {
    let mut table = ['\0'; 256];
    let mut moved = MOVED;
    let mut byte = 0_u8;
    loop {
        let code = if is_printable(byte) {
            byte as u32
        } else {
            moved += 1;
            moved - 1
        };
        if let Some(character) = char::from_u32(code) {
            table[byte as usize] = character;
        }
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

const fn char_to_byte() -> [u16; END] {
    let mut table = [NONE; END];
    let mut byte = 0_u8;
    loop {
        table[BYTE_TO_CHAR[byte as usize] as usize] = byte as u16;
        if byte == u8::MAX {
            return table;
        }
        byte += 1;
    }
}

static BYTE_TO_CHAR: [char; 256] = byte_to_char();
static CHAR_TO_BYTE: [u16; END] = char_to_byte();

/// The character that spells a byte.
pub(crate) fn char_of(byte: u8) -> char {
    BYTE_TO_CHAR[usize::from(byte)]
}

/// The byte that a character spells.
pub(crate) fn byte_of(character: char) -> Option<u8> {
    let entry = CHAR_TO_BYTE.get(usize::try_from(u32::from(character)).ok()?)?;
    u8::try_from(*entry).ok()
}

/// The spelling of a byte string.
pub(crate) fn spell(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char_of(*byte)).collect()
}

/// The bytes that a string spells; `None` if a character of it is outside of
/// the alphabet.
pub(crate) fn unspell(text: &str) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    for character in text.chars() {
        bytes.push(byte_of(character)?);
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_the_table_of_gpt2() {
        assert_eq!(spell(b" \n\t!~\x7f\xa0\xad\xff\x00"), "ĠĊĉ!~ġłŃÿĀ");
        let mut all: Vec<char> = (0..=255).map(char_of).collect();
        assert!((0..=255).all(|byte| byte_of(char_of(byte)) == Some(byte)));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 256);
    }

    #[test]
    fn leaves_the_alphabet_alone() {
        for outside in [" ", "\n", "\u{7f}", "\u{ad}", "\u{144}", "中", "a\u{2581}"] {
            assert_eq!(unspell(outside), None, "{outside:?}");
        }
        assert_eq!(unspell("Ġhé"), Some(b" h\xe9".to_vec()));
        assert_eq!(unspell(""), Some(Vec::new()));
    }
}
