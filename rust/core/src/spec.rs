//! A tokenizer as plain data: the one currency of load, train and save.
//!
//! Loaders produce a [`Spec`], savers consume one, and
//! [`Tokenizer::new`](crate::Tokenizer::new) is the only place where a `Spec`
//! is checked. A `Spec` holds token *bytes*, never a file format's spelling of
//! them (byte-level characters, `<0x0A>`), except that SentencePiece-style
//! models keep `▁` in their tokens because their merges are defined on it.

use serde::{Deserialize, Serialize};

/// A whole tokenizer as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// A display name such as `cl100k_base`; empty when unknown.
    pub name: String,
    /// The BPE model.
    pub model: Model,
    /// Applied in order to each text segment between added tokens.
    pub normalizers: Vec<Normalizer>,
    /// Applied in order; each step cuts the pieces of the one before.
    pub pre_tokenizers: Vec<PreTokenizer>,
    /// Special and added tokens, which are matched in the text before
    /// anything else.
    pub added_tokens: Vec<AddedToken>,
    /// Tokens put around a sequence when `add_special_tokens` is asked for.
    pub template: Option<Template>,
    /// Turns the bytes of tokens back into text. Empty: concatenate.
    pub decoders: Vec<Decoder>,
}

/// A byte-pair-encoding model: vocabulary and merges.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Model {
    /// What the initial symbols of a pre-token are.
    pub alphabet: Alphabet,
    /// The vocabulary in ascending order of id. Added tokens that the file
    /// lists apart from its vocabulary are not in here.
    pub tokens: Vec<Token>,
    /// Which pairs merge, and in what order.
    pub merges: Merges,
    /// A pre-token that is a token as a whole is not taken apart, even when
    /// merging would not build it (Llama 3, and every tiktoken vocabulary).
    pub ignore_merges: bool,
}

/// One entry of the vocabulary.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Token {
    /// Its id.
    pub id: u32,
    /// Its bytes; with [`Alphabet::Characters`], UTF-8 that has `▁` for a
    /// space, or the literal `<0x0A>` spelling for a byte-fallback token.
    pub bytes: Vec<u8>,
}

/// The initial symbols that merging starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Alphabet {
    /// Single bytes: GPT-2 and its successors. All 256 must be tokens.
    Bytes,
    /// Unicode characters: SentencePiece-style BPE (Llama 2, Mistral, Gemma).
    Characters {
        /// A character that is no token becomes its UTF-8 bytes' `<0xNN>`
        /// tokens.
        byte_fallback: bool,
        /// The id for a character that is no token and cannot fall back.
        unk: Option<u32>,
        /// Consecutive unknown characters give one `unk`.
        fuse_unk: bool,
    },
}

/// Which adjacent pairs merge. Lower rank first, then leftmost.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Merges {
    /// tiktoken: any two adjacent symbols whose concatenation is a token may
    /// merge; the rank is the order of the concatenation's id.
    Ranks,
    /// Hugging Face: listed pairs, in rank order.
    Pairs(Vec<Merge>),
}

/// One listed merge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Merge {
    /// Id of the left symbol.
    pub left: u32,
    /// Id of the right symbol.
    pub right: u32,
    /// Id of the result, whose bytes are the concatenation.
    pub merged: u32,
}

impl Merge {
    /// The two sides in one number, which sorts by left side, then by right.
    pub fn pair(&self) -> u64 {
        (u64::from(self.left) << 32) | u64::from(self.right)
    }
}

/// A text-to-text step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Normalizer {
    /// Unicode canonical composition.
    Nfc,
    /// Unicode canonical decomposition.
    Nfd,
    /// Unicode compatibility composition.
    Nfkc,
    /// Unicode compatibility decomposition.
    Nfkd,
    /// Full Unicode lower-casing, character by character.
    Lowercase,
    /// Remove white space at the ends.
    Strip {
        /// At the start.
        left: bool,
        /// At the end.
        right: bool,
    },
    /// Remove combining marks.
    StripAccents,
    /// Put a string in front of a text that is not empty.
    Prepend(String),
    /// Replace every occurrence of a literal string.
    ReplaceLiteral {
        /// What to look for; not empty.
        from: String,
        /// What to put there.
        to: String,
    },
    /// Replace every match of a regular expression.
    ReplaceRegex {
        /// The pattern as written in the file.
        pattern: String,
        /// What to put there, literally.
        to: String,
    },
}

