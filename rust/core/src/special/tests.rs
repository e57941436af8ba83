#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::Spec;
use crate::spec::{Normalizer, PreTokenizer, PrependScheme};
use crate::testing::{cases, plain_spec, text_fixture};

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

/// A token with no flag set.
fn plain(id: u32, content: &str) -> AddedToken {
    AddedToken {
        id,
        content: content.to_owned(),
        special: false,
        lstrip: false,
        rstrip: false,
        single_word: false,
        normalized: false,
    }
}

fn special(id: u32, content: &str) -> AddedToken {
    AddedToken { special: true, ..plain(id, content) }
}

fn identity() -> Rewriter {
    Rewriter::new(&plain_spec()).unwrap()
}

fn added(tokens: &[AddedToken]) -> AddedTokens {
    AddedTokens::new(tokens, &identity()).unwrap()
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// The segments, and again with alignments: both must agree.
fn cut(
    added: &AddedTokens,
    text: &[u8],
    allowed: Specials<'_>,
    rewriter: &Rewriter,
) -> Vec<Segment<'static>> {
    let own = |segment: Segment<'_>| match segment {
        Segment::Token { id, range } => Segment::Token { id, range },
        Segment::Text { range, text, first, alignment } => {
            Segment::Text { range, text: Cow::Owned(text.into_owned()), first, alignment }
        }
    };
    let (mut short, mut aligned) = (Vec::new(), Vec::new());
    let mut keep = |segment: Segment<'_>| {
        short.push(own(segment));
        Ok(())
    };
    added.segments(text, &allowed, rewriter, &mut keep).unwrap();
    added
        .segments_aligned(text, &allowed, rewriter, |segment| {
            aligned.push(own(segment));
            Ok(())
        })
        .unwrap();
    assert_eq!(short.len(), aligned.len());
    for (short, aligned) in short.iter().zip(&aligned) {
        match (short, aligned) {
            (Segment::Token { .. }, _) => assert_eq!(short, aligned),
            (
                Segment::Text { range, text: rewritten, first, alignment: None },
                Segment::Text { range: range2, text: rewritten2, first: first2, alignment },
            ) => {
                assert_eq!((range, rewritten, first), (range2, rewritten2, first2));
                assert!(!rewritten.is_empty());
                let Some(Alignment { sources }) = alignment else {
                    assert_eq!(text[range.clone()], **rewritten);
                    continue;
                };
                assert_eq!(sources.len(), rewritten.len());
                for source in sources {
                    assert!(range.start <= source.0 && source.0 <= source.1);
                    assert!(source.1 <= range.end, "{source:?} outside {range:?}");
                }
            }
            _ => panic!("{short:?} and {aligned:?}"),
        }
    }
    short
}

