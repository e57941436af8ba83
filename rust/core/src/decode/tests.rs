#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::Value;

use super::steps::Join;
use super::*;
use crate::spec::{Decoder as Step, PrependScheme};
use crate::testing::{cases, plain_spec, text_fixture};

/// A vocabulary as a list; the empty entry is a hole.
#[derive(Debug)]
struct List(Vec<Vec<u8>>);

impl TokenBytes for List {
    fn rows(&self) -> usize {
        self.0.len()
    }

    fn token_bytes(&self, id: u32) -> Option<&[u8]> {
        self.0.get(widen(id)).map(Vec::as_slice).filter(|token| !token.is_empty())
    }
}

fn list(tokens: &[&str]) -> List {
    List(tokens.iter().map(|token| token.as_bytes().to_vec()).collect())
}

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn decoder(steps: Vec<Step>, tokens: &impl TokenBytes) -> Decoder {
    with_fallback(steps, tokens, false)
}

/// For a model with `byte_fallback` or without.
fn with_fallback(steps: Vec<Step>, tokens: &impl TokenBytes, byte_fallback: bool) -> Decoder {
    let mut spec = Spec { decoders: steps, ..plain_spec() };
    spec.model.alphabet = Alphabet::Characters { byte_fallback, unk: None, fuse_unk: false };
    Decoder::new(&spec, tokens).unwrap()
}

fn bytes_decoder(tokens: &impl TokenBytes) -> Decoder {
    Decoder::new(&plain_spec(), tokens).unwrap()
}

fn replace(from: &str, to: &str) -> Step {
    Step::Replace { from: from.to_owned(), to: to.to_owned() }
}

fn strip(content: char, start: usize, stop: usize) -> Step {
    Step::Strip { content, start, stop }
}

fn metaspace(prepend: PrependScheme) -> Step {
    Step::Metaspace { replacement: '▁', prepend }
}

/// Llama 2 and its kin.
fn llama() -> Vec<Step> {
    vec![replace("▁", " "), Step::ByteFallback, Step::Fuse, strip(' ', 1, 0)]
}

