//! What each component of a `tokenizer.json` becomes.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use common::fixtures::{byte_level, sentencepiece, with, without};
use serde_json::{Value, json};
use tokenseam_core::Spec;
use tokenseam_core::load::{self, Options};
use tokenseam_core::spec::{
    Alphabet, Decoder, Dialect, Merges, Normalizer, Pattern, PreTokenizer, PrependScheme,
    SplitBehavior, TemplatePiece,
};

fn load(file: &Value) -> Spec {
    let spec = load::from_bytes(file.to_string().as_bytes(), &Options::default()).unwrap();
    spec.validate().unwrap();
    spec
}

fn steps(pre_tokenizer: Value) -> Vec<PreTokenizer> {
    load(&with(byte_level(), "/pre_tokenizer", pre_tokenizer)).pre_tokenizers
}

fn regex(text: &str) -> PreTokenizer {
    PreTokenizer::Split {
        pattern: Pattern::Regex { text: text.to_owned(), dialect: Dialect::HuggingFace },
        behavior: SplitBehavior::Isolated,
        invert: false,
    }
}

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

#[test]
fn byte_level_spellings_become_bytes() {
    let spec = load(&byte_level());
    assert_eq!(spec.model.alphabet, Alphabet::Bytes);
    assert!(
        spec.model.tokens[..256]
            .iter()
            .all(|t| t.bytes.len() == 1 && u32::from(t.bytes[0]) == t.id)
    );
    assert_eq!(spec.model.tokens[258].bytes, b" a");
    assert_eq!(spec.pre_tokenizers, [regex(GPT2)]);
    assert!(spec.decoders.is_empty());
    let Merges::Pairs(merges) = &spec.model.merges else { panic!() };
    let ids: Vec<_> = merges.iter().map(|m| (m.left, m.right, m.merged)).collect();
    assert_eq!(ids, [(97, 98, 256), (256, 99, 257), (32, 97, 258)]);
    assert_eq!(spec.added_tokens.len(), 1);
}

#[test]
fn sentencepiece_tokens_stay_as_they_are() {
    let spec = load(&sentencepiece());
    let alphabet = Alphabet::Characters { byte_fallback: true, unk: Some(0), fuse_unk: true };
    assert_eq!(spec.model.alphabet, alphabet);
    // <s> and </s> are found as added tokens only; <unk> is what encoding needs.
    let texts: Vec<_> = spec.model.tokens.iter().map(|t| t.bytes.as_slice()).collect();
    assert_eq!(texts[0], b"<unk>");
    assert_eq!(texts[1], b"<0x00>");
    assert_eq!(texts.last().unwrap(), &"▁ab".as_bytes());
    assert_eq!(
        spec.normalizers,
        [
            Normalizer::Prepend("▁".to_owned()),
            Normalizer::ReplaceLiteral { from: " ".to_owned(), to: "▁".to_owned() },
        ]
    );
    assert_eq!(
        spec.decoders,
        [
            Decoder::Replace { from: "▁".to_owned(), to: " ".to_owned() },
            Decoder::ByteFallback,
            Decoder::Fuse,
            Decoder::Strip { content: ' ', start: 1, stop: 0 },
        ]
    );
    let template = spec.template.unwrap();
    let start = TemplatePiece::Special {
        name: "<s>".to_owned(),
        tokens: vec![(1, "<s>".to_owned())],
        type_id: 0,
    };
    assert_eq!(template.single, [start, TemplatePiece::A(0)]);
    assert_eq!(template.pair, [TemplatePiece::A(0), TemplatePiece::B(1)]);
}

#[test]
fn merges_as_pairs_and_as_strings_are_the_same() {
    let pairs = load(&byte_level());
    let strings = json!(["#version: 0.2", "a b", "ab c", "Ġ a"]);
    assert_eq!(load(&with(byte_level(), "/model/merges", strings)), pairs);
}