fn ids(segments: &[Segment<'_>], of: impl Fn(char) -> u32) -> Vec<u32> {
    let mut ids = Vec::new();
    for segment in segments {
        match segment {
            Segment::Token { id, .. } => ids.push(*id),
            Segment::Text { text, .. } => {
                ids.extend(std::str::from_utf8(text).unwrap().chars().map(&of));
            }
        }
    }
    ids
}

#[test]
fn segments_are_hugging_faces() {
    let fixture = text_fixture("segments");
    let (head, rest) = fixture.as_array().unwrap().split_first().unwrap();
    let alphabet = head["alphabet"].as_str().unwrap();
    let id_of = |c: char| narrow(alphabet.chars().position(|a| a == c).unwrap());
    let mut seen = 0;
    for case in rest {
        let spec = Spec {
            normalizers: of(&case["normalizers"]),
            pre_tokenizers: of(&case["pre_tokenizers"]),
            added_tokens: of(&case["added"]),
            ..plain_spec()
        };
        let rewriter = Rewriter::new(&spec).unwrap();
        let added = AddedTokens::new(&spec.added_tokens, &rewriter).unwrap();
        for pair in case["texts"].as_array().unwrap() {
            let (text, expected): (String, Vec<u32>) = of(pair);
            let found = cut(&added, text.as_bytes(), Specials::All, &rewriter);
            assert_eq!(ids(&found, id_of), expected, "{text:?} with {case:#}\n{found:?}");
            seen += 1;
        }
    }
    assert!(seen > 900);
}

/// Compares every code point with Hugging Face's idea of words and space.
#[test]
fn every_character_is_hugging_faces() {
    let fixture = text_fixture("characters");
    let block: u32 = of(&text_fixture("block"));
    let check = |name: &str, of: &dyn Fn(char) -> String| {
        let expected: Vec<u32> = fixture[name].as_array().unwrap().iter().map(self::of).collect();
        for (index, &expected) in (0..).zip(&expected) {
            let characters = (index * block..(index + 1) * block).filter_map(char::from_u32);
            let parts: Vec<String> = characters.map(of).collect();
            let mut sum = flate2::Crc::new();
            sum.update(parts.join("\0").as_bytes());
            assert_eq!(sum.sum(), expected, "{name} in block {index} of {block}");
        }
    };
    let identity = identity();
    let of = |flags: AddedToken| AddedTokens::new(&[flags], &identity).unwrap();
    let run = |added: &AddedTokens, text: &str| {
        let mut ranges = Vec::new();
        added
            .segments(text.as_bytes(), &Specials::All, &identity, |segment| {
                ranges.extend(match segment {
                    Segment::Token { range, .. } => Some(range),
                    Segment::Text { .. } => None,
                });
                Ok(())
            })
            .unwrap();
        ranges
    };
    let word = of(AddedToken { single_word: true, ..plain(1, "x") });
    check("single_word before", &|c| (run(&word, &format!("{c}x")).len()).to_string());
    check("single_word after", &|c| (run(&word, &format!("x{c}")).len()).to_string());
    let right = of(AddedToken { rstrip: true, ..plain(1, "x") });
    check("rstrip", &|c| {
        let text = format!("x{c}");
        text[..run(&right, &text)[0].end].chars().count().to_string()
    });
    let left = of(AddedToken { lstrip: true, ..plain(1, "x") });
    check("lstrip", &|c| {
        let text = format!("{c}x");
        text[..run(&left, &text).last().unwrap().start].chars().count().to_string()
    });
}

fn of_text(text: &[u8], range: Range<usize>) -> Segment<'static> {
    Segment::Text {
        text: Cow::Owned(text[range.clone()].to_vec()),
        first: range.start == 0,
        range,
        alignment: None,
    }
}

#[test]
fn special_tokens_need_leave_and_others_do_not() {
    let tokens = [special(1, "<s>"), special(2, "<s>x"), plain(3, "<think>")];
    let added = added(&tokens);
    let text = b"a<s>x<think>";
    let token = |id, range| Segment::Token { id, range };
    let run = |allowed| cut(&added, text, allowed, &identity());
    let think = token(3, 5..12);
    assert_eq!(run(Specials::These(&[])), [of_text(text, 0..5), think.clone()]);
    assert_eq!(run(Specials::All), [of_text(text, 0..1), token(2, 1..5), think.clone()]);
    let (start, thinking) = (names(&["<s>"]), names(&["<think>"]));
    for _ in 0..2 {
        let expected = [of_text(text, 0..1), token(1, 1..4), of_text(text, 4..5), think.clone()];
        assert_eq!(run(Specials::These(&start)), expected);
        assert_eq!(run(Specials::These(&thinking)), [of_text(text, 0..5), think.clone()]);
    }
    assert_eq!(cut(&added, b"", Specials::All, &identity()), []);
}

#[test]
fn disallowed_tokens_are_reported() {
    let added =
        added(&[special(1, "<s>"), special(2, "<s>x"), special(4, "</s>"), plain(3, "<t>")]);
    let check = |text: &[u8], allowed, disallowed| added.check(text, &allowed, &disallowed);
    let bad = |token: &str, offset| {
        Err(EncodeError::DisallowedSpecial { token: token.to_owned(), offset })
    };
    let (s, t) = (names(&["<s>"]), names(&["<t>"]));
    let none = Specials::These(&[]);
    let text = b"a\xFF<t><s>x</s>";
    assert_eq!(check(text, none, Specials::All), bad("<s>x", 5));
    assert_eq!(check(b"\xC3<s>", none, Specials::All), bad("<s>", 1));
    assert_eq!(check(text, Specials::All, Specials::All), Ok(()));
    assert_eq!(check(text, none, none), Ok(()));
    assert_eq!(check(text, Specials::These(&s), Specials::All), bad("<s>x", 5));
    assert_eq!(check(b"<s> </s>", Specials::These(&s), Specials::All), bad("</s>", 4));
    assert_eq!(check(b"<s> <s>", Specials::These(&s), Specials::All), Ok(()));
    assert_eq!(check(text, Specials::All, Specials::These(&s)), bad("<s>", 5));
    assert_eq!(check(text, none, Specials::These(&t)), bad("<t>", 2));
    let unknown = names(&["<nope>"]);
    for result in [
        check(b"", Specials::These(&unknown), none),
        check(b"", none, Specials::These(&unknown)),
        check(b"", Specials::These(&unknown), Specials::All),
        check(b"", Specials::These(&unknown), Specials::These(&s)),
    ] {
        let message = result.unwrap_err().to_string();
        assert!(message.contains("\"<nope>\" is not a special token"), "{message}");
        assert!(message.contains("\"</s>\""), "{message}");
    }
}

