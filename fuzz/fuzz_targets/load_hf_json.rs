//! Any bytes as a `tokenizer.json`.
//!
//! A real file has all 256 bytes, which a fuzzer hardly keeps together: where
//! the vocabulary is `{}` it is filled in.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use tokenseam_core::load::{self, Options};

fuzz_target!(|data: &[u8]| {
    common::try_out(load::from_bytes(data, &Options::default()));
    if let Ok(text) = std::str::from_utf8(data) {
        let text = text.replacen("\"vocab\":{", &format!("\"vocab\":{{{}", common::bytes()), 1);
        common::try_out(load::from_bytes(text.as_bytes(), &Options::default()));
    }
});