#[test]
fn text_is_hugging_faces() {
    let fixture = text_fixture("decoders");
    let (head, rest) = fixture.as_array().unwrap().split_first().unwrap();
    let vocabulary: Vec<String> = of(&head["vocab"]);
    let vocabulary = List(vocabulary.into_iter().map(String::into_bytes).collect());
    let (mut seen, mut joined) = (0, 0);
    for case in rest {
        let steps: Vec<Step> = of(&case["steps"]);
        for byte_fallback in [false, true] {
            let decoder = with_fallback(steps.clone(), &vocabulary, byte_fallback);
            joined += usize::from(decoder.plan != Plan::Steps);
            for pair in case["texts"].as_array().unwrap() {
                let (ids, expected): (Vec<u32>, String) = of(pair);
                assert_eq!(decoder.decode_lossy(&ids).unwrap(), expected, "{steps:?} on {ids:?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 1000 && joined > 20, "{seen} {joined}");
}

#[test]
fn usual_steps_are_joined() {
    let tokens = list(&["▁a"]);
    let plan = |steps| decoder(steps, &tokens).plan;
    assert_eq!(with_fallback(llama(), &tokens, true).plan, plan(llama()));
    assert_eq!(with_fallback(vec![], &tokens, true).plan, Plan::Steps);
    let join = |first_differs, strip| Plan::Join(Join { first_differs, strip });
    assert_eq!(plan(vec![]), join(false, None));
    assert_eq!(plan(llama()), join(false, Some((' ', 1))));
    assert_eq!(plan(vec![metaspace(PrependScheme::Always)]), join(true, None));
    assert_eq!(plan(vec![metaspace(PrependScheme::Never)]), join(false, None));
    assert_eq!(plan(vec![Step::Fuse, replace("▁", " ")]), Plan::Steps);
}

#[test]
fn bytes_of_a_byte_level_vocabulary() {
    let tokens = List(vec![b"a".to_vec(), b"\xE6\xBC".to_vec(), Vec::new(), b"\xA2".to_vec()]);
    let decoder = bytes_decoder(&tokens);
    assert_eq!(decoder.decode_bytes(&[0, 1, 3]).unwrap(), "a漢".as_bytes());
    assert_eq!(decoder.decode_lossy(&[1, 0, 3]).unwrap(), "\u{FFFD}a\u{FFFD}");
    assert_eq!(decoder.decode_bytes(&[]).unwrap(), b"");
    assert_eq!(decoder.surface(1).as_deref(), Some(b"\xE6\xBC".as_slice()));
    assert_eq!((decoder.surface(2), decoder.surface(4)), (None, None));
    let error = |ids: &[u32]| decoder.decode_bytes(ids).unwrap_err().to_string();
    assert!(
        error(&[0, 2]).contains("id 2 at position 1 is not a token: the vocabulary has a hole")
    );
    assert!(error(&[u32::MAX]).contains("ids go up to 3"));
    assert!(decoder.decode_lossy(&[9]).is_err() && decoder.decode_with_offsets(&[9]).is_err());
}

#[test]
fn byte_tokens_keep_their_bytes() {
    let tokens = list(&["▁", "▁a", "<0xE6>", "<0xBC>", "<0xA2>", "<0xFF>", "é"]);
    for steps in [llama(), vec![metaspace(PrependScheme::Always)]] {
        let decoder = with_fallback(steps, &tokens, true);
        assert_eq!(
            decoder.decode_bytes(&[1, 2, 3, 4, 5, 6]).unwrap(),
            b"a\xE6\xBC\xA2\xFF\xC3\xA9"
        );
        assert_eq!(decoder.decode_bytes(&[0, 0, 5]).unwrap()[..1], b" "[..]);
    }
    let lossy = |ids: &[u32]| decoder(llama(), &tokens).decode_lossy(ids).unwrap();
    assert_eq!(lossy(&[1, 2, 3, 4, 6]), "a漢é");
    assert_eq!(lossy(&[2, 3, 4, 5, 1]), "\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD} a");
}

#[test]
fn what_is_refused() {
    let refused = |steps: Vec<Step>, what: &str| {
        let spec = Spec { decoders: steps, ..plain_spec() };
        let error = Decoder::new(&spec, &list(&["a"])).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    refused(vec![Step::Fuse, replace("", "x")], "decoders[1]: replacing the empty string");
    refused(vec![replace("a", "aa"); 40], "times longer");
    // Surfaces that would take much memory are not kept.
    let long = list(&["a".repeat(100_000).as_str()]);
    let steps = vec![replace("a", &"b".repeat(1000))];
    let decoder = decoder(steps, &long);
    assert_eq!(decoder.plan, Plan::Steps);
    assert_eq!(decoder.decode_bytes(&[0]).unwrap().len(), 100_000_000);
}

#[test]
fn offsets_are_tiktokens() {
    let tokens = List(vec![b"a".to_vec(), b"\xE6\xBC".to_vec(), b"\xA2b".to_vec(), b" ".to_vec()]);
    let (text, offsets) = bytes_decoder(&tokens).decode_with_offsets(&[0, 1, 2, 3]).unwrap();
    assert_eq!((text.as_slice(), offsets), ("a漢b ".as_bytes(), vec![0, 1, 1, 3]));
    let tokens = list(&["▁", "▁a", "<0xC3>", "<0xA9>"]);
    let (text, offsets) =
        decoder(llama(), &tokens).decode_with_offsets(&[0, 0, 1, 2, 3, 1]).unwrap();
    assert_eq!((text.as_slice(), offsets), ("  aé a".as_bytes(), vec![0, 0, 1, 3, 3, 4]));
    let steps = vec![metaspace(PrependScheme::Always)];
    let (text, offsets) = decoder(steps, &tokens).decode_with_offsets(&[1, 1]).unwrap();
    assert_eq!((text.as_slice(), offsets), (b"a a".as_slice(), vec![0, 1]));
}

/// tiktoken's way to count, in its own order.
fn counted(pieces: &[Vec<u8>]) -> Vec<usize> {
    let continues = |byte: &u8| (0x80..0xC0).contains(byte);
    let mut length = 0_usize;
    let count = |piece: &Vec<u8>| {
        let offset = length.saturating_sub(usize::from(piece.first().is_some_and(continues)));
        length += piece.iter().filter(|byte| !continues(byte)).count();
        offset
    };
    pieces.iter().map(count).collect()
}

fn tokens_strategy() -> impl Strategy<Value = List> {
    let token = prop_oneof![
        3 => "[a▁ é漢😀]{1,3}".prop_map(String::into_bytes),
        2 => any::<u8>().prop_map(|byte| format!("<0x{byte:02X}>").into_bytes()),
        1 => prop::sample::select(vec!["<0xF0>", "<0x9F>", "<0x98>", "<0x80>", "<0x20>"])
            .prop_map(|token| token.as_bytes().to_vec()),
        1 => Just("▁▁".as_bytes().to_vec()),
    ];
    prop::collection::vec(token, 1..12).prop_map(List)
}

fn raw_strategy() -> impl Strategy<Value = List> {
    let token = prop_oneof![
        "[a é漢😀]{1,2}".prop_map(String::into_bytes),
        prop::collection::vec(
            prop::sample::select(b"a\xC3\xA9\xE6\xBC\xA2\xF0\x9F\x98\x80\xED".to_vec()),
            1..4
        ),
    ];
    prop::collection::vec(token, 1..12).prop_map(List)
}

fn steps_strategy() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        Just(replace("▁", " ")),
        Just(replace("a", "▁b")),
        Just(Step::ByteFallback),
        Just(Step::Fuse),
        (0_usize..3, 0_usize..2).prop_map(|(start, stop)| strip(' ', start, stop)),
        Just(strip('▁', 2, 0)),
        Just(metaspace(PrependScheme::Always)),
        Just(metaspace(PrependScheme::Never)),
    ];
    prop_oneof![
        Just(vec![]),
        Just(llama()),
        Just(vec![metaspace(PrependScheme::First)]),
        Just(vec![
            metaspace(PrependScheme::First),
            Step::ByteFallback,
            Step::Fuse,
            strip('▁', 3, 0)
        ]),
        Just(vec![Step::Fuse, strip('é', 2, 0)]),
        prop::collection::vec(step, 0..5),
    ]
}

/// All steps one after the other over all tokens.
fn slowly(steps: &[Step], tokens: &List, ids: &[u32], raw: bool) -> Vec<u8> {
    // The model's byte tokens are bytes even where no step reads them.
    let fallback = steps.contains(&Step::ByteFallback);
    let piece = |id: &u32| {
        let token = &tokens.0[widen(*id)];
        match steps::byte_of(token).filter(|_| raw && !fallback) {
            Some(byte) => Piece::Bytes(vec![byte]),
            None => Piece::Bytes(token.clone()),
        }
    };
    steps::run(steps, ids.iter().map(piece).collect(), raw)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(3000)))]

    #[test]
    fn joining_is_running_the_steps(
        steps in steps_strategy(),
        tokens in tokens_strategy(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let ids: Vec<u32> = picks.iter().map(|pick| narrow(pick.index(tokens.0.len()))).collect();
        let decoder = with_fallback(steps.clone(), &tokens, true);
        let bytes = decoder.decode_bytes(&ids).unwrap();
        prop_assert_eq!(&bytes, &slowly(&steps, &tokens, &ids, true));
        let text = String::from_utf8_lossy(&slowly(&steps, &tokens, &ids, false)).into_owned();
        prop_assert_eq!(decoder.decode_lossy(&ids).unwrap(), text);
    }

    #[test]
    fn streams_give_the_whole(
        steps in steps_strategy(),
        tokens in tokens_strategy(),
        raw in raw_strategy(),
        picks in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..3), 0..8),
    ) {
        for (decoder, tokens) in
            [(decoder(steps, &tokens), &tokens), (bytes_decoder(&raw), &raw)]
        {
            let mut stream = StreamDecoder::new();
            let mut all = Vec::new();
            let mut given = String::new();
            for picks in &picks {
                let ids: Vec<u32> =
                    picks.iter().map(|pick| narrow(pick.index(tokens.0.len()))).collect();
                // An unknown id changes nothing.
                let bad: Vec<u32> = ids.iter().copied().chain([999]).collect();
                let position = all.len() + ids.len();
                let unknown = matches!(stream.push(&decoder, &bad),
                    Err(DecodeError::UnknownId { id: 999, position: at, .. }) if at == position);
                prop_assert!(unknown);
                given.push_str(&stream.push(&decoder, &ids).unwrap());
                all.extend(ids);
                // What is held back is less than a character.
                let bytes = decoder.decode_bytes(&all).unwrap();
                let whole = String::from_utf8_lossy(&bytes).into_owned();
                if let Plan::Join(Join { strip: None, .. }) = decoder.plan {
                    let mut complete = whole.clone();
                    if std::str::from_utf8(bytes.utf8_chunks().last().map_or(&[], |c| c.invalid()))
                        .is_err_and(|error| error.error_len().is_none())
                    {
                        complete.pop();
                    }
                    prop_assert_eq!(&given, &complete);
                }
                prop_assert!(whole.starts_with(&given));
            }
            let whole = decoder.decode_bytes(&all).unwrap();
            given.push_str(&stream.finish(&decoder));
            prop_assert_eq!(given, String::from_utf8_lossy(&whole));
        }
    }

    #[test]
    fn offsets_are_counted_as_tiktoken_does(
        raw in raw_strategy(),
        picks in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let ids: Vec<u32> = picks.iter().map(|pick| narrow(pick.index(raw.0.len()))).collect();
        let pieces: Vec<Vec<u8>> = ids.iter().map(|&id| raw.0[widen(id)].clone()).collect();
        let (bytes, offsets) = bytes_decoder(&raw).decode_with_offsets(&ids).unwrap();
        prop_assert_eq!(bytes, pieces.concat());
        prop_assert_eq!(offsets, counted(&pieces));
    }

    #[test]
    fn character_ranges_are_counted_by_hand(
        pieces in prop::collection::vec(prop_oneof![
            "[aé漢😀]{0,40}".prop_map(String::into_bytes),
            prop::collection::vec(any::<u8>(), 0..3),
        ], 0..4),
        picks in prop::collection::vec((0_usize..400, 0_usize..400), 0..8),
    ) {
        let text = pieces.concat();
        // For every byte, the character it is in.
        let mut inside = Vec::new();
        let mut count = 0;
        for chunk in text.utf8_chunks() {
            for character in chunk.valid().chars() {
                inside.extend(std::iter::repeat_n(count, character.len_utf8()));
                count += 1;
            }
            inside.extend(std::iter::repeat_n(count, chunk.invalid().len()));
            count += usize::from(!chunk.invalid().is_empty());
        }
        let expected: Vec<(usize, usize)> = picks.iter().map(|&(start, end)| {
            match inside.get(start..end.min(text.len()).max(start.min(text.len()))) {
                _ if start >= text.len() => (count, count),
                None | Some([]) => (inside[start], inside[start]),
                Some(touched) => (touched[0], touched[touched.len() - 1] + 1),
            }
        }).collect();
        prop_assert_eq!(character_ranges(&text, &picks), expected);
    }
}

#[test]
fn long_sequences_take_linear_time() {
    let tokens = list(&["▁", "a", "<0xF0>", "<0x9F>", "▁▁"]);
    for steps in [
        llama(),
        vec![metaspace(PrependScheme::Always)],
        vec![Step::Fuse, strip(' ', usize::MAX, 0)],
        vec![Step::ByteFallback, Step::Fuse, replace("▁", " "), strip(' ', usize::MAX, usize::MAX)],
    ] {
        let decoder = decoder(steps.clone(), &tokens);
        for id in 0..5 {
            let ids = vec![id; 300_000];
            let start = std::time::Instant::now();
            decoder.decode_lossy(&ids).unwrap();
            let (bytes, _) = decoder.decode_with_offsets(&ids).unwrap();
            let mut stream = StreamDecoder::new();
            let mut text = String::new();
            for ids in ids.chunks(3) {
                text.push_str(&stream.push(&decoder, ids).unwrap());
            }
            text.push_str(&stream.finish(&decoder));
            assert_eq!(text, String::from_utf8_lossy(&bytes));
            assert!(start.elapsed().as_secs() < 10, "{steps:?} {id}");
        }
    }
}
