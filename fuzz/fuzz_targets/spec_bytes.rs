//! Any bytes as a spec: with and without a right checksum.
#![no_main]

mod common;

use libfuzzer_sys::fuzz_target;
use tokenseam_core::Spec;

fuzz_target!(|data: &[u8]| {
    let as_is = Spec::from_canonical_bytes(data);
    let sealed = Spec::from_canonical_bytes(&common::sealed(data));
    for spec in [as_is, sealed].into_iter().flatten() {
        let bytes = spec.canonical_bytes();
        assert_eq!(Spec::from_canonical_bytes(&bytes).as_ref(), Ok(&spec));
        common::try_out(Ok(spec));
    }
});
