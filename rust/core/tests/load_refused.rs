//! Files that are refused: by name, with the field, in time.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::time::{Duration, Instant};

use common::fixtures::{byte_level, ranks, sentencepiece, spelled, tekken, with, without};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokenseam_core::Spec;
use tokenseam_core::error::LoadError;
use tokenseam_core::load::{self, Options};

fn check(bytes: &[u8], options: &Options) -> Result<Spec, LoadError> {
    let start = Instant::now();
    let result = load::from_bytes(bytes, options).and_then(|spec| spec.validate().map(|()| spec));
    assert!(start.elapsed() < Duration::from_secs(2), "took {:?}", start.elapsed());
    result
}

fn refusal(file: &Value) -> String {
    check(file.to_string().as_bytes(), &Options::default()).unwrap_err().to_string()
}

#[track_caller]
fn refused(file: &Value, place: &str, part: &str) {
    let message = refusal(file);
    assert!(message.starts_with(place), "{message}\nshould start with {place}");
    assert!(message.contains(part), "{message}\nshould contain {part}");
}

#[test]
fn components_that_are_not_supported_are_named() {
    for name in ["BertNormalizer", "Precompiled", "Nmt", "ByteLevel", "Unheard"] {
        let file = with(byte_level(), "/normalizer", json!({"type": name}));
        refused(&file, "normalizer", &format!("the normalizer {name:?} is not supported"));
    }
    for name in [
        "BertPreTokenizer",
        "Whitespace",
        "WhitespaceSplit",
        "Punctuation",
        "CharDelimiterSplit",
        "UnicodeScripts",
        "FixedLength",
    ] {
        let sequence = json!({"type": "Sequence", "pretokenizers": [
            {"type": "Digits", "individual_digits": true}, {"type": name}, byte_level()["pre_tokenizer"],
        ]});
        let file = with(byte_level(), "/pre_tokenizer", sequence);
        refused(&file, "pre_tokenizer.pretokenizers[1]", &format!("the pre-tokenizer {name:?}"));
    }
    for name in ["BertProcessing", "RobertaProcessing"] {
        let sequence = json!({"type": "Sequence", "processors": [{"type": name}]});
        let file = with(byte_level(), "/post_processor", sequence);
        refused(&file, "post_processor.processors[0]", &format!("the post-processor {name:?}"));
    }
    for name in ["WordPiece", "BPEDecoder", "CTC"] {
        let sequence = json!({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": name}]});
        let file = with(sentencepiece(), "/decoder", sequence);
        refused(&file, "decoder.decoders[1]", &format!("the decoder {name:?}"));
    }
    for name in ["Unigram", "WordPiece", "WordLevel"] {
        let file = with(byte_level(), "/model/type", json!(name));
        refused(&file, "model.type", &format!("the model type {name:?} is not supported"));
    }
}

#[test]
fn options_that_are_not_supported_are_named() {
    let metaspace = json!({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first"});
    let then =
        |first: Value, second: Value| json!({"type": "Sequence", "pretokenizers": [first, second]});
    let digits = json!({"type": "Digits", "individual_digits": true});
    let byte = |prefix: bool| {
        json!({
            "type": "ByteLevel", "add_prefix_space": prefix, "trim_offsets": false, "use_regex": false,
        })
    };
    let split = |behavior: &str, pattern: Value| {
        json!({
            "type": "Split", "pattern": pattern, "behavior": behavior, "invert": false,
        })
    };
    for (pointer, value, place, part) in [
        (
            "/truncation",
            json!({"max_length": 5}),
            "truncation",
            "truncating texts is not supported; set it to null",
        ),
        (
            "/padding",
            json!({"strategy": {"Fixed": 2_000_000_000}}),
            "padding",
            "padding texts is not supported; set it to null",
        ),
        ("/version", json!("2.0"), "version", "is not supported"),
        ("/surprise", json!(1), "tokenizer.json", "the field \"surprise\""),
        ("/model/surprise", json!(1), "model", "the field \"surprise\""),
        ("/model/dropout", json!(0.1), "model.dropout", "merge dropout"),
        (
            "/model/continuing_subword_prefix",
            json!("##"),
            "model.continuing_subword_prefix",
            "\"##\"",
        ),
        ("/model/end_of_word_suffix", json!("</w>"), "model.end_of_word_suffix", "\"</w>\""),
        (
            "/pre_tokenizer",
            then(byte(false), digits.clone()),
            "pre_tokenizer.pretokenizers[1]",
            "\"Digits\" after ByteLevel",
        ),
        (
            "/pre_tokenizer",
            then(digits.clone(), byte(true)),
            "pre_tokenizer.pretokenizers[1].add_prefix_space",
            "is not supported",
        ),
        (
            "/pre_tokenizer",
            then(digits, metaspace),
            "pre_tokenizer.pretokenizers[1]",
            "Metaspace after another step",
        ),
        (
            "/pre_tokenizer",
            split("Removed", json!({"String": " "})),
            "pre_tokenizer.behavior",
            "\"Removed\"",
        ),
        (
            "/pre_tokenizer",
            split("Isolated", json!({"String": ""})),
            "pre_tokenizer.pattern.String",
            "an empty string",
        ),
        (
            "/normalizer",
            json!({"type": "Replace", "pattern": {"String": ""}, "content": "x"}),
            "normalizer.pattern.String",
            "an empty string",
        ),
        (
            "/decoder",
            json!({"type": "Fuse"}),
            "decoder",
            "other than ByteLevel for a byte-level model",
        ),
        (
            "/pre_tokenizer",
            Value::Null,
            "decoder",
            "a ByteLevel decoder without a ByteLevel pre-tokenizer",
        ),
    ] {
        refused(&with(byte_level(), pointer, value), place, part);
    }
    let twice = sentencepiece()["post_processor"].clone();
    let twice = json!({"type": "Sequence", "processors": [twice, twice]});
    let file = with(sentencepiece(), "/post_processor", twice);
    refused(&file, "post_processor.processors[1]", "a second TemplateProcessing");
    let regex = json!({"type": "Replace", "pattern": {"Regex": "a+"}, "content": ""});
    refused(&with(sentencepiece(), "/decoder", regex), "decoder.pattern.Regex", "in a decoder");
    let surprise = with(byte_level()["pre_tokenizer"].clone(), "/surprise", json!(1));
    refused(
        &with(byte_level(), "/pre_tokenizer", surprise),
        "pre_tokenizer",
        "the field \"surprise\"",
    );
}

#[test]
fn fields_of_the_wrong_kind_are_named() {
    for (pointer, value, place, part) in [
        ("/added_tokens/0/id", json!(-1), "added_tokens[0].id", "-1 is not a whole number"),
        ("/added_tokens/0/id", json!(1.5), "added_tokens[0].id", "1.5 is not a whole number"),
        ("/added_tokens/0/id", json!(1e300), "added_tokens[0].id", "is not a whole number"),
        ("/added_tokens/0/id", json!(4_294_967_296_u64), "added_tokens[0].id", "is not below 2^32"),
        ("/added_tokens/0/id", json!("1"), "added_tokens[0].id", "not a string"),
        (
            "/added_tokens/0/content",
            json!(7),
            "added_tokens[0].content",
            "must be a string, not a number",
        ),
        ("/added_tokens/0", json!([]), "added_tokens[0]", "must be an object, not an array"),
        ("/model/vocab/ab", json!(-1), "model.vocab[\"ab\"]", "the id -1 is not a whole number"),
        ("/model/vocab/ab", json!(1.5), "model.vocab[\"ab\"]", "the id 1.5 is not a whole number"),
        ("/model/vocab/ab", json!(1e300), "model.vocab[\"ab\"]", "is not a whole number"),
        (
            "/model/vocab/ab",
            json!(4_294_967_296_u64),
            "model.vocab[\"ab\"]",
            "4294967296 is not a whole number from 0",
        ),
        ("/model/vocab", json!([["a", -1.5]]), "model.vocab", "a Unigram model"),
        ("/model/merges", json!(["a b c"]), "model.merges[0]", "is not two tokens with one space"),
        ("/model/merges", json!([["a", "b"], ["a"]]), "model.merges[1]", "exactly two tokens"),
        ("/model/merges", json!([["a", "b", "c"]]), "model.merges[0]", "exactly two tokens"),
        ("/model/fuse_unk", json!("no"), "model.fuse_unk", "must be true or false"),
        ("/model/unk_token", json!(1), "model.unk_token", "must be a string or null"),
        ("/pre_tokenizer", json!({"add_prefix_space": true}), "pre_tokenizer.type", "is missing"),
        (
            "/pre_tokenizer",
            json!({"type": "ByteLevel"}),
            "pre_tokenizer.add_prefix_space",
            "is missing",
        ),
        (
            "/pre_tokenizer",
            json!({"type": "Split", "pattern": " ", "behavior": "Isolated", "invert": false}),
            "pre_tokenizer.pattern",
            "must be an object",
        ),
        (
            "/pre_tokenizer",
            json!({"type": "Split", "pattern": {"String": " "}, "behavior": "Sideways", "invert": false}),
            "pre_tokenizer.behavior",
            "is none of",
        ),
        ("/normalizer", json!({"type": "Strip"}), "normalizer.strip_left", "is missing"),
        ("/normalizer", json!("NFC"), "normalizer", "must be an object, not a string"),
    ] {
        refused(&with(byte_level(), pointer, value), place, part);
    }
    refused(&without(byte_level(), "/model/merges"), "model.merges", "is missing");
    refused(&without(byte_level(), "/model/vocab"), "model.vocab", "is missing");
    refused(
        &without(byte_level(), "/added_tokens/0/special"),
        "added_tokens[0].special",
        "is missing",
    );
    let template = |value| with(sentencepiece(), "/post_processor/single/0", value);
    refused(&template(json!("<s>")), "post_processor.single[0]", "must be an object");
    let unknown = json!({"SpecialToken": {"id": "<t>", "type_id": 0}});
    refused(&template(unknown), "post_processor.special_tokens.<t>", "is missing");
}

#[test]
fn vocabularies_that_contradict_themselves() {
    let missing = without(byte_level(), &format!("/model/vocab/{}", spelled(0)));
    refused(&missing, "vocabulary", "1 of the 256 single bytes are no tokens");
    assert!(refusal(&missing).ends_with("0x00"));
    for (pointer, value, place, part) in [
        ("/model/vocab/abc", json!(256), "id 256", "two tokens have it, \"ab\" and \"abc\""),
        ("/model/vocab/far", json!(4_000_000_000_u32), "id 4000000000", "is far beyond the others"),
        ("/model/vocab/", json!(300), "id 300", "the token is empty"),
        ("/model/merges", json!([["a", "c"]]), "model.merges[0]", "needs the token \"ac\""),
        ("/model/merges", json!([["zz", "b"]]), "model.merges[0]", "needs the token \"zz\""),
        ("/model/merges", json!([["a", ""]]), "model.merges[0]", "is empty"),
        (
            "/model/vocab/<|end|>",
            json!(300),
            "added_tokens[\"<|end|>\"]",
            "has id 259, but the vocabulary",
        ),
        (
            "/added_tokens/0/id",
            json!(97),
            "added token \"<|end|>\"",
            "has the id 97 of the token \"a\"",
        ),
        ("/added_tokens/0/id", json!(4_000_000_000_u32), "id 4000000000", "is far beyond"),
        ("/added_tokens/0/content", json!(""), "added token with id 259", "is empty"),
        (
            "/model/vocab/\n",
            json!(300),
            "model.vocab[\"\\n\"]",
            "not spelled in the byte-level alphabet",
        ),
    ] {
        refused(&with(byte_level(), pointer, value), place, part);
    }
    let long = "x".repeat(5000);
    let file = with(byte_level(), &format!("/model/vocab/{long}"), json!(300));
    refused(&file, "id 300", "has 5000 bytes");
    let foreign = with(byte_level(), "/model/vocab/中", json!(300));
    let foreign = with(foreign, "/model/ignore_merges", json!(true));
    refused(&foreign, "model.vocab[\"中\"]", "outside of the byte-level alphabet");
    let again = json!({
        "id": 260, "content": "<|end|>", "single_word": false, "lstrip": false, "rstrip": false,
        "normalized": false, "special": true,
    });
    let mut twice = byte_level();
    twice["added_tokens"].as_array_mut().unwrap().push(again);
    refused(&twice, "added token \"<|end|>\"", "is listed twice, with ids 259 and 260");
}

#[test]
fn texts_that_would_be_lost() {
    let no_way = with(sentencepiece(), "/model/byte_fallback", json!(false));
    let no_way = with(no_way, "/model/unk_token", Value::Null);
    refused(&no_way, "model.unk_token", "would vanish from the ids");
    let part = without(sentencepiece(), "/model/vocab/<0x41>");
    refused(&part, "model.byte_fallback", "1 of the 256 byte tokens are missing: <0x41>");
    let unknown = with(sentencepiece(), "/model/unk_token", json!("<nope>"));
    refused(&unknown, "model.unk_token", "\"<nope>\" is not in model.vocab");
    let file = with(sentencepiece(), "/post_processor/special_tokens/<s>/ids", json!([9999]));
    refused(&file, "template, single", "stands for the id 9999, which is no token");
    let file = with(sentencepiece(), "/post_processor/single", json!([]));
    refused(&file, "template, single", "does not have $A exactly once");
}

#[test]
fn growth_is_bounded() {
    let double = json!({"type": "Replace", "pattern": {"String": "a"}, "content": "aa"});
    let steps = vec![double; 40];
    let file = with(byte_level(), "/normalizer", json!({"type": "Sequence", "normalizers": steps}));
    refused(&file, "normalizer, step 12", "more than 4096 times as long");
    let many = vec![json!({"type": "NFC"}); 300];
    let file = with(byte_level(), "/normalizer", json!({"type": "Sequence", "normalizers": many}));
    refused(&file, "normalizer", "has 300 steps");
}

#[test]
fn depth_and_breadth_are_bounded() {
    let file = byte_level().to_string();
    let deep = |field: &str, open: &str, close: &str, depth: usize| {
        let nested = format!("{}null{}", open.repeat(depth), close.repeat(depth));
        let marker = format!("\"{field}\":null");
        assert!(file.contains(&marker), "{marker}");
        let text = file.replacen(&marker, &format!("\"{field}\":{nested}"), 1);
        check(text.as_bytes(), &Options::default()).unwrap_err().to_string()
    };
    let sequence = "{\"type\":\"Sequence\",\"normalizers\":[";
    for depth in [200, 1_000_000] {
        let message = deep("normalizer", "[", "]", depth);
        assert!(message.starts_with("normalizer, line 1 column "), "{message}");
        assert!(message.contains("nested more than 128 deep"), "{message}");
        let message = deep("normalizer", sequence, "]}", depth.min(100_000));
        assert!(message.contains("nested more than 128 deep"), "{message}");
        let message = deep("padding", "[", "]", depth);
        assert!(message.starts_with("padding (line 1 column "), "{message}");
    }
    let wide = vec![json!({"type": "NFC"}); 100_000];
    let file = with(byte_level(), "/normalizer", json!({"type": "Sequence", "normalizers": wide}));
    refused(&file, "normalizer", "has more than 65536 values");
}

#[test]
fn a_template_cannot_multiply_its_size() {
    let ids: Vec<u32> = vec![1; 20_000];
    let texts = vec!["x"; 20_000];
    let special = json!({"<s>": {"id": "<s>", "ids": ids, "tokens": texts}});
    let file = with(sentencepiece(), "/post_processor/special_tokens", special);
    refused(&file, "post_processor.special_tokens.<s>", "has more than 32 ids");
    let pieces = vec![sentencepiece()["post_processor"]["single"][0].clone(); 200];
    let file = with(sentencepiece(), "/post_processor/single", json!(pieces));
    refused(&file, "post_processor.single", "has more than 128 pieces");
}

#[test]
fn fields_given_twice_are_refused() {
    let file = byte_level().to_string();
    let twice = |from: &str, to: &str| {
        assert!(file.contains(from));
        let text = file.replacen(from, to, 1);
        check(text.as_bytes(), &Options::default()).unwrap_err().to_string()
    };
    let message = twice("\"ab\":256", "\"ab\":256,\"ab\":300");
    assert!(message.starts_with("model.vocab[\"ab\"]: the token is listed twice"), "{message}");
    for field in ["padding", "normalizer"] {
        let from = format!("\"{field}\":null");
        let message = twice(&from, &format!("{from},{from}"));
        assert!(message.starts_with(&format!("{field}, line 1 column ")), "{message}");
        assert!(message.contains("is given twice"), "{message}");
    }
}

#[test]
fn truncated_files_say_where() {
    let file = byte_level().to_string();
    for end in [1, 10, 100, file.len() / 2, file.len() - 1] {
        let message = check(&file.as_bytes()[..end], &Options::default()).unwrap_err().to_string();
        assert!(message.contains("line 1 column "), "{message}");
        assert!(message.contains("truncated"), "{message}");
    }
    let lines = serde_json::to_string_pretty(&byte_level()).unwrap();
    let broken = lines.replacen("\"ab\": 256,", "\"ab\" 256,", 1);
    let line = lines.lines().position(|line| line.contains("\"ab\": 256")).unwrap() + 1;
    let message = check(broken.as_bytes(), &Options::default()).unwrap_err().to_string();
    assert!(message.starts_with(&format!("model.vocab, line {line} column ")), "{message}");
    assert!(message.contains("not valid JSON: expected `:`"), "{message}");
    let trailing = format!("{file} x");
    let message = check(trailing.as_bytes(), &Options::default()).unwrap_err().to_string();
    assert!(message.contains("trailing characters"), "{message}");
}

#[test]
fn other_files_are_told_apart() {
    for (bytes, part) in [
        (&b""[..], "the file is empty"),
        (b" \n ", "the file is empty"),
        (b"#version: 0.2\na b\n", "this is merges.txt"),
        (b"{\"a\": 0, \"b\": 1}", "this is vocab.json"),
        (b"{\"hidden_size\": 768, \"model_type\": \"llama\"}", "this JSON is no tokenizer"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer"),
        (b"\n\x0e\n\x05<unk>", "a SentencePiece model"),
        (b"\xef\xbb\xbf{}", "byte order mark"),
        (b"hello there\n", "none that tokenseam reads"),
        (b"[1, 2]", "none that tokenseam reads"),
        (b"\x1f\x8b broken", "cannot be unpacked"),
    ] {
        let message = check(bytes, &Options::default()).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
    let json = byte_level().to_string();
    let options = Options { pattern: Some("gpt2".to_owned()), special_tokens: None };
    let message = check(json.as_bytes(), &options).unwrap_err().to_string();
    assert!(message.starts_with("pattern: a tokenizer.json says itself"), "{message}");
    let options = Options { pattern: Some("nope".to_owned()), special_tokens: None };
    let message = check(ranks().as_bytes(), &options).unwrap_err().to_string();
    assert!(message.starts_with("pattern: \"nope\" is not the name of a family"), "{message}");
}

#[test]
fn an_unpacking_bomb_is_cut_off() {
    use std::io::Write;
    let mut bomb = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..300 {
        bomb.write_all(&vec![b' '; 1 << 20]).unwrap();
    }
    let bomb = bomb.finish().unwrap();
    let message = load::from_bytes(&bomb, &Options::default()).unwrap_err().to_string();
    assert!(message.contains("unpacks to over 256 MiB"), "{message}");
}

#[test]
fn rank_files_that_contradict_themselves() {
    let options = Options { pattern: Some("gpt2".to_owned()), special_tokens: None };
    check(ranks().as_bytes(), &options).unwrap();
    for (from, to, part) in [
        ("YWI= 256", "YWI= 255", "id 255: two tokens have it"),
        ("YWJj 257", "YWI= 257", "id 257: the token \"ab\" has the id 256 as well"),
        ("YWJj 257", "YWJj 4294967295", "id 4294967295: is far beyond the others"),
        ("YWJj 257", "YWJj 4294967296", "line 258: the rank in"),
        ("AA== 0\n", "", "1 of the 256 single bytes are no tokens"),
        ("AA== 0\n", " 0\n", "line 1: "),
    ] {
        assert!(ranks().contains(from));
        let file = ranks().replacen(from, to, 1);
        let message = check(file.as_bytes(), &options).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn tekken_files_that_contradict_themselves() {
    check(tekken().to_string().as_bytes(), &Options::default()).unwrap();
    for (pointer, value, place, part) in [
        (
            "/config/default_vocab_size",
            json!(900),
            "config.default_vocab_size",
            "900 ids are asked for",
        ),
        (
            "/config/default_vocab_size",
            json!(1),
            "config.default_vocab_size",
            "1 ids are asked for",
        ),
        (
            "/config/default_num_special_tokens",
            json!(4_000_000_000_u32),
            "config.default_num_special_tokens",
            "is more than 65536",
        ),
        ("/special_tokens/1/rank", json!(7), "special_tokens[1]", "is not below"),
        ("/config/pattern", json!(1), "config.pattern", "must be a string"),
        ("/vocab/7/rank", json!(8), "vocab[7].rank", "must be 7"),
        ("/vocab/7/token_bytes", json!("?"), "vocab[7].token_bytes", "is not base64"),
        ("/vocab/7/surprise", json!(1), "vocab[7]", "the field \"surprise\""),
        ("/vocab/7/token_bytes", json!("CA=="), "id 11", "has the id 10 as well"),
        ("/special_tokens/1/rank", json!(0), "special_tokens[1]", "is taken already"),
        (
            "/special_tokens",
            Value::Null,
            "special_tokens",
            "is missing, and v13 files must have it",
        ),
    ] {
        refused(&with(tekken(), pointer, value), place, part);
    }
}

#[test]
fn gpt2_files_that_contradict_themselves() {
    let vocab = byte_level()["model"]["vocab"].to_string();
    let read = |vocab: &str, merges: &str| {
        load::from_vocab_and_merges(vocab.as_bytes(), merges.as_bytes(), &Options::default())
            .and_then(|spec| spec.validate().map(|()| spec))
    };
    let spec = read(&vocab, "#version: 0.2\na b\r\nab c\nĠ a\n\n").unwrap();
    assert_eq!(
        spec.model,
        check(byte_level().to_string().as_bytes(), &Options::default()).unwrap().model
    );
    for (vocab, merges, part) in [
        (vocab.as_str(), "a b c\n", "merges.txt, line 1: \"a b c\" is not two tokens"),
        (
            &vocab,
            "a b\nab x\n",
            "merges.txt[1]: the merge of \"ab\" and \"x\" needs the token \"abx\", which is not in vocab.json",
        ),
        ("{\"a\": -1}", "", "vocab.json[\"a\"] (line 1 column"),
        ("{\"a\": ", "", "vocab.json, line 1 column"),
        ("[]", "", "vocab.json (line 1 column"),
    ] {
        let message = read(vocab, merges).unwrap_err().to_string();
        assert!(message.starts_with(part), "{message}");
    }
}

/// Every file with one byte changed, cut, or doubled is read or refused, in
/// time, and what is read can be saved.
fn mutated(files: &[Vec<u8>], index: usize, at: usize, byte: u8, kind: u8) {
    let mut file = files[index % files.len()].clone();
    let at = at % file.len();
    match kind % 4 {
        0 => file[at] = byte,
        1 => file.truncate(at),
        2 => drop(file.splice(at..at, [byte])),
        _ => drop(file.splice(at..(at + usize::from(byte)).min(file.len()), [])),
    }
    let options = Options { pattern: Some("gpt2".to_owned()), special_tokens: None };
    for options in [options, Options::default()] {
        if let Ok(spec) = check(&file, &options) {
            let _ = tokenseam_core::save::to_tokenizer_json(&spec);
            let _ = tokenseam_core::save::to_tiktoken(&spec);
            assert_eq!(Spec::from_canonical_bytes(&spec.canonical_bytes()), Ok(spec));
        }
    }
}

fn cases(usual: u32) -> u32 {
    let factor = std::env::var("TOKENSEAM_CASES").ok().and_then(|text| text.parse().ok());
    usual.saturating_mul(factor.unwrap_or(1))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(512)))]

    #[test]
    fn mutated_files_never_panic(index: usize, at: usize, byte: u8, kind: u8) {
        let files = [
            byte_level().to_string().into_bytes(),
            sentencepiece().to_string().into_bytes(),
            tekken().to_string().into_bytes(),
            ranks().into_bytes(),
        ];
        mutated(&files, index, at, byte, kind);
    }
}
