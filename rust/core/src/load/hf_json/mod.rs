//! Hugging Face `tokenizer.json` of BPE type.
//!
//! Field names and defaults are those that `tokenizers` 0.23 reads. Two
//! things differ on purpose. A field that is not known is refused, because it
//! could change ids. And the ids of added tokens are those in the file, where
//! `tokenizers` numbers added tokens that are not in the vocabulary anew.

mod added;
mod decoder;
mod file;
mod normalizer;
mod pre_tokenizer;
mod processor;

use super::bpe::{self, Places};
use super::json::{Reader, unsupported_but};
use crate::error::LoadError;
use crate::spec::{Decoder, Spec};
use file::{File, FileSeed};

pub(crate) use pre_tokenizer::gpt2_split;

const PLACES: Places = Places { vocab: "model.vocab", merges: "model.merges" };

/// Reads a `tokenizer.json`.
pub(crate) fn load(bytes: &[u8]) -> Result<Spec, LoadError> {
    let reader = Reader::default();
    let file: File<'_> = reader.read(bytes, FileSeed(&reader))?;
    let normalizers = normalizer::read(&file.normalizer)?;
    let steps = pre_tokenizer::read(&file.pre_tokenizer)?;
    let decoder = decoder::read(&file.decoder)?;
    let template = processor::read(&file.post_processor)?;
    let decoders = decoders(steps.byte_level, decoder)?;
    let model = bpe::model(&file.model, steps.byte_level, &file.added_tokens, PLACES)?;
    Ok(Spec {
        name: String::new(),
        model,
        normalizers,
        pre_tokenizers: steps.steps,
        added_tokens: file.added_tokens,
        template,
        decoders,
    })
}

/// The steps of the decoder beyond what the alphabet implies: a byte-level
/// model's tokens are bytes already.
fn decoders(byte_level: bool, decoder: decoder::Steps) -> Result<Vec<Decoder>, LoadError> {
    match (byte_level, decoder.byte_level) {
        (false, true) => Err(unsupported_but(
            "decoder",
            "a ByteLevel decoder without a ByteLevel pre-tokenizer",
            "add ByteLevel to pre_tokenizer if the vocabulary is spelled in bytes",
        )),
        (true, false) if !decoder.steps.is_empty() => Err(unsupported_but(
            "decoder",
            "a decoder other than ByteLevel for a byte-level model",
            "set it to {\"type\": \"ByteLevel\", ...} or null",
        )),
        _ => Ok(decoder.steps),
    }
}
