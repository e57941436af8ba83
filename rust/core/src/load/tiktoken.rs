//! tiktoken rank files: a line `base64 rank` for each token.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::json::{format, quoted};
use super::pattern;
use crate::error::LoadError;
use crate::spec::{Alphabet, Merges, Model, PreTokenizer, Spec, Token};

/// Whether a file looks like a rank file: its first line is one of one.
pub(crate) fn is_rank_file(bytes: &[u8]) -> bool {
    let first = bytes.split(|byte| *byte == b'\n').find(|line| !line.trim_ascii().is_empty());
    first.is_some_and(|line| entry(line).is_ok())
}

/// Reads a rank file. `pattern` is a family's name or a regular expression.
pub(crate) fn load(bytes: &[u8], pattern: Option<&str>) -> Result<Spec, LoadError> {
    let mut tokens = Vec::with_capacity(bytes.len() / 16);
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        let entry = entry(line);
        tokens.push(entry.map_err(|problem| format(format!("line {}", index + 1), problem))?);
    }
    let Some(pattern) = pattern else {
        return Err(format(
            "pattern",
            "a rank file does not say how text is cut; pass the name of a family, such as \
             pattern=\"cl100k\", or a regular expression",
        ));
    };
    Ok(spec(tokens, pattern::tiktoken(pattern)?))
}

/// A spec from ranks; the order of `tokens` does not matter.
pub(crate) fn spec(mut tokens: Vec<Token>, pre_tokenizers: Vec<PreTokenizer>) -> Spec {
    tokens.sort_by_key(|token| token.id);
    Spec {
        name: String::new(),
        model: Model {
            alphabet: Alphabet::Bytes,
            tokens,
            merges: Merges::Ranks,
            ignore_merges: true,
        },
        normalizers: Vec::new(),
        pre_tokenizers,
        added_tokens: Vec::new(),
        template: None,
        decoders: Vec::new(),
    }
}

/// One line: a token in base64, white space, its rank.
fn entry(line: &[u8]) -> Result<Token, String> {
    let shown = || quoted(&String::from_utf8_lossy(line.get(..80.min(line.len())).unwrap_or(b"")));
    let line = line.trim_ascii();
    let Some(gap) = line.iter().position(u8::is_ascii_whitespace) else {
        return Err(format!("{} is not a token in base64 and a rank", shown()));
    };
    let (token, rank) = line.split_at(gap);
    let rank = rank.trim_ascii_start();
    let id = decimal(rank).ok_or_else(|| {
        format!("the rank in {} is not a whole number from 0 to 4294967295", shown())
    })?;
    let bytes = STANDARD
        .decode(token)
        .map_err(|error| format!("the token in {} is not base64: {error}", shown()))?;
    Ok(Token { id, bytes })
}

/// A number in decimal digits only, below 2^32.
fn decimal(digits: &[u8]) -> Option<u32> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u32, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u32::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn reads_lines() {
        let spec = load(b"YWI= 1\r\n\nYQ==\t0\n", Some("x+")).unwrap();
        let tokens: Vec<_> = spec.model.tokens.iter().map(|t| (t.id, &t.bytes[..])).collect();
        assert_eq!(tokens, [(0, b"a".as_slice()), (1, b"ab")]);
        assert_eq!(spec.model.merges, Merges::Ranks);
    }

    #[test]
    fn names_the_line() {
        for (file, line, part) in [
            ("YQ== 0\nYg==", 2, "is not a token in base64 and a rank"),
            ("YQ== 0\n\nYg== x", 3, "the rank in"),
            ("YQ== -1", 1, "the rank in"),
            ("YQ== 4294967296", 1, "the rank in"),
            ("YQ== 1.5", 1, "the rank in"),
            ("Y*== 1", 1, "is not base64"),
            ("YQ== 1 2", 1, "the rank in"),
        ] {
            let error = load(file.as_bytes(), Some("x")).unwrap_err().to_string();
            assert!(error.starts_with(&format!("line {line}: ")), "{error}");
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn asks_for_a_pattern() {
        let error = load(b"YQ== 0", None).unwrap_err().to_string();
        assert!(error.starts_with("pattern: a rank file does not say"), "{error}");
    }
}
