//! Hugging Face `tokenizer.json`.

use hashbrown::HashMap;
use serde_json::Value;

use super::derive::last_merges;
use super::{JSON, components, inexpressible};
use crate::error::SaveError;
use crate::ids::widen;
use crate::load::byte_level;
use crate::spec::{AddedToken, Alphabet, Merge, Merges, Spec};

/// The spec as a `tokenizer.json` from which `tokenizers` gives the same ids.
///
/// A model that merges by rank is written with one merge for each token that
/// merging builds. `tokenizers` numbers added tokens itself unless the
/// vocabulary has them, so those that it would number otherwise are written
/// into the vocabulary as well.
pub fn to_tokenizer_json(spec: &Spec) -> Result<Vec<u8>, SaveError> {
    let byte_level = spec.model.alphabet == Alphabet::Bytes;
    let vocab = vocabulary(spec, byte_level)?;
    let (merges, ignore_merges) = merges(spec);
    let mut out = Json::default();
    out.open("version", &Value::from("1.0"))?;
    out.field("truncation", &Value::Null)?;
    out.field("padding", &Value::Null)?;
    let added: Vec<Value> = spec.added_tokens.iter().map(components::added_token).collect();
    out.field("added_tokens", &Value::from(added))?;
    out.field("normalizer", &components::normalizer(&spec.normalizers))?;
    out.field("pre_tokenizer", &components::pre_tokenizer(&spec.pre_tokenizers, byte_level)?)?;
    out.field("post_processor", &components::post_processor(spec.template.as_ref())?)?;
    out.field("decoder", &components::decoder(&spec.decoders, byte_level)?)?;
    out.raw(b",\n  \"model\": {\n    \"type\": \"BPE\"");
    let (unk, fallback, fuse) = match spec.model.alphabet {
        Alphabet::Bytes => (Value::Null, false, false),
        Alphabet::Characters { byte_fallback, unk, fuse_unk } => {
            let text = unk.and_then(|id| vocab.iter().find(|(_, known)| *known == id));
            (
                text.map_or(Value::Null, |(text, _)| Value::from(text.as_str())),
                byte_fallback,
                fuse_unk,
            )
        }
    };
    for (name, value) in [
        ("dropout", Value::Null),
        ("unk_token", unk),
        ("continuing_subword_prefix", Value::Null),
        ("end_of_word_suffix", Value::Null),
        ("fuse_unk", Value::from(fuse)),
        ("byte_fallback", Value::from(fallback)),
        ("ignore_merges", Value::from(ignore_merges)),
    ] {
        out.option(name, &value)?;
    }
    out.raw(b",\n    \"vocab\": {");
    for (index, (text, id)) in vocab.iter().enumerate() {
        out.raw(if index == 0 { b"\n      " } else { b",\n      " });
        out.string(text)?;
        out.raw(b": ");
        out.raw(id.to_string().as_bytes());
    }
    out.raw(b"\n    },\n    \"merges\": [");
    let texts: HashMap<u32, &str> = vocab.iter().map(|(text, id)| (*id, text.as_str())).collect();
    for (index, merge) in merges.iter().enumerate() {
        out.raw(if index == 0 { b"\n      [" } else { b",\n      [" });
        let text = |id: u32| texts.get(&id).copied().unwrap_or("");
        out.string(text(merge.left))?;
        out.raw(b", ");
        out.string(text(merge.right))?;
        out.raw(b"]");
    }
    out.raw(b"\n    ]\n  }\n}\n");
    Ok(out.0)
}

/// Merges in rank order, and whether whole tokens must be looked up first.
fn merges(spec: &Spec) -> (Vec<Merge>, bool) {
    let model = &spec.model;
    match &model.merges {
        Merges::Pairs(merges) => (merges.clone(), model.ignore_merges),
        Merges::Ranks => {
            let last = last_merges(model).merges;
            let long = model.tokens.iter().zip(&last).filter(|(token, _)| token.bytes.len() > 1);
            let unreached = long.filter(|(_, last)| last.is_none()).count();
            (last.into_iter().flatten().map(|(_, merge)| merge).collect(), unreached > 0)
        }
    }
}

