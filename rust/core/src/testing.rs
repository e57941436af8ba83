//! What unit tests share.

/// How many cases a property test runs: `usual`, times the environment
/// variable `TOKENSEAM_CASES` where it is set.
pub(crate) fn cases(usual: u32) -> u32 {
    let factor = std::env::var("TOKENSEAM_CASES").ok().and_then(|text| text.parse().ok());
    usual.saturating_mul(factor.unwrap_or(1))
}

/// What Hugging Face tokenizers does with text, recorded by
/// `tests/fixtures/make_text_fixtures.py`.
#[allow(clippy::unwrap_used)]
pub(crate) fn text_fixture(key: &str) -> serde_json::Value {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/fixtures/text.json");
    let mut all: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    all[key].take()
}

/// A spec that does nothing to a text.
pub(crate) fn plain_spec() -> crate::Spec {
    crate::Spec {
        name: String::new(),
        model: crate::spec::Model {
            alphabet: crate::spec::Alphabet::Bytes,
            tokens: Vec::new(),
            merges: crate::spec::Merges::Ranks,
            ignore_merges: true,
        },
        normalizers: Vec::new(),
        pre_tokenizers: Vec::new(),
        added_tokens: Vec::new(),
        template: None,
        decoders: Vec::new(),
    }
}
