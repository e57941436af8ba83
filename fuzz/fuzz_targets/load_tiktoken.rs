//! Any bytes as a rank file.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use tokenseam_core::load::{self, Options};

fuzz_target!(|data: &[u8]| {
    let options = Options { pattern: Some("cl100k".to_owned()), special_tokens: None };
    common::try_out(load::from_bytes(data, &options));
});
