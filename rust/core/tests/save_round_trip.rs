//! What is saved is read back the same.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::fixtures::{byte_level, ranks, sentencepiece, tekken, with};
use common::{read_gz, shared};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokenseam_core::load::{self, Options};
use tokenseam_core::spec::{
    AddedToken, Alphabet, Decoder, Dialect, Merge, Merges, Model, Normalizer, Pattern,
    PreTokenizer, PrependScheme, SplitBehavior, Template, TemplatePiece, Token,
};
use tokenseam_core::{Spec, save};

fn read(bytes: &[u8], pattern: Option<&str>) -> Spec {
    let options = Options { pattern: pattern.map(str::to_owned), special_tokens: None };
    let spec = load::from_bytes(bytes, &options).unwrap();
    spec.validate().unwrap();
    spec
}

fn through_json(spec: &Spec) -> Spec {
    read(&save::to_tokenizer_json(spec).unwrap(), None)
}

fn fixture(file: &Value) -> Spec {
    read(file.to_string().as_bytes(), None)
}

#[test]
fn tokenizer_json_comes_back() {
    let byte = byte_level();
    let files = [
        byte.clone(),
        sentencepiece(),
        with(byte.clone(), "/model/ignore_merges", json!(true)),
        with(byte.clone(), "/added_tokens/0/id", json!(300)),
        with(
            byte.clone(),
            "/normalizer",
            json!({"type": "Sequence", "normalizers": [
                {"type": "NFC"}, {"type": "NFD"}, {"type": "NFKC"}, {"type": "NFKD"},
                {"type": "Lowercase"}, {"type": "StripAccents"},
                {"type": "Strip", "strip_left": true, "strip_right": false},
                {"type": "Prepend", "prepend": "x"},
                {"type": "Replace", "pattern": {"String": "a"}, "content": "b"},
                {"type": "Replace", "pattern": {"Regex": "a+"}, "content": "b"},
            ]}),
        ),
        with(
            byte.clone(),
            "/pre_tokenizer",
            json!({"type": "Sequence", "pretokenizers": [
                {"type": "Digits", "individual_digits": true},
                {"type": "Split", "pattern": {"Regex": "a"}, "behavior": "MergedWithNext", "invert": true},
                {"type": "Split", "pattern": {"String": "b"}, "behavior": "Contiguous", "invert": false},
                {"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true},
            ]}),
        ),
        with(byte.clone(), "/pre_tokenizer/add_prefix_space", json!(true)),
        with(
            byte,
            "/pre_tokenizer",
            json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false, "use_regex": false}),
        ),
        with(
            sentencepiece(),
            "/pre_tokenizer",
            json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": false}),
        ),
        with(
            sentencepiece(),
            "/decoder",
            json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"}),
        ),
    ];
    for file in files {
        let spec = fixture(&file);
        assert_eq!(through_json(&spec), spec, "{file}");
    }
}

#[test]
fn added_tokens_are_written_where_their_ids_last() {
    // In the order of the list from the size of the vocabulary on: as it is.
    let saved = |id: u32| -> Value {
        let spec = fixture(&with(byte_level(), "/added_tokens/0/id", json!(id)));
        serde_json::from_slice(&save::to_tokenizer_json(&spec).unwrap()).unwrap()
    };
    assert_eq!(saved(259)["model"]["vocab"]["<|end|>"], Value::Null);
    assert_eq!(saved(300)["model"]["vocab"]["<|end|>"], json!(300));
}

#[test]
fn ranks_become_the_merges_that_build_the_tokens() {
    let spec = read(ranks().as_bytes(), Some("cl100k"));
    let json: Value = serde_json::from_slice(&save::to_tokenizer_json(&spec).unwrap()).unwrap();
    assert_eq!(json["model"]["merges"], json!([["a", "b"], ["ab", "c"]]));
    assert_eq!(json["model"]["ignore_merges"], json!(false));
    // tiktoken's possessive quantifiers and `$` are not Hugging Face's.
    let pattern = json["pre_tokenizer"]["pretokenizers"][0]["pattern"]["Regex"].as_str().unwrap();
    assert!(pattern.contains(r"\s++\z") && pattern.contains(r"\p{N}{1,3}|"), "{pattern}");
    // A token that merging does not build has to be looked up as a whole.
    let spec = read(format!("{}eHl6 258\n", ranks()).as_bytes(), Some("cl100k"));
    let json: Value = serde_json::from_slice(&save::to_tokenizer_json(&spec).unwrap()).unwrap();
    assert_eq!(json["model"]["merges"].as_array().unwrap().len(), 2);
    assert_eq!(json["model"]["ignore_merges"], json!(true));
}