/// What becomes of the matches of a [`PreTokenizer::Split`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SplitBehavior {
    /// A match is a piece of its own.
    Isolated,
    /// A match joins the piece before it.
    MergedWithPrevious,
    /// A match joins the piece after it.
    MergedWithNext,
    /// Adjacent matches form one piece.
    Contiguous,
}

/// When a [`PreTokenizer::Metaspace`] puts its mark in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PrependScheme {
    /// In front of every segment.
    Always,
    /// Only in front of the segment at the start of the text.
    First,
    /// Never.
    Never,
}

/// A step that cuts text into pieces. Cuts only: every byte is in a piece.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PreTokenizer {
    /// Cut at the matches of a regular expression or a literal.
    Split {
        /// The pattern.
        pattern: Pattern,
        /// What becomes of a match.
        behavior: SplitBehavior,
        /// Swap matches and what lies between them.
        invert: bool,
    },
    /// Cut out decimal digits (Unicode `N*` as `char::is_numeric`).
    Digits {
        /// Each digit a piece of its own, rather than each run.
        individual: bool,
    },
    /// Put a space in front of a segment that does not start with one
    /// (`ByteLevel` with `add_prefix_space`). Only as the first step.
    PrefixSpace,
    /// Write spaces as `replacement`, put one in front, and (with `split`)
    /// cut in front of each. Only as the first step.
    Metaspace {
        /// Usually `▁`.
        replacement: char,
        /// When to put one in front.
        prepend: PrependScheme,
        /// Whether to cut.
        split: bool,
    },
}

/// A pattern of a [`PreTokenizer::Split`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// A regular expression, as published, and whose dialect it is in.
    Regex {
        /// The text of the pattern.
        text: String,
        /// How to read it.
        dialect: Dialect,
    },
    /// A literal string; not empty.
    Literal(String),
}

/// The regular-expression dialect a pattern was written for. They differ in
/// possessive quantifiers and in what `$` and `^` mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dialect {
    /// tiktoken's (the Rust `fancy-regex` crate).
    Tiktoken,
    /// Hugging Face's (Oniguruma, Ruby syntax).
    HuggingFace,
}

/// A token that is found in the text as a string rather than by merging.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AddedToken {
    /// Its id.
    pub id: u32,
    /// Its text.
    pub content: String,
    /// A control token: recognised only when the caller allows it.
    pub special: bool,
    /// Takes the white space to its left along.
    pub lstrip: bool,
    /// Takes the white space to its right along.
    pub rstrip: bool,
    /// Matches only where no word character touches it.
    pub single_word: bool,
    /// Is matched in the normalized text rather than the raw one.
    pub normalized: bool,
}

/// Tokens around a sequence (`TemplateProcessing`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// For one sequence.
    pub single: Vec<TemplatePiece>,
    /// For a pair of sequences.
    pub pair: Vec<TemplatePiece>,
}

/// One item of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TemplatePiece {
    /// The first sequence, with its type id.
    A(u32),
    /// The second sequence, with its type id.
    B(u32),
    /// Special tokens: the name in the file, their ids, and the type id.
    Special {
        /// The name in the file.
        name: String,
        /// The ids it stands for, with their texts.
        tokens: Vec<(u32, String)>,
        /// The type id.
        type_id: u32,
    },
}

/// A step from token strings to text, in Hugging Face's terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Decoder {
    /// `<0xNN>` tokens become bytes; runs that are not UTF-8 become U+FFFD.
    ByteFallback,
    /// Join all tokens into one string.
    Fuse,
    /// Replace a literal in each token (in the joined string after `Fuse`).
    Replace {
        /// What to look for; not empty.
        from: String,
        /// What to put there.
        to: String,
    },
    /// Remove up to `start` and `stop` copies of a character at the ends.
    Strip {
        /// The character.
        content: char,
        /// How many at the start.
        start: usize,
        /// How many at the end.
        stop: usize,
    },
    /// Undo [`PreTokenizer::Metaspace`].
    Metaspace {
        /// Usually `▁`.
        replacement: char,
        /// As in the pre-tokenizer.
        prepend: PrependScheme,
    },
}