#[test]
fn of_a_merge_listed_twice_the_last_counts() {
    let twice = json!([["a", "b"], ["Ġ", "a"], ["ab", "c"], ["a", "b"]]);
    let once = json!([["Ġ", "a"], ["ab", "c"], ["a", "b"]]);
    assert_eq!(
        load(&with(byte_level(), "/model/merges", twice)),
        load(&with(byte_level(), "/model/merges", once))
    );
}

#[test]
fn an_added_token_in_the_vocabulary_is_left_to_the_added_tokens() {
    let both = with(byte_level(), "/model/vocab/<|end|>", json!(259));
    assert_eq!(load(&both), load(&byte_level()));
    // Whole tokens are looked up there, so one in the vocabulary counts.
    let whole = with(both, "/model/ignore_merges", json!(true));
    assert_eq!(load(&whole).model.tokens.len(), 260);
}

#[test]
fn added_tokens_outside_of_the_alphabet_keep_their_text() {
    let file = with(byte_level(), "/added_tokens/0/content", json!("<｜ende▁é｜>"));
    let file = with(file, "/model/vocab/<｜ende▁é｜>", json!(259));
    for ignore_merges in [false, true] {
        let spec = load(&with(file.clone(), "/model/ignore_merges", json!(ignore_merges)));
        assert_eq!(spec.model.tokens.len(), 259);
        assert_eq!(spec.added_tokens[0].content, "<｜ende▁é｜>");
    }
    // One that is no added token is a token that no text reaches.
    let file = with(byte_level(), "/model/vocab/中文", json!(260));
    let file = with(file, "/model/vocab/中文中文", json!(261));
    let spec = load(&with(file, "/model/merges", json!([["a", "b"], ["中文", "中文"]])));
    assert_eq!(spec.model.tokens[259].bytes, "中文".as_bytes());
    let Merges::Pairs(merges) = &spec.model.merges else { panic!() };
    assert_eq!(merges.len(), 1);
}

#[test]
fn pre_tokenizers() {
    let byte_level = json!({
        "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": false,
    });
    assert_eq!(steps(byte_level.clone()), []);
    let without_use_regex = without(byte_level.clone(), "/use_regex");
    assert_eq!(steps(without_use_regex), [regex(GPT2)]);
    let prefix = with(byte_level.clone(), "/add_prefix_space", json!(true));
    assert_eq!(steps(prefix.clone()), [PreTokenizer::PrefixSpace]);
    assert_eq!(
        steps(with(prefix, "/use_regex", json!(true))),
        [PreTokenizer::PrefixSpace, regex(GPT2)]
    );
    let sequence = |first: Value| json!({"type": "Sequence", "pretokenizers": [first, byte_level]});
    assert_eq!(
        steps(sequence(json!({"type": "Digits", "individual_digits": true}))),
        [PreTokenizer::Digits { individual: true }]
    );
    for (name, behavior) in [
        ("Isolated", SplitBehavior::Isolated),
        ("MergedWithPrevious", SplitBehavior::MergedWithPrevious),
        ("MergedWithNext", SplitBehavior::MergedWithNext),
        ("Contiguous", SplitBehavior::Contiguous),
    ] {
        let split = |pattern: Value| {
            steps(sequence(json!({
                "type": "Split", "pattern": pattern, "behavior": name, "invert": true,
            })))
        };
        let expected = |pattern| PreTokenizer::Split { pattern, behavior, invert: true };
        assert_eq!(split(json!({"String": "; "})), [expected(Pattern::Literal("; ".to_owned()))]);
        let pattern = Pattern::Regex { text: r"\d+".to_owned(), dialect: Dialect::HuggingFace };
        assert_eq!(split(json!({"Regex": r"\d+"})), [expected(pattern)]);
    }
    // Nested sequences are one sequence.
    let nested = sequence(json!({"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": false},
        {"type": "Sequence", "pretokenizers": []},
    ]}));
    assert_eq!(steps(nested), [PreTokenizer::Digits { individual: false }]);
}