#[test]
fn rank_files_come_back() {
    let spec = read(ranks().as_bytes(), Some("gpt2"));
    assert_eq!(save::to_tiktoken(&spec).unwrap(), ranks().into_bytes());
    let tekken = fixture(&tekken());
    let bytes = save::to_tiktoken(&tekken).unwrap();
    let companion: Value =
        serde_json::from_slice(&save::to_tiktoken_companion(&tekken).unwrap()).unwrap();
    assert_eq!(companion["pattern"], json!("[ab]+|[^ab]+"));
    let special = companion["special_tokens"].as_object().unwrap().iter();
    let special = special.map(|(text, id)| (text.clone(), id.as_u64().unwrap() as u32)).collect();
    let options = Options {
        pattern: companion["pattern"].as_str().map(str::to_owned),
        special_tokens: Some(special),
    };
    assert_eq!(load::from_bytes(&bytes, &options).unwrap(), tekken);
}

#[test]
fn listed_merges_become_ranks_only_if_they_mean_the_same() {
    let merges = |merges: Value| fixture(&with(byte_level(), "/model/merges", merges));
    let good = merges(json!([["a", "b"], ["ab", "c"], ["Ġ", "a"]]));
    assert!(save::to_tiktoken(&good).is_ok());
    // A merge that no text comes to changes nothing.
    let file = with(byte_level(), "/model/vocab/bc", json!(260));
    let file = with(
        file,
        "/model/merges",
        json!([["a", "b"], ["ab", "c"], ["Ġ", "a"], ["b", "c"], ["a", "bc"]]),
    );
    assert!(save::to_tiktoken(&fixture(&file)).is_ok());
    for (listed, part) in [
        (json!([["ab", "c"], ["a", "b"], ["Ġ", "a"]]), "the order of ids is not that of merges"),
        (json!([["a", "b"], ["ab", "c"]]), "ranks would build the token \" a\" (id 258)"),
    ] {
        let error = save::to_tiktoken(&merges(listed)).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    let error = save::to_tiktoken(&fixture(&sentencepiece())).unwrap_err().to_string();
    assert!(error.contains("merges characters"), "{error}");
    let normalized = with(byte_level(), "/normalizer", json!({"type": "NFC"}));
    let error = save::to_tiktoken(&fixture(&normalized)).unwrap_err().to_string();
    assert!(error.contains("normalizes"), "{error}");
    let plain = with(byte_level(), "/added_tokens/0/special", json!(false));
    let error = save::to_tiktoken(&fixture(&plain)).unwrap_err().to_string();
    assert!(error.contains("\"<|end|>\" is not special"), "{error}");
    let digits = json!({"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": true}, byte_level()["pre_tokenizer"],
    ]});
    let digits = fixture(&with(byte_level(), "/pre_tokenizer", digits));
    let error = save::to_tiktoken(&digits).unwrap_err().to_string();
    assert!(error.contains("is not one regular expression"), "{error}");
}

#[test]
fn real_vocabularies_go_from_form_to_form() {
    let Some(shared) = shared() else { return };
    let vocab = shared.join("data/vocab");
    for (name, family) in [("gpt2", "gpt2"), ("o200k_base", "o200k")] {
        let file = read_gz(&vocab.join(format!("{name}.tokenizer.json.gz")));
        let json = read(&file, None);
        assert_eq!(through_json(&json), json, "{name}");
        let ranks = read_gz(&vocab.join(format!("{name}.tiktoken.gz")));
        assert_eq!(save::to_tiktoken(&json).unwrap(), ranks, "{name}");
        // The merges derived from ranks are those that the file lists.
        let derived = through_json(&read(&ranks, Some(family)));
        assert_eq!(derived.model, json.model, "{name}");
    }
}

#[test]
fn canonical_bytes_are_checked() {
    let spec = fixture(&sentencepiece());
    let bytes = spec.canonical_bytes();
    assert_eq!(Spec::from_canonical_bytes(&bytes).unwrap(), spec);
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert!(Spec::from_canonical_bytes(&flipped).is_err(), "byte {at}");
        assert!(Spec::from_canonical_bytes(&bytes[..at]).is_err(), "length {at}");
    }
    let named = Spec { name: "x".to_owned(), ..spec.clone() };
    assert_eq!(named.content_hash(), spec.content_hash());
    assert_ne!(named.canonical_bytes(), bytes);
    let other = Spec { decoders: Vec::new(), ..spec.clone() };
    assert_ne!(other.content_hash(), spec.content_hash());
}

fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(any::<char>(), 0..4).prop_map(|chars| chars.into_iter().collect())
}

fn pattern() -> impl Strategy<Value = Pattern> {
    let dialect = prop_oneof![Just(Dialect::Tiktoken), Just(Dialect::HuggingFace)];
    prop_oneof![
        (text(), dialect).prop_map(|(text, dialect)| Pattern::Regex { text, dialect }),
        text().prop_map(Pattern::Literal),
    ]
}

