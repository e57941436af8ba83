//! Small tokenizers in every format, made by hand.

use serde_json::{Map, Value, json};

/// The spelling of each byte in the byte-level alphabet.
pub(crate) fn spelled(byte: u8) -> char {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    if printable(byte) {
        return char::from(byte);
    }
    let moved = (0..byte).filter(|byte| !printable(*byte)).count();
    char::from_u32(0x100 + u32::try_from(moved).unwrap()).unwrap()
}

/// A byte-level file: 256 bytes, `ab`, `abc`, ` a`, and one special token.
pub(crate) fn byte_level() -> Value {
    let mut vocab = Map::new();
    for byte in 0..=255_u8 {
        vocab.insert(spelled(byte).to_string(), json!(byte));
    }
    vocab.insert("ab".to_owned(), json!(256));
    vocab.insert("abc".to_owned(), json!(257));
    vocab.insert("Ġa".to_owned(), json!(258));
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [{
            "id": 259, "content": "<|end|>", "single_word": false, "lstrip": false,
            "rstrip": false, "normalized": false, "special": true,
        }],
        "normalizer": null,
        "pre_tokenizer": {
            "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true,
        },
        "post_processor": null,
        "decoder": {
            "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true,
        },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null,
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false,
            "byte_fallback": false, "ignore_merges": false,
            "vocab": vocab,
            "merges": [["a", "b"], ["ab", "c"], ["Ġ", "a"]],
        },
    })
}

/// A file in the manner of Llama 2: `▁`, byte fallback, a template.
pub(crate) fn sentencepiece() -> Value {
    let mut vocab = Map::new();
    for (id, text) in ["<unk>", "<s>", "</s>"].iter().enumerate() {
        vocab.insert((*text).to_owned(), json!(id));
    }
    for byte in 0..=255_u32 {
        vocab.insert(format!("<0x{byte:02X}>"), json!(byte + 3));
    }
    for (text, id) in ["▁", "a", "b", "ab", "▁a", "▁ab"].iter().zip(259..) {
        vocab.insert((*text).to_owned(), json!(id));
    }
    let added = |id: u32, content: &str| {
        json!({
            "id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true,
        })
    };
    json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [added(0, "<unk>"), added(1, "<s>"), added(2, "</s>")],
        "normalizer": {"type": "Sequence", "normalizers": [
            {"type": "Prepend", "prepend": "▁"},
            {"type": "Replace", "pattern": {"String": " "}, "content": "▁"},
        ]},
        "pre_tokenizer": null,
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [
                {"SpecialToken": {"id": "<s>", "type_id": 0}},
                {"Sequence": {"id": "A", "type_id": 0}},
            ],
            "pair": [
                {"Sequence": {"id": "A", "type_id": 0}},
                {"Sequence": {"id": "B", "type_id": 1}},
            ],
            "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}},
        },
        "decoder": {"type": "Sequence", "decoders": [
            {"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
            {"type": "ByteFallback"},
            {"type": "Fuse"},
            {"type": "Strip", "content": " ", "start": 1, "stop": 0},
        ]},
        "model": {
            "type": "BPE", "dropout": null, "unk_token": "<unk>",
            "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": true,
            "byte_fallback": true,
            "vocab": vocab,
            "merges": ["a b", "▁ a", "▁ ab"],
        },
    })
}

/// A rank file of the 256 bytes, `ab` and `abc`.
pub(crate) fn ranks() -> String {
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut file = String::new();
    for byte in 0..=255_u8 {
        file.push_str(&format!("{} {byte}\n", encode(&[byte])));
    }
    file.push_str(&format!("{} 256\n{} 257\n", encode(b"ab"), encode(b"abc")));
    file
}

/// A `tekken.json` of the 256 bytes and `ab`, with two special tokens.
pub(crate) fn tekken() -> Value {
    use base64::Engine;
    let encode = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let mut vocab: Vec<Value> = (0..=255_u8)
        .map(|byte| json!({"rank": byte, "token_bytes": encode(&[byte]), "token_str": null}))
        .collect();
    for (rank, text) in ["ab", "unused"].iter().enumerate() {
        vocab.push(json!({
            "rank": rank + 256, "token_bytes": encode(text.as_bytes()), "token_str": text,
        }));
    }
    json!({
        "config": {
            "pattern": "[ab]+|[^ab]+", "num_vocab_tokens": 258, "default_vocab_size": 260,
            "default_num_special_tokens": 3, "version": "v13",
        },
        "vocab": vocab,
        "special_tokens": [
            {"rank": 0, "token_str": "<unk>", "is_control": true},
            {"rank": 1, "token_str": "<s>", "is_control": true},
        ],
        "image": {"image_patch_size": 14, "max_image_size": 1540},
    })
}

/// Changes one field, named by a path such as `/model/vocab`.
pub(crate) fn with(mut file: Value, pointer: &str, value: Value) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    match file.pointer_mut(parent).unwrap() {
        Value::Object(object) => {
            object.insert(field.replace("~1", "/"), value);
        }
        Value::Array(items) => items[field.parse::<usize>().unwrap()] = value,
        other => panic!("{pointer}: {other} has no fields"),
    }
    file
}

/// Removes one field.
pub(crate) fn without(mut file: Value, pointer: &str) -> Value {
    let (parent, field) = pointer.rsplit_once('/').unwrap();
    file.pointer_mut(parent).unwrap().as_object_mut().unwrap().remove(field).unwrap();
    file
}
