//! What the targets for loaders share.
#![allow(dead_code)]

use tokenseam_core::error::LoadError;
use tokenseam_core::tokenizer::EncodeOptions;
use tokenseam_core::{Spec, Tokenizer, load, save};

/// What a user does with a loaded file: check it, run it, save it, and read
/// what was saved.
pub(crate) fn try_out(spec: Result<Spec, LoadError>) {
    let spec = match spec {
        Ok(spec) => spec,
        Err(error) => {
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    let valid = spec.validate();
    let _ = spec.content_hash();
    let json = save::to_tokenizer_json(&spec);
    let _ = save::to_tiktoken(&spec);
    let _ = save::to_tiktoken_companion(&spec);
    if valid.is_err() {
        return;
    }
    if let Ok(json) = json {
        let again = load::from_bytes(&json, &load::Options::default())
            .unwrap_or_else(|error| panic!("what was saved is not read: {error}"));
        again.validate().unwrap_or_else(|error| panic!("what was saved is not valid: {error}"));
    }
    let Ok(tokenizer) = Tokenizer::new(spec) else {
        return;
    };
    let text = "Hello  wörld, 1234\n\t abc 日本\u{0}";
    if let Ok(ids) = tokenizer.encode(text.as_bytes(), &EncodeOptions::ORDINARY) {
        let _ = tokenizer.decode_bytes(&ids);
    }
}

/// The 256 bytes as entries of a byte-level vocabulary, with a comma behind.
pub(crate) fn bytes() -> String {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut moved = 0x100;
    let mut entries = String::new();
    for byte in 0..=255_u8 {
        let character = if printable(byte) {
            char::from(byte)
        } else {
            moved += 1;
            char::from_u32(moved - 1).unwrap_or_default()
        };
        let escaped = if matches!(character, '"' | '\\') { "\\" } else { "" };
        entries.push_str(&format!("\"{escaped}{character}\":{byte},"));
    }
    entries
}

/// The bytes with the magic number in front and the checksum behind.
pub(crate) fn sealed(data: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut bytes = b"tkseam\x00\x01".to_vec();
    bytes.extend_from_slice(data);
    let checksum = Sha256::digest(&bytes);
    bytes.extend_from_slice(&checksum);
    bytes
}
