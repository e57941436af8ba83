//! tiktoken rank files, and beside them what a rank file has no room for.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::derive::{last_merges, last_merges_by_rank};
use super::{TIKTOKEN, inexpressible, pattern};
use crate::error::SaveError;
use crate::spec::{Alphabet, Merges, Spec};

/// The tokens as a rank file, for a spec from which `tiktoken` can give the
/// same ids: with the pattern and the special tokens that
/// [`to_tiktoken_companion`] writes.
///
/// A template (tokens around a sequence) has no place in either; it does not
/// change the ids of the text itself.
pub fn to_tiktoken(spec: &Spec) -> Result<Vec<u8>, SaveError> {
    check(spec)?;
    let mut out = Vec::with_capacity(spec.model.tokens.len() * 18);
    let mut text = String::new();
    for token in &spec.model.tokens {
        text.clear();
        STANDARD.encode_string(&token.bytes, &mut text);
        out.extend_from_slice(text.as_bytes());
        out.push(b' ');
        out.extend_from_slice(token.id.to_string().as_bytes());
        out.push(b'\n');
    }
    Ok(out)
}

/// The pattern and the special tokens, as JSON:
/// `{"pattern": "...", "special_tokens": {"<|endoftext|>": 50256}}`.
pub fn to_tiktoken_companion(spec: &Spec) -> Result<Vec<u8>, SaveError> {
    check(spec)?;
    let special: Map<String, Value> = spec
        .added_tokens
        .iter()
        .map(|token| (token.content.clone(), Value::from(token.id)))
        .collect();
    let pattern = pattern::tiktoken(&spec.pre_tokenizers)?;
    let companion = json!({"pattern": pattern, "special_tokens": special});
    serde_json::to_vec_pretty(&companion)
        .map_err(|error| inexpressible(TIKTOKEN, error.to_string()))
}

fn check(spec: &Spec) -> Result<(), SaveError> {
    if spec.model.alphabet != Alphabet::Bytes {
        return Err(inexpressible(TIKTOKEN, "it merges characters rather than bytes"));
    }
    if !spec.normalizers.is_empty() {
        return Err(inexpressible(TIKTOKEN, "it normalizes text, which tiktoken never does"));
    }
    if !spec.decoders.is_empty() {
        return Err(inexpressible(TIKTOKEN, "it has a decoder, which tiktoken has not"));
    }
    for token in &spec.added_tokens {
        if !token.special || token.lstrip || token.rstrip || token.single_word {
            let why = format!(
                "the added token {:?} is not special, or takes white space along, or matches only \
                 whole words",
                token.content
            );
            return Err(inexpressible(TIKTOKEN, why));
        }
    }
    pattern::tiktoken(&spec.pre_tokenizers)?;
    check_merges(spec)
}

/// Listed merges can be left to ranks if both build the same tokens by the
/// same last merges in the same order.
fn check_merges(spec: &Spec) -> Result<(), SaveError> {
    if spec.model.merges == Merges::Ranks {
        return Ok(());
    }
    let listed = last_merges(&spec.model).merges;
    let ranked = last_merges_by_rank(&spec.model).merges;
    let mut previous = None;
    for ((token, listed), ranked) in spec.model.tokens.iter().zip(&listed).zip(&ranked) {
        let shown = || format!("\"{}\" (id {})", token.bytes.escape_ascii(), token.id);
        if listed.map(|(_, merge)| merge) != ranked.map(|(_, merge)| merge) {
            let why = format!(
                "ranks would build the token {} from other parts than its merges do",
                shown()
            );
            return Err(inexpressible(TIKTOKEN, why));
        }
        let Some((rank, _)) = listed else {
            if token.bytes.len() > 1 && !spec.model.ignore_merges {
                let why = format!(
                    "no merge builds the token {}, but tiktoken would use it for a pre-token that \
                     equals it",
                    shown()
                );
                return Err(inexpressible(TIKTOKEN, why));
            }
            continue;
        };
        if previous.is_some_and(|previous| previous > *rank) {
            let why = format!("the order of ids is not that of merges at the token {}", shown());
            return Err(inexpressible(TIKTOKEN, why));
        }
        previous = Some(*rank);
    }
    Ok(())
}
