//! The `pattern` option: a family's name or a regular expression.

use super::json::quoted;
use crate::error::LoadError;
use crate::spec::{Dialect, Pattern, PreTokenizer, SplitBehavior};

/// The steps for a vocabulary of tiktoken kind.
pub(crate) fn tiktoken(pattern: &str) -> Result<Vec<PreTokenizer>, LoadError> {
    if let Some(text) = named(pattern) {
        return Ok(vec![split(text)]);
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if pattern.bytes().all(is_name) {
        let names = NAMES.map(|(name, _)| name).join(", ");
        return Err(LoadError::Pattern {
            place: "pattern".to_owned(),
            problem: format!(
                "{} is not the name of a family; use one of {names}, or a regular expression",
                quoted(pattern)
            ),
        });
    }
    Ok(vec![split(pattern)])
}

/// A regular expression of tiktoken's dialect as a step.
pub(crate) fn split(text: &str) -> PreTokenizer {
    PreTokenizer::Split {
        pattern: Pattern::Regex { text: text.to_owned(), dialect: Dialect::Tiktoken },
        behavior: SplitBehavior::Isolated,
        invert: false,
    }
}

fn named(name: &str) -> Option<&'static str> {
    NAMES.iter().find(|(known, _)| *known == name).map(|(_, text)| *text)
}

const NAMES: [(&str, &str); 3] = [
    ("gpt2", r"'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"),
    (
        "cl100k",
        r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,3}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    ),
    (
        "o200k",
        r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
    ),
];
