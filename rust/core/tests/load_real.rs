//! The real vocabularies: what is in the files is what is in the spec.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::Instant;

use common::{read_gz, shared};
use tokenseam_core::load::{self, Options};
use tokenseam_core::spec::{Alphabet, Merges, PreTokenizer};

const NAMES: [(&str, usize, usize); 4] = [
    ("gpt2", 50_256, 1),
    ("cl100k_base", 100_256, 5),
    ("o200k_base", 199_998, 2),
    ("qwen3", 151_643, 26),
];

#[test]
fn tokenizer_json_and_rank_file_hold_the_same_tokens() {
    let Some(shared) = shared() else { return };
    for (name, tokens, added) in NAMES {
        let vocab = shared.join("data/vocab");
        let start = Instant::now();
        let json = read_gz(&vocab.join(format!("{name}.tokenizer.json.gz")));
        let json = load::from_bytes(&json, &Options::default()).unwrap();
        let read_json = start.elapsed();
        json.validate().unwrap();
        let start = Instant::now();
        let options = Options { pattern: Some("gpt2".to_owned()), special_tokens: None };
        let ranks = read_gz(&vocab.join(format!("{name}.tiktoken.gz")));
        let ranks = load::from_bytes(&ranks, &options).unwrap();
        let read_ranks = start.elapsed();
        ranks.validate().unwrap();
        eprintln!("{name}: tokenizer.json {read_json:?}, rank file {read_ranks:?}");
        assert_eq!(json.model.alphabet, Alphabet::Bytes);
        assert_eq!(json.model.tokens.len(), tokens, "{name}");
        assert_eq!(json.added_tokens.len(), added, "{name}");
        assert!(matches!(json.pre_tokenizers[..], [PreTokenizer::Split { .. }]));
        assert!(json.decoders.is_empty());
        assert_eq!(ranks.model.merges, Merges::Ranks);
        if name == "gpt2" {
            // Its rank file leaves out what the special tokens file adds.
            assert_eq!(json.added_tokens[0].content, "<|endoftext|>");
        }
        assert_eq!(json.model.tokens, ranks.model.tokens, "{name}");
    }
}

#[test]
fn gzipped_files_are_read_as_they_are() {
    let Some(shared) = shared() else { return };
    let path = shared.join("data/vocab/gpt2.tokenizer.json.gz");
    let spec = load::from_path(&path, &Options::default()).unwrap();
    assert_eq!(spec.name, "gpt2");
    spec.validate().unwrap();
}