/// The vocabulary as spelled in the file, by id.
fn vocabulary(spec: &Spec, byte_level: bool) -> Result<Vec<(String, u32)>, SaveError> {
    let mut vocab = Vec::with_capacity(spec.model.tokens.len() + spec.added_tokens.len());
    for token in &spec.model.tokens {
        let text = match std::str::from_utf8(&token.bytes) {
            _ if byte_level => byte_level::spell(&token.bytes),
            Ok(text) => text.to_owned(),
            Err(_) => {
                let why = format!("the token with id {} is not UTF-8", token.id);
                return Err(inexpressible(JSON, why));
            }
        };
        vocab.push((text, token.id));
    }
    let ids: HashMap<&str, u32> = vocab.iter().map(|(text, id)| (text.as_str(), *id)).collect();
    if ids.len() < vocab.len() {
        return Err(inexpressible(JSON, "two of its tokens would be spelled alike"));
    }
    let mut missing = Vec::new();
    for token in &spec.added_tokens {
        match ids.get(token.content.as_str()) {
            None if is_model_token(spec, token) => {
                let why = format!(
                    "the added token {:?} is a token of the model too, which the form spells {:?}",
                    token.content,
                    byte_level::spell(token.content.as_bytes())
                );
                return Err(inexpressible(JSON, why));
            }
            None => missing.push(token),
            Some(id) if *id == token.id => {}
            Some(id) => {
                let why = format!(
                    "the added token {:?} is spelled like the token with id {id}",
                    token.content
                );
                return Err(inexpressible(JSON, why));
            }
        }
    }
    drop(ids);
    missing.sort_by_key(|token| token.id);
    let pinned = pinned(vocab.len(), &missing);
    vocab.extend(missing.iter().take(pinned).map(|token| (token.content.clone(), token.id)));
    vocab.sort_by_key(|(_, id)| *id);
    Ok(vocab)
}

fn is_model_token(spec: &Spec, added: &AddedToken) -> bool {
    spec.model.tokens.binary_search_by_key(&added.id, |token| token.id).is_ok()
}

/// How many of the added tokens must be in the vocabulary: those it lacks are
/// numbered on from its size in the order of the list.
fn pinned(size: usize, missing: &[&AddedToken]) -> usize {
    let fits = |pinned: &usize| {
        let rest = missing.iter().skip(*pinned);
        rest.zip(size + pinned..).all(|(token, id)| widen(token.id) == id)
    };
    // The rest is right from some point on, if at all.
    let run = missing.windows(2).rev().take_while(|pair| match pair {
        [first, second] => first.id.checked_add(1) == Some(second.id),
        _ => false,
    });
    let first = missing.len().saturating_sub(run.count() + 1);
    (first..missing.len()).find(fits).unwrap_or(missing.len())
}

/// The file as it grows. Two levels are indented, the rest is compact.
#[derive(Default)]
struct Json(Vec<u8>);

impl Json {
    fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn value(&mut self, value: &Value) -> Result<(), SaveError> {
        serde_json::to_writer(&mut self.0, value).map_err(|error| unwritable(&error))
    }

    fn string(&mut self, text: &str) -> Result<(), SaveError> {
        serde_json::to_writer(&mut self.0, text).map_err(|error| unwritable(&error))
    }

    fn open(&mut self, name: &str, value: &Value) -> Result<(), SaveError> {
        self.raw(b"{\n  ");
        self.string(name)?;
        self.raw(b": ");
        self.value(value)
    }

    fn field(&mut self, name: &str, value: &Value) -> Result<(), SaveError> {
        self.raw(b",\n  ");
        self.string(name)?;
        self.raw(b": ");
        self.value(value)
    }

    fn option(&mut self, name: &str, value: &Value) -> Result<(), SaveError> {
        self.raw(b",\n    ");
        self.string(name)?;
        self.raw(b": ");
        self.value(value)
    }
}

/// Writing to memory does not fail, but the type says it could.
fn unwritable(error: &serde_json::Error) -> SaveError {
    inexpressible(JSON, error.to_string())
}
