//! Any bytes as `vocab.json`, a zero byte, `merges.txt`. The vocabulary gets
//! the 256 bytes as well.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use tokenseam_core::load::{self, Options};

fuzz_target!(|data: &[u8]| {
    let at = data.iter().position(|byte| *byte == 0).unwrap_or(data.len());
    let (vocab, merges) = data.split_at(at);
    let merges = merges.get(1..).unwrap_or(&[]);
    common::try_out(load::from_vocab_and_merges(vocab, merges, &Options::default()));
    if let Ok(text) = std::str::from_utf8(vocab) {
        let text = text.replacen('{', &format!("{{{}", common::bytes()), 1);
        common::try_out(load::from_vocab_and_merges(text.as_bytes(), merges, &Options::default()));
    }
});