fn scheme() -> impl Strategy<Value = PrependScheme> {
    prop_oneof![Just(PrependScheme::Always), Just(PrependScheme::First), Just(PrependScheme::Never)]
}

fn spec() -> impl Strategy<Value = Spec> {
    let token = (any::<u32>(), prop::collection::vec(any::<u8>(), 0..5))
        .prop_map(|(id, bytes)| Token { id, bytes });
    let merge = (any::<u32>(), any::<u32>(), any::<u32>())
        .prop_map(|(left, right, merged)| Merge { left, right, merged });
    let merges = prop_oneof![
        Just(Merges::Ranks),
        prop::collection::vec(merge, 0..4).prop_map(Merges::Pairs)
    ];
    let alphabet = prop_oneof![
        Just(Alphabet::Bytes),
        (any::<bool>(), any::<Option<u32>>(), any::<bool>()).prop_map(
            |(byte_fallback, unk, fuse_unk)| Alphabet::Characters { byte_fallback, unk, fuse_unk }
        ),
    ];
    let model = (alphabet, prop::collection::vec(token, 0..4), merges, any::<bool>()).prop_map(
        |(alphabet, tokens, merges, ignore_merges)| Model {
            alphabet,
            tokens,
            merges,
            ignore_merges,
        },
    );
    let normalizer = prop_oneof![
        Just(Normalizer::Nfc),
        Just(Normalizer::StripAccents),
        (any::<bool>(), any::<bool>()).prop_map(|(left, right)| Normalizer::Strip { left, right }),
        text().prop_map(Normalizer::Prepend),
        (text(), text()).prop_map(|(from, to)| Normalizer::ReplaceLiteral { from, to }),
        (text(), text()).prop_map(|(pattern, to)| Normalizer::ReplaceRegex { pattern, to }),
    ];
    let behavior = prop_oneof![Just(SplitBehavior::Isolated), Just(SplitBehavior::Contiguous)];
    let pre_tokenizer = prop_oneof![
        (pattern(), behavior, any::<bool>()).prop_map(|(pattern, behavior, invert)| {
            PreTokenizer::Split { pattern, behavior, invert }
        }),
        any::<bool>().prop_map(|individual| PreTokenizer::Digits { individual }),
        Just(PreTokenizer::PrefixSpace),
        (any::<char>(), scheme(), any::<bool>()).prop_map(|(replacement, prepend, split)| {
            PreTokenizer::Metaspace { replacement, prepend, split }
        }),
    ];
    let added = (any::<u32>(), text(), any::<[bool; 5]>()).prop_map(|(id, content, flags)| {
        let [special, lstrip, rstrip, single_word, normalized] = flags;
        AddedToken { id, content, special, lstrip, rstrip, single_word, normalized }
    });
    let piece = prop_oneof![
        any::<u32>().prop_map(TemplatePiece::A),
        any::<u32>().prop_map(TemplatePiece::B),
        (text(), prop::collection::vec((any::<u32>(), text()), 0..3), any::<u32>())
            .prop_map(|(name, tokens, type_id)| TemplatePiece::Special { name, tokens, type_id }),
    ];
    let pieces = prop::collection::vec(piece, 0..3);
    let template = prop::option::of((pieces.clone(), pieces))
        .prop_map(|pieces| pieces.map(|(single, pair)| Template { single, pair }));
    let decoder = prop_oneof![
        Just(Decoder::ByteFallback),
        Just(Decoder::Fuse),
        (text(), text()).prop_map(|(from, to)| Decoder::Replace { from, to }),
        (any::<char>(), any::<usize>(), any::<usize>())
            .prop_map(|(content, start, stop)| Decoder::Strip { content, start, stop }),
        (any::<char>(), scheme())
            .prop_map(|(replacement, prepend)| Decoder::Metaspace { replacement, prepend }),
    ];
    (
        text(),
        model,
        prop::collection::vec(normalizer, 0..3),
        prop::collection::vec(pre_tokenizer, 0..3),
        prop::collection::vec(added, 0..3),
        template,
        prop::collection::vec(decoder, 0..3),
    )
        .prop_map(
            |(name, model, normalizers, pre_tokenizers, added_tokens, template, decoders)| Spec {
                name,
                model,
                normalizers,
                pre_tokenizers,
                added_tokens,
                template,
                decoders,
            },
        )
}

proptest! {
    #[test]
    fn any_spec_comes_back_from_its_bytes(spec in spec()) {
        let bytes = spec.canonical_bytes();
        prop_assert_eq!(Spec::from_canonical_bytes(&bytes).unwrap(), spec.clone());
        // Whatever the spec says, nothing that is done with it panics.
        if spec.validate().is_ok() {
            let _ = save::to_tokenizer_json(&spec);
        }
        let _ = save::to_tiktoken(&spec);
    }
}
