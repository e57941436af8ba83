//! File formats to [`Spec`].
//!
//! [`from_path`] and [`from_bytes`] tell the formats apart by content:
//! tiktoken rank files, Hugging Face `tokenizer.json` of BPE type, GPT-2's
//! `vocab.json` with `merges.txt`, Mistral's `tekken.json`, each also
//! gzipped. Loaders check the format and nothing else; whether the result
//! makes sense is for [`Spec::validate`] to say, which every way to a
//! [`Tokenizer`](crate::Tokenizer) goes through. What a file asks for and
//! tokenseam does not do is refused by name.

mod bpe;
pub(crate) mod byte_level;
mod gpt2;
pub(crate) mod hf_json;
mod json;
mod pattern;
mod source;
mod table;
mod tekken;
mod tiktoken;

use std::path::Path;

pub(crate) use bpe::fallback_byte;

use crate::error::LoadError;
use crate::spec::{AddedToken, Spec, Token};
use json::format;
use source::{Content, Files};

/// What a file leaves open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// How text is cut, for formats that do not say it: the name of a family
    /// (`gpt2`, `cl100k`, `o200k`, ...) or a regular expression as tiktoken
    /// reads it.
    pub pattern: Option<String>,
    /// Special tokens and their ids, on top of those in the file.
    pub special_tokens: Option<Vec<(String, u32)>>,
}

/// Reads a tokenizer from a file or a folder.
///
/// A folder is looked through for `tokenizer.json`, then `tekken.json`, then
/// `vocab.json` with `merges.txt`. The name of the spec is that of the file
/// or folder without its extensions.
pub fn from_path(path: &Path, options: &Options) -> Result<Spec, LoadError> {
    let mut spec = match source::files(path)? {
        Files::One(bytes) => from_bytes(&bytes, options)?,
        Files::VocabAndMerges(vocab, merges) => from_vocab_and_merges(&vocab, &merges, options)?,
    };
    spec.name = source::name(path);
    Ok(spec)
}

/// Reads a tokenizer from the bytes of one file.
pub fn from_bytes(bytes: &[u8], options: &Options) -> Result<Spec, LoadError> {
    let bytes = source::unzipped(bytes)?;
    let own = |what: &str| match options.pattern {
        Some(_) => Err(format(
            "pattern",
            format!("{what} says itself how text is cut; leave the pattern out"),
        )),
        None => Ok(()),
    };
    let mut spec = match source::content(&bytes)? {
        Content::RankFile => tiktoken::load(&bytes, options.pattern.as_deref())?,
        Content::TokenizerJson => {
            own("a tokenizer.json")?;
            hf_json::load(&bytes)?
        }
        Content::Tekken => {
            own("a tekken.json")?;
            tekken::load(&bytes)?
        }
    };
    add_special(&mut spec, options);
    Ok(spec)
}

/// Reads a tokenizer from GPT-2's two files. Text is cut as GPT-2 cuts it
/// unless the options say otherwise, and unless they name special tokens
/// `<|endoftext|>` is one if the vocabulary has it.
pub fn from_vocab_and_merges(
    vocab: &[u8],
    merges: &[u8],
    options: &Options,
) -> Result<Spec, LoadError> {
    let vocab = source::unzipped(vocab)?;
    let merges = source::unzipped(merges)?;
    gpt2::load(&vocab, &merges, options.pattern.as_deref(), options.special_tokens.as_deref())
}

/// A tokenizer of tiktoken kind from its parts: tokens and ranks, a pattern
/// (a family's name or a regular expression), special tokens and their ids.
pub fn from_ranks(
    ranks: Vec<(Vec<u8>, u32)>,
    pattern: &str,
    special_tokens: &[(String, u32)],
    name: &str,
) -> Result<Spec, LoadError> {
    let tokens = ranks.into_iter().map(|(bytes, id)| Token { id, bytes }).collect();
    let mut spec = tiktoken::spec(tokens, pattern::tiktoken(pattern)?);
    spec.name = name.to_owned();
    let special_tokens = Some(special_tokens.to_vec());
    add_special(&mut spec, &Options { pattern: None, special_tokens });
    Ok(spec)
}

/// A special token without any of the options that Hugging Face has for them.
fn special_token(text: &str, id: u32) -> AddedToken {
    AddedToken {
        id,
        content: text.to_owned(),
        special: true,
        lstrip: false,
        rstrip: false,
        single_word: false,
        normalized: false,
    }
}

/// Adds the special tokens of the options. One that the file has as an added
/// token with the same id becomes special.
fn add_special(spec: &mut Spec, options: &Options) {
    for (text, id) in options.special_tokens.iter().flatten() {
        let known =
            spec.added_tokens.iter_mut().find(|token| token.id == *id && token.content == *text);
        match known {
            Some(token) => token.special = true,
            None => spec.added_tokens.push(special_token(text, *id)),
        }
    }
    spec.added_tokens.sort_by_key(|token| token.id);
}