#[test]
fn metaspace_in_old_and_new_spelling() {
    let metaspace = |fields: Value| {
        let mut value = json!({"type": "Metaspace", "replacement": "▁"});
        value.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let file = with(sentencepiece(), "/normalizer", Value::Null);
        let file = with(file, "/decoder", value.clone());
        let spec = load(&with(file, "/pre_tokenizer", value));
        let [PreTokenizer::Metaspace { replacement: '▁', prepend, split }] =
            spec.pre_tokenizers[..]
        else {
            panic!("{:?}", spec.pre_tokenizers);
        };
        assert_eq!(spec.decoders, [Decoder::Metaspace { replacement: '▁', prepend }]);
        (prepend, split)
    };
    let cases = [
        (json!({}), PrependScheme::Always, true),
        (json!({"add_prefix_space": true}), PrependScheme::Always, true),
        (json!({"add_prefix_space": false}), PrependScheme::Never, true),
        (json!({"str_rep": "▁", "add_prefix_space": true}), PrependScheme::Always, true),
        (json!({"prepend_scheme": "first", "split": false}), PrependScheme::First, false),
        (json!({"prepend_scheme": "never", "split": null}), PrependScheme::Never, true),
        (json!({"prepend_scheme": "always", "split": true}), PrependScheme::Always, true),
        (json!({"add_prefix_space": true, "prepend_scheme": "never"}), PrependScheme::Never, true),
    ];
    for (fields, prepend, split) in cases {
        assert_eq!(metaspace(fields.clone()), (prepend, split), "{fields}");
    }
}

#[test]
fn normalizers() {
    let read = |value: Value| load(&with(byte_level(), "/normalizer", value)).normalizers;
    for (name, step) in [
        ("NFC", Normalizer::Nfc),
        ("NFD", Normalizer::Nfd),
        ("NFKC", Normalizer::Nfkc),
        ("NFKD", Normalizer::Nfkd),
        ("Lowercase", Normalizer::Lowercase),
        ("StripAccents", Normalizer::StripAccents),
    ] {
        assert_eq!(read(json!({"type": name})), [step]);
    }
    assert_eq!(
        read(json!({"type": "Strip", "strip_left": true, "strip_right": false})),
        [Normalizer::Strip { left: true, right: false }]
    );
    assert_eq!(
        read(json!({"type": "Replace", "pattern": {"Regex": " +"}, "content": " "})),
        [Normalizer::ReplaceRegex { pattern: " +".to_owned(), to: " ".to_owned() }]
    );
    assert_eq!(read(json!({"type": "Sequence", "normalizers": []})), []);
}

#[test]
fn post_processors() {
    let read = |value: Value| load(&with(sentencepiece(), "/post_processor", value)).template;
    let template = sentencepiece()["post_processor"].clone();
    let trims = json!({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false});
    assert_eq!(read(trims.clone()), None);
    assert_eq!(
        read(json!({"type": "Sequence", "processors": [trims, template.clone()]})),
        read(template)
    );
}

#[test]
fn decoders_of_byte_level_models() {
    let file = |decoder: Value| load(&with(byte_level(), "/decoder", decoder));
    let byte_level_decoder = byte_level()["decoder"].clone();
    let plain = file(byte_level_decoder.clone());
    assert_eq!(file(Value::Null), plain);
    let sequence = json!({"type": "Sequence", "decoders": [byte_level_decoder, {"type": "Fuse"}]});
    assert_eq!(file(sequence), plain);
}

#[test]
fn options_add_special_tokens() {
    let special = vec![("<|end|>".to_owned(), 259), ("<|more|>".to_owned(), 300)];
    let options = Options { pattern: None, special_tokens: Some(special) };
    let file = with(byte_level(), "/added_tokens/0/special", json!(false)).to_string();
    let spec = load::from_bytes(file.as_bytes(), &options).unwrap();
    spec.validate().unwrap();
    let tokens: Vec<_> =
        spec.added_tokens.iter().map(|t| (t.content.as_str(), t.id, t.special)).collect();
    assert_eq!(tokens, [("<|end|>", 259, true), ("<|more|>", 300, true)]);
}
