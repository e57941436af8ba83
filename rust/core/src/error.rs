//! One error type for each phase: load, encode, decode, save.
//!
//! Every message says what is wrong, where (field, line, byte offset or
//! token), and what to do. The Python classes of the same names are in
//! `tokenseam.errors`.

use thiserror::Error;

/// Why a vocabulary could not become a tokenizer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file could not be read at all.
    #[error("cannot read {path}: {reason}")]
    Read {
        /// The path as given.
        path: String,
        /// What the operating system said.
        reason: String,
        /// Whether the file does not exist.
        missing: bool,
    },
    /// The bytes are not the format they should be: truncated, not JSON, a
    /// field of the wrong type, a line that is not `base64 rank`.
    #[error("{place}: {problem}")]
    Format {
        /// The field or line.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The file is well formed but asks for something that tokenseam does
    /// not do; it is refused by name, never approximated.
    #[error("{place}: {what} is not supported{advice}")]
    Unsupported {
        /// The field.
        place: String,
        /// The name of the component or option.
        what: String,
        /// Empty, or `; ` and what to do instead.
        advice: String,
    },
    /// The vocabulary contradicts itself: a missing byte, a duplicate id, a
    /// merge whose result is not a token.
    #[error("{place}: {problem}")]
    Vocabulary {
        /// The field, token or id.
        place: String,
        /// What is wrong and what to do.
        problem: String,
    },
    /// The pre-tokenizer's pattern cannot be compiled or is refused.
    #[error("{place}: {problem}")]
    Pattern {
        /// The field.
        place: String,
        /// What is wrong with the pattern.
        problem: String,
    },
}

/// Why a text could not be encoded.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The text contains a special token that was not allowed.
    #[error(
        "the text contains the special token {token:?} at byte {offset}; pass it in \
         allowed_special to encode it as one token, or pass disallowed_special=() to \
         encode it as plain text"
    )]
    DisallowedSpecial {
        /// The special token found.
        token: String,
        /// Its byte offset in the text.
        offset: usize,
    },
    /// `allowed_special` or `disallowed_special` names something that is not
    /// a special token of this tokenizer.
    #[error("{token:?} is not a special token of this tokenizer; it has {known}")]
    UnknownSpecial {
        /// The name given.
        token: String,
        /// The names there are.
        known: String,
    },
    /// A user-supplied pattern exceeded its work limit on this text.
    #[error(
        "the pre-tokenizer's pattern gave up at byte {offset}: {reason}; rewrite the pattern \
         without look-around or back-references, which runs in linear time"
    )]
    PatternLimit {
        /// Where in the text the match started.
        offset: usize,
        /// What the engine said.
        reason: String,
    },
}

/// Why ids could not be decoded, or a token not be looked up.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// An id that names no token.
    #[error("id {id} at position {position} is not a token: {why}")]
    UnknownId {
        /// The id.
        id: u32,
        /// Its index in the sequence.
        position: usize,
        /// Out of range, or a hole in the vocabulary.
        why: String,
    },
    /// Bytes that are not a token.
    #[error("{bytes} is not a token of this vocabulary")]
    UnknownBytes {
        /// The bytes, escaped.
        bytes: String,
    },
}

/// Why a tokenizer could not be saved.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum SaveError {
    /// The file could not be written.
    #[error("cannot write {path}: {reason}")]
    Write {
        /// The path as given.
        path: String,
        /// What the operating system said.
        reason: String,
    },
    /// The form asked for cannot express this tokenizer.
    #[error("{form} cannot express this tokenizer: {why}")]
    Inexpressible {
        /// `tokenizer.json` or `tiktoken`.
        form: &'static str,
        /// What is in the way.
        why: String,
    },
}
