//! The `pattern` option: a family's name or a regular expression.

use super::json::quoted;
use crate::error::LoadError;
use crate::spec::{Dialect, Pattern, PreTokenizer, SplitBehavior};
use crate::split::Family;

/// The steps for a vocabulary of tiktoken kind.
pub(crate) fn tiktoken(pattern: &str) -> Result<Vec<PreTokenizer>, LoadError> {
    if let Some(family) = Family::by_name(pattern) {
        return Ok(family.steps());
    }
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if pattern.bytes().all(is_name) {
        let names = Family::ALL.map(Family::name).join(", ");
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
