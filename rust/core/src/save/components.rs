//! Components of a `tokenizer.json`.

use serde_json::{Map, Value, json};

use super::{JSON, inexpressible, pattern};
use crate::error::SaveError;
use crate::load::hf_json::gpt2_split;
use crate::spec::{
    AddedToken, Decoder, Normalizer, Pattern, PreTokenizer, PrependScheme, SplitBehavior, Template,
    TemplatePiece,
};

/// Nothing, the one step, or a `Sequence` of them.
fn sequence(mut steps: Vec<Value>, field: &str) -> Value {
    match steps.len() {
        0 => Value::Null,
        1 => steps.swap_remove(0),
        _ => json!({"type": "Sequence", field: steps}),
    }
}

pub(super) fn normalizer(steps: &[Normalizer]) -> Value {
    let one = |step: &Normalizer| match step {
        Normalizer::Nfc => json!({"type": "NFC"}),
        Normalizer::Nfd => json!({"type": "NFD"}),
        Normalizer::Nfkc => json!({"type": "NFKC"}),
        Normalizer::Nfkd => json!({"type": "NFKD"}),
        Normalizer::Lowercase => json!({"type": "Lowercase"}),
        Normalizer::StripAccents => json!({"type": "StripAccents"}),
        Normalizer::Strip { left, right } => {
            json!({"type": "Strip", "strip_left": left, "strip_right": right})
        }
        Normalizer::Prepend(text) => json!({"type": "Prepend", "prepend": text}),
        Normalizer::ReplaceLiteral { from, to } => {
            json!({"type": "Replace", "pattern": {"String": from}, "content": to})
        }
        Normalizer::ReplaceRegex { pattern, to } => {
            json!({"type": "Replace", "pattern": {"Regex": pattern}, "content": to})
        }
    };
    sequence(steps.iter().map(one).collect(), "normalizers")
}

fn scheme(prepend: PrependScheme) -> &'static str {
    match prepend {
        PrependScheme::Always => "always",
        PrependScheme::First => "first",
        PrependScheme::Never => "never",
    }
}

pub(super) fn pre_tokenizer(steps: &[PreTokenizer], byte_level: bool) -> Result<Value, SaveError> {
    let steps = pattern::hugging_face(steps)?;
    let mut rest = steps.as_slice();
    // `ByteLevel` comes last. It can put a space in front and cut as GPT-2
    // does, but only where the one or the other is all there is before it.
    let prefix = rest.first() == Some(&PreTokenizer::PrefixSpace);
    if prefix {
        rest = rest.get(1..).unwrap_or(&[]);
    }
    let gpt2 = byte_level && rest.last() == Some(&gpt2_split());
    if gpt2 {
        rest = rest.get(..rest.len() - 1).unwrap_or(&[]);
    }
    if prefix && !(byte_level && rest.is_empty()) {
        return Err(inexpressible(
            JSON,
            "it puts a space in front of the text and then cuts other than GPT-2 does",
        ));
    }
    let mut values = rest.iter().map(step).collect::<Result<Vec<_>, _>>()?;
    if byte_level {
        values.push(json!({
            "type": "ByteLevel",
            "add_prefix_space": prefix,
            "trim_offsets": false,
            "use_regex": gpt2,
        }));
    }
    Ok(sequence(values, "pretokenizers"))
}

fn step(step: &PreTokenizer) -> Result<Value, SaveError> {
    Ok(match step {
        PreTokenizer::Split { pattern, behavior, invert } => {
            let pattern = match pattern {
                Pattern::Regex { text, .. } => json!({"Regex": text}),
                Pattern::Literal(text) => json!({"String": text}),
            };
            let behavior = match behavior {
                SplitBehavior::Isolated => "Isolated",
                SplitBehavior::MergedWithPrevious => "MergedWithPrevious",
                SplitBehavior::MergedWithNext => "MergedWithNext",
                SplitBehavior::Contiguous => "Contiguous",
            };
            json!({"type": "Split", "pattern": pattern, "behavior": behavior, "invert": invert})
        }
        PreTokenizer::Digits { individual } => {
            json!({"type": "Digits", "individual_digits": individual})
        }
        PreTokenizer::Metaspace { replacement, prepend, split } => json!({
            "type": "Metaspace",
            "replacement": replacement,
            "prepend_scheme": scheme(*prepend),
            "split": split,
        }),
        PreTokenizer::PrefixSpace => {
            let why = "it puts a space in front of pieces that are cut already";
            return Err(inexpressible(JSON, why));
        }
    })
}

pub(super) fn decoder(steps: &[Decoder], byte_level: bool) -> Result<Value, SaveError> {
    if byte_level {
        if !steps.is_empty() {
            return Err(inexpressible(JSON, "a byte-level model with a decoder of its own"));
        }
        return Ok(json!({
            "type": "ByteLevel",
            "add_prefix_space": true,
            "trim_offsets": true,
            "use_regex": true,
        }));
    }
    let one = |step: &Decoder| match step {
        Decoder::ByteFallback => json!({"type": "ByteFallback"}),
        Decoder::Fuse => json!({"type": "Fuse"}),
        Decoder::Replace { from, to } => {
            json!({"type": "Replace", "pattern": {"String": from}, "content": to})
        }
        Decoder::Strip { content, start, stop } => {
            json!({"type": "Strip", "content": content, "start": start, "stop": stop})
        }
        Decoder::Metaspace { replacement, prepend } => json!({
            "type": "Metaspace",
            "replacement": replacement,
            "prepend_scheme": scheme(*prepend),
            "split": true,
        }),
    };
    Ok(sequence(steps.iter().map(one).collect(), "decoders"))
}

pub(super) fn added_token(token: &AddedToken) -> Value {
    json!({
        "id": token.id,
        "content": token.content,
        "single_word": token.single_word,
        "lstrip": token.lstrip,
        "rstrip": token.rstrip,
        "normalized": token.normalized,
        "special": token.special,
    })
}

pub(super) fn post_processor(template: Option<&Template>) -> Result<Value, SaveError> {
    let Some(template) = template else {
        return Ok(Value::Null);
    };
    let mut special = Map::new();
    let single = pieces(&template.single, &mut special)?;
    let pair = pieces(&template.pair, &mut special)?;
    Ok(json!({
        "type": "TemplateProcessing",
        "single": single,
        "pair": pair,
        "special_tokens": special,
    }))
}

fn pieces(
    pieces: &[TemplatePiece],
    special: &mut Map<String, Value>,
) -> Result<Vec<Value>, SaveError> {
    pieces
        .iter()
        .map(|piece| {
            Ok(match piece {
                TemplatePiece::A(type_id) => json!({"Sequence": {"id": "A", "type_id": type_id}}),
                TemplatePiece::B(type_id) => json!({"Sequence": {"id": "B", "type_id": type_id}}),
                TemplatePiece::Special { name, tokens, type_id } => {
                    let ids: Vec<u32> = tokens.iter().map(|(id, _)| *id).collect();
                    let texts: Vec<&str> = tokens.iter().map(|(_, text)| text.as_str()).collect();
                    let entry = json!({"id": name, "ids": ids, "tokens": texts});
                    if special.get(name).is_some_and(|known| *known != entry) {
                        let why = format!("its template uses the name {name:?} for different ids");
                        return Err(inexpressible(JSON, why));
                    }
                    special.insert(name.clone(), entry);
                    json!({"SpecialToken": {"id": name, "type_id": type_id}})
                }
            })
        })
        .collect()
}