#[test]
fn what_cannot_be_an_added_token() {
    let refused = |tokens: &[AddedToken], what: &str| {
        let error = AddedTokens::new(tokens, &identity()).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    refused(&[plain(1, "a"), plain(2, "")], "added_tokens[1]: the text is empty");
    refused(&[plain(1, "a"), special(2, "a")], "added_tokens[1]: \"a\" has been added");
    refused(&[plain(1, &"a".repeat(MOST_BYTES + 1))], "bytes");
    let strip = Normalizer::Strip { left: true, right: true };
    let rewriter = Rewriter::new(&Spec { normalizers: vec![strip], ..plain_spec() }).unwrap();
    let space = AddedToken { normalized: true, ..plain(1, " ") };
    let error = AddedTokens::new(&[space], &rewriter).unwrap_err().to_string();
    assert!(error.contains("added_tokens[0]: \" \", of which the normalizer leaves nothing"));
}

#[test]
fn the_lowest_id_wins_among_tokens_that_normalize_alike() {
    let spec = Spec { normalizers: vec![Normalizer::Lowercase], ..plain_spec() };
    let rewriter = Rewriter::new(&spec).unwrap();
    let normalized = |id, content| AddedToken { normalized: true, ..plain(id, content) };
    let tokens = [normalized(7, "AB"), normalized(5, "Ab"), normalized(9, "ab")];
    let added = AddedTokens::new(&tokens, &rewriter).unwrap();
    let found = cut(&added, b"xaB", Specials::All, &rewriter);
    assert_eq!(found[1], Segment::Token { id: 5, range: 1..3 });
}

#[test]
fn metaspace_marks_only_the_start_of_the_text() {
    let mark = |prepend| PreTokenizer::Metaspace { replacement: '▁', prepend, split: true };
    let run = |prepend, text: &str| {
        let spec = Spec { pre_tokenizers: vec![mark(prepend)], ..plain_spec() };
        let rewriter = Rewriter::new(&spec).unwrap();
        let added = AddedTokens::new(&[plain(1, "<s>")], &rewriter).unwrap();
        let segments = cut(&added, text.as_bytes(), Specials::All, &rewriter);
        let texts = segments.into_iter().map(|segment| match segment {
            Segment::Token { .. } => "|".to_owned(),
            Segment::Text { text, .. } => String::from_utf8(text.into_owned()).unwrap(),
        });
        texts.collect::<String>()
    };
    assert_eq!(run(PrependScheme::First, "a b<s>c"), "▁a▁b|c");
    assert_eq!(run(PrependScheme::First, "<s>c"), "|c");
    assert_eq!(run(PrependScheme::Always, "<s>c<s> d"), "|▁c|▁d");
}

/// The walk of the module's documentation in the plainest words.
fn naive(tokens: &[AddedToken], text: &[u8]) -> Vec<(Range<usize>, Option<u32>)> {
    let space_at = |at: usize| {
        (1..=4).find(|&n| {
            let one = text.get(at..at + n).and_then(|one| std::str::from_utf8(one).ok());
            one.is_some_and(|one| one.chars().count() == 1 && one.trim().is_empty())
        })
    };
    let word = |bytes: &[u8], last: bool| {
        let text = String::from_utf8_lossy(bytes);
        let character = if last { text.chars().next_back() } else { text.chars().next() };
        character.is_some_and(|c| regex_syntax::try_is_word_character(c).unwrap())
    };
    let mut out = Vec::new();
    let (mut at, mut done) = (0, 0);
    while at < text.len() {
        let matching =
            tokens.iter().filter(|token| text[at..].starts_with(token.content.as_bytes()));
        let Some(token) = matching.max_by_key(|token| token.content.len()) else {
            at += 1;
            continue;
        };
        let (mut start, mut end) = (at, at + token.content.len());
        at = end;
        if token.single_word && (word(&text[..start], true) || word(&text[end..], false)) {
            continue;
        }
        if token.lstrip {
            let all_space = |from: usize| {
                let mut at = from;
                while let Some(n) = space_at(at).filter(|n| at + n <= start) {
                    at += n;
                }
                at == start
            };
            start = (0..=start).find(|&from| all_space(from)).unwrap().max(done).min(end);
        }
        if token.rstrip {
            while let Some(n) = space_at(end) {
                end += n;
            }
        }
        if done < start {
            out.push((done..start, None));
        }
        out.push((start..end, Some(token.id)));
        done = end;
    }
    if done != text.len() {
        out.push((done..text.len(), None));
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(3000)))]

    #[test]
    fn the_walk_is_the_naive_one(
        tokens in prop::collection::btree_map(
            "[ab \t<\u{3000}é]{1,3}",
            (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>()),
            0..6,
        ),
        pieces in prop::collection::vec(prop_oneof![
            5 => "[ab \t<\u{3000}éx1-]{0,4}".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 1..3),
        ], 0..6),
    ) {
        let text = pieces.concat();
        let tokens: Vec<AddedToken> = (0..).zip(tokens).map(|(id, (content, flags))| {
            let (special, lstrip, rstrip, single_word) = flags;
            AddedToken { special, lstrip, rstrip, single_word, ..plain(id, &content) }
        }).collect();
        let added = added(&tokens);
        let some: Vec<String> = tokens.iter().filter(|token| token.special && token.id % 2 == 0)
            .map(|token| token.content.clone()).collect();
        for allowed in [Specials::All, Specials::These(&[]), Specials::These(&some)] {
            let is_allowed = |token: &&AddedToken| !token.special || match allowed {
                Specials::All => true,
                Specials::These(names) => names.contains(&token.content),
            };
            let chosen: Vec<AddedToken> = tokens.iter().filter(is_allowed).cloned().collect();
            let expected: Vec<_> = naive(&chosen, &text).into_iter()
                .map(|(range, id)| match id {
                    Some(id) => Segment::Token { id, range },
                    None => of_text(&text, range),
                })
                .collect();
            prop_assert_eq!(cut(&added, &text, allowed, &identity()), expected);

            let here = |token: &&AddedToken| text
                .windows(token.content.len())
                .position(|window| window == token.content.as_bytes());
            let disallowed = tokens.iter()
                .filter(|token| token.special && !is_allowed(token))
                .filter_map(|token| Some((here(&token)?, token.content.len())))
                .min_by_key(|&(at, length)| (at, std::cmp::Reverse(length)));
            let found = added.check(&text, &allowed, &Specials::All).err().map(|error| match error {
                EncodeError::DisallowedSpecial { token, offset } => (offset, token.len()),
                other => panic!("{other}"),
            });
            prop_assert_eq!(found, disallowed);
        }
    }
}

#[test]
fn thousands_of_tokens_and_long_runs_take_linear_time() {
    let mut tokens: Vec<AddedToken> =
        (0..20_000).map(|id| special(id, &format!("<|token {id}|>"))).collect();
    let greedy =
        |id, content: &str| AddedToken { lstrip: true, rstrip: true, ..plain(id, content) };
    tokens.push(greedy(30_000, "\t"));
    tokens.push(greedy(30_001, "a"));
    tokens.push(AddedToken { single_word: true, ..plain(30_002, "bb") });
    let added = added(&tokens);
    for unit in ["a", "\t", " ", "b", "<|token 1", "\u{3000}", "a\t", "<"] {
        let text = unit.repeat((1 << 20) / unit.len());
        let start = std::time::Instant::now();
        let mut total = 0;
        added
            .segments(text.as_bytes(), &Specials::All, &identity(), |_| {
                total += 1;
                Ok(())
            })
            .unwrap();
        added.check(text.as_bytes(), &Specials::These(&[]), &Specials::All).unwrap();
        assert!(total > 0 && start.elapsed().as_secs() < 10, "{unit:?}");
    }
}
