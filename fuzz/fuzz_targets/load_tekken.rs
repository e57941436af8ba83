//! Any bytes as a `tekken.json`.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use tokenseam_core::load::{self, Options};

fuzz_target!(|data: &[u8]| {
    common::try_out(load::from_bytes(data, &Options::default()));
});
