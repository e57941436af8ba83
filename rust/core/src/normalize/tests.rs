#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use proptest::prelude::*;
use serde_json::Value;
use unicode_normalization_alignments::UnicodeNormalization;

use super::*;
use crate::testing::{cases, plain_spec, text_fixture};

fn rewriter(normalizers: Vec<Normalizer>, pre_tokenizers: Vec<PreTokenizer>) -> Rewriter {
    Rewriter::new(&Spec { normalizers, pre_tokenizers, ..plain_spec() }).unwrap()
}

fn of<T: serde::de::DeserializeOwned>(value: &Value) -> T {
    serde_json::from_value(value.clone()).unwrap()
}

fn regex(pattern: &str) -> Normalizer {
    Normalizer::ReplaceRegex { pattern: pattern.to_owned(), to: String::new() }
}

fn literal(from: &str, to: &str) -> Normalizer {
    Normalizer::ReplaceLiteral { from: from.to_owned(), to: to.to_owned() }
}

fn metaspace(prepend: PrependScheme) -> PreTokenizer {
    PreTokenizer::Metaspace { replacement: '\u{2581}', prepend, split: true }
}

#[test]
fn normalizers_are_hugging_faces() {
    let mut seen = 0;
    for case in text_fixture("normalizers").as_array().unwrap() {
        let steps: Vec<Normalizer> = of(&case["steps"]);
        let rewriter = rewriter(steps.clone(), Vec::new());
        for pair in case["texts"].as_array().unwrap() {
            let (source, expected) = (pair[0].as_str().unwrap(), pair[1].as_str().unwrap());
            let found = rewriter.apply(source.as_bytes(), true);
            assert_eq!(std::str::from_utf8(&found).unwrap(), expected, "{steps:?} on {source:?}");
            seen += 1;
        }
    }
    assert!(seen > 300);
}

/// CRC-32 sums of `of(character)` over blocks of all code points.
fn sums(block: u32, of: impl Fn(char, &mut String)) -> Vec<u32> {
    let blocks = (0..0x11_0000 / block).map(|index| {
        let mut sum = flate2::Crc::new();
        let characters = (index * block..(index + 1) * block).filter_map(char::from_u32);
        let mut one = String::new();
        for (count, character) in characters.enumerate() {
            one.clear();
            if count > 0 {
                one.push('\0');
            }
            of(character, &mut one);
            sum.update(one.as_bytes());
        }
        sum.sum()
    });
    blocks.collect()
}

/// Compares every code point with what Hugging Face tokenizers makes of it.
#[test]
fn every_character_is_hugging_faces() {
    let fixture = text_fixture("characters");
    let block = of(&text_fixture("block"));
    let check = |name: &str, of: &dyn Fn(char, &mut String)| {
        let expected: Vec<u32> = fixture[name].as_array().unwrap().iter().map(self::of).collect();
        let found = sums(block, of);
        let differing: Vec<_> = (0..found.len()).filter(|&i| found[i] != expected[i]).collect();
        assert!(differing.is_empty(), "{name:?} differs in blocks {differing:?} of {block}");
    };
    let mut buffer = [0; 4];
    let rewritten = |rewriter: &Rewriter, source: &str, out: &mut String| {
        out.push_str(std::str::from_utf8(&rewriter.apply(source.as_bytes(), true)).unwrap());
    };
    for (name, step) in [
        ("Nfc", Normalizer::Nfc),
        ("Nfd", Normalizer::Nfd),
        ("Nfkc", Normalizer::Nfkc),
        ("Nfkd", Normalizer::Nfkd),
        ("Lowercase", Normalizer::Lowercase),
        ("StripAccents", Normalizer::StripAccents),
        ("Strip", Normalizer::Strip { left: true, right: true }),
    ] {
        let rewriter = rewriter(vec![step], Vec::new());
        check(name, &|c, out| rewritten(&rewriter, c.encode_utf8(&mut buffer.clone()), out));
    }
    for (name, step, tail) in [
        ("Nfc a?\u{323}\u{301}", Normalizer::Nfc, "\u{323}\u{301}"),
        ("Nfkd a?\u{323}\u{301}", Normalizer::Nfkd, "\u{323}\u{301}"),
        ("Nfc a?\u{1161}", Normalizer::Nfc, "\u{1161}"),
    ] {
        let rewriter = rewriter(vec![step], Vec::new());
        check(name, &|c, out| rewritten(&rewriter, &format!("a{c}{tail}"), out));
    }
    for class in [
        r"\s", r"\S", r"\d", r"\D", ".", r"\p{L}", r"\p{Lu}", r"\p{Ll}", r"\p{N}", r"\p{Nd}",
        r"\p{M}", r"\p{Mn}", r"\p{P}", r"\p{S}", r"\p{Z}", r"\p{Zs}", r"\p{Cc}",
    ] {
        let rewriter = rewriter(vec![regex(class)], Vec::new());
        check(class, &|c, out| {
            let left = rewriter.apply(c.encode_utf8(&mut buffer.clone()).as_bytes(), true).len();
            out.push_str(if left == 0 { "0" } else { "1" });
        });
    }
    buffer.fill(0);
}

#[test]
fn what_is_not_supported_is_refused_by_name() {
    let refused = |spec: Spec, what: &str| {
        let error = Rewriter::new(&spec).unwrap_err().to_string();
        assert!(error.contains(what), "{error}");
    };
    let normalizers = |steps: &[Normalizer]| Spec { normalizers: steps.to_vec(), ..plain_spec() };
    for (pattern, what) in [
        (r"^a", "`^`"),
        (r"a$", "`$`"),
        (r"\bx", "word boundary"),
        (r"\w+", r"\w"),
        (r"(?i)a", "inline flag"),
        (r"(?i:a)", "inline flag"),
        (r"a++", "possessive"),
        (r"a{2}?", "{n}?"),
        (r"a*", "empty string"),
        (r"(a*)*b", "repetition of what can be empty"),
        (r"[[:alpha:]]", "[:name:]"),
        (r"[a&&b]", "operation on character classes"),
        (r"\p{Greek}", r"\p{...}"),
        (r"a(?:b*c)?", "arbitrarily far"),
        (r".*b|a", "arbitrarily far"),
        (r"a(?=b)", "look-around"),
        (r"(a", "cannot read the pattern"),
        (r"[\x{0}-\x{10FFFF}]{2000}{2000}", "possessive"),
        (r"(?:[ab]{100}){100}", "cannot be compiled"),
        (r"(?:a|aa){1,60}b.{60}c", "cannot be compiled"),
    ] {
        refused(normalizers(&[regex(pattern)]), what);
        refused(normalizers(&[Normalizer::Nfc, regex(pattern)]), "normalizers[1]");
    }
    refused(normalizers(&[regex(&"(".repeat(5000))]), "cannot read the pattern");
    refused(normalizers(&[regex(&"a".repeat(1 << 20))]), "bytes");
    refused(normalizers(&[literal("", "x")]), "empty string");
    refused(normalizers(&vec![literal("a", "aa"); 40]), "times longer");
    refused(
        normalizers(&[literal("a", &"b".repeat(100)), literal("b", &"c".repeat(100))]),
        "times",
    );
    let digits = PreTokenizer::Digits { individual: true };
    let after = |step| Spec { pre_tokenizers: vec![digits.clone(), step], ..plain_spec() };
    refused(after(PreTokenizer::PrefixSpace), "pre_tokenizers[1]: ByteLevel");
    refused(after(metaspace(PrependScheme::Never)), "pre_tokenizers[1]: Metaspace");
}

#[test]
fn many_replacements_that_do_not_feed_each_other_are_accepted() {
    let wide: Vec<Normalizer> = ('!'..='~')
        .map(|c| {
            literal(&c.to_string(), &char::from_u32(u32::from(c) + 0xFEE0).unwrap().to_string())
        })
        .collect();
    let rewriter = rewriter(wide, Vec::new());
    assert_eq!(&*rewriter.apply(b"a!", true), "ａ！".as_bytes());
    let chain = vec![Normalizer::Nfkc, Normalizer::Lowercase, literal("''", "\""), regex(r"\s+")];
    Rewriter::new(&Spec { normalizers: chain, ..plain_spec() }).unwrap();
}

#[test]
fn unchanged_text_is_not_copied() {
    let every = vec![
        Normalizer::Nfc,
        Normalizer::Nfkc,
        Normalizer::StripAccents,
        Normalizer::Lowercase,
        literal("zz", "y"),
        regex(r"\d{3}"),
        Normalizer::Strip { left: true, right: true },
    ];
    let rewriter = rewriter(every, vec![metaspace(PrependScheme::First)]);
    assert!(!rewriter.is_identity());
    for text in ["", "plain", "déjà vu 漢字 가나다 😀", "naïve \u{1e69}"] {
        let text = text.replace(' ', "_");
        let (found, alignment) = rewriter.apply_aligned(text.as_bytes(), false);
        assert!(matches!(found, Cow::Borrowed(_)) && alignment.is_none(), "{text:?}");
    }
    assert!(Rewriter::new(&plain_spec()).unwrap().is_identity());
}

#[test]
fn prefixes() {
    let run = |step: PreTokenizer, text: &str, first| {
        let text = rewriter(Vec::new(), vec![step]).apply(text.as_bytes(), first).into_owned();
        String::from_utf8(text).unwrap()
    };
    assert_eq!(run(PreTokenizer::PrefixSpace, "a b", false), " a b");
    assert_eq!(run(PreTokenizer::PrefixSpace, " a", true), " a");
    assert_eq!(run(PreTokenizer::PrefixSpace, "", true), "");
    assert_eq!(run(metaspace(PrependScheme::Always), "a b", false), "▁a▁b");
    assert_eq!(run(metaspace(PrependScheme::Always), " a", false), "▁a");
    assert_eq!(run(metaspace(PrependScheme::First), "a b", false), "a▁b");
    assert_eq!(run(metaspace(PrependScheme::First), "a b", true), "▁a▁b");
    assert_eq!(run(metaspace(PrependScheme::Never), "a b", true), "a▁b");
}

#[test]
fn alignments_by_hand() {
    let aligned = |steps: Vec<Normalizer>, prefix, text: &str| {
        let (found, alignment) = rewriter(steps, prefix).apply_aligned(text.as_bytes(), true);
        (String::from_utf8(found.into_owned()).unwrap(), alignment.unwrap().sources)
    };
    let (text, sources) = aligned(vec![Normalizer::Nfc], vec![], "xe\u{301}y");
    assert_eq!((text.as_str(), sources), ("xéy", vec![(0, 1), (1, 4), (1, 4), (4, 5)]));
    let (text, sources) = aligned(vec![Normalizer::Nfkd], vec![], "ﬁé");
    assert_eq!(text, "fie\u{301}");
    assert_eq!(sources, [(0, 3), (0, 3), (3, 5), (3, 5), (3, 5)]);
    let (text, sources) = aligned(vec![Normalizer::Nfd], vec![], "漢é");
    assert_eq!(text, "漢e\u{301}");
    assert_eq!(sources, [(0, 1), (1, 2), (2, 3), (3, 5), (3, 5), (3, 5)]);
    let strip = Normalizer::Strip { left: true, right: true };
    let (text, sources) = aligned(vec![strip], vec![metaspace(PrependScheme::Always)], " a b ");
    assert_eq!(text, "▁a▁b");
    assert_eq!(sources, [(1, 1), (1, 1), (1, 1), (1, 2), (2, 3), (2, 3), (2, 3), (3, 4)]);
    let (text, sources) =
        aligned(vec![literal("aa", "b"), Normalizer::Prepend("<".to_owned())], vec![], "aaa");
    assert_eq!((text.as_str(), sources), ("<ba", vec![(0, 0), (0, 2), (2, 3)]));
}

fn step_strategy() -> impl Strategy<Value = Normalizer> {
    prop_oneof![
        Just(Normalizer::Nfc),
        Just(Normalizer::Nfd),
        Just(Normalizer::Nfkc),
        Just(Normalizer::Nfkd),
        Just(Normalizer::Lowercase),
        Just(Normalizer::StripAccents),
        any::<(bool, bool)>().prop_map(|(left, right)| Normalizer::Strip { left, right }),
        Just(Normalizer::Prepend("▁".to_owned())),
        Just(literal("a", "bb")),
        Just(literal(" ", "▁")),
        Just(literal("▁▁", "")),
        Just(Normalizer::ReplaceRegex { pattern: r"\s+".to_owned(), to: " ".to_owned() }),
        Just(Normalizer::ReplaceRegex {
            pattern: r"[^\x00-\x7F]b?".to_owned(),
            to: "é".to_owned()
        }),
    ]
}

fn text_strategy() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => "[a-cA-C ▁\t\u{301}\u{323}éÉ\u{1100}\u{1161}\u{11a8}가각ﬁ½Åİß]{0,4}"
            .prop_map(String::into_bytes),
        1 => any::<char>().prop_map(|c| c.to_string().into_bytes()),
        1 => prop::collection::vec(any::<u8>(), 1..3),
    ];
    prop::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// The valid runs of a text mapped one by one, and the other bytes kept.
fn each_run(text: &[u8], of: impl Fn(&str) -> String) -> Vec<u8> {
    let mut out = Vec::new();
    for chunk in text.utf8_chunks() {
        out.extend(of(chunk.valid()).into_bytes());
        out.extend(chunk.invalid());
    }
    out
}

/// A step in the plainest words.
fn oracle(step: &Normalizer, text: &[u8]) -> Vec<u8> {
    match step {
        Normalizer::Nfc => each_run(text, |run| run.nfc().map(|c| c.0).collect()),
        Normalizer::Nfd => each_run(text, |run| run.nfd().map(|c| c.0).collect()),
        Normalizer::Nfkc => each_run(text, |run| run.nfkc().map(|c| c.0).collect()),
        Normalizer::Nfkd => each_run(text, |run| run.nfkd().map(|c| c.0).collect()),
        Normalizer::Lowercase => {
            each_run(text, |run| run.chars().flat_map(char::to_lowercase).collect())
        }
        Normalizer::StripAccents => each_run(text, |run| {
            let mark = unicode_normalization_alignments::char::is_combining_mark;
            run.chars().filter(|&c| !mark(c)).collect()
        }),
        Normalizer::Strip { left, right } => {
            let chunks: Vec<_> = text.utf8_chunks().collect();
            let mut text = text.to_vec();
            if *right && chunks.last().is_some_and(|chunk| chunk.invalid().is_empty()) {
                let run = chunks.last().unwrap().valid();
                text.truncate(text.len() - (run.len() - run.trim_end().len()));
            }
            if *left && !text.is_empty() {
                let run = text.utf8_chunks().next().unwrap().valid().to_owned();
                text.drain(..run.len() - run.trim_start().len());
            }
            text
        }
        Normalizer::Prepend(prefix) if !text.is_empty() => [prefix.as_bytes(), text].concat(),
        Normalizer::Prepend(_) => Vec::new(),
        Normalizer::ReplaceLiteral { from, to } => each_run(text, |run| run.replace(from, to)),
        Normalizer::ReplaceRegex { pattern, to } => {
            let regex = regex_automata::meta::Regex::new(pattern).unwrap();
            each_run(text, |run| {
                let mut out = String::new();
                let mut done = 0;
                for found in regex.find_iter(run) {
                    out.push_str(&run[done..found.start()]);
                    out.push_str(to);
                    done = found.end();
                }
                out + &run[done..]
            })
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(2000)))]

    #[test]
    fn chains_are_their_steps_one_after_the_other(
        steps in prop::collection::vec(step_strategy(), 0..4),
        text in text_strategy(),
    ) {
        let rewriter = rewriter(steps.clone(), Vec::new());
        let expected = steps.iter().fold(text.clone(), |text, step| oracle(step, &text));
        prop_assert_eq!(&*rewriter.apply(&text, true), expected.as_slice());
        let (found, alignment) = rewriter.apply_aligned(&text, true);
        prop_assert_eq!(&*found, expected.as_slice());
        if let Some(Alignment { sources }) = alignment {
            prop_assert_eq!(sources.len(), found.len());
            for (start, end) in sources {
                prop_assert!(start <= end && end <= text.len());
            }
        } else {
            prop_assert_eq!(expected, text);
        }
    }

    /// Every output byte of a form comes from a range of source characters
    /// whose decomposition has the character that the byte is part of.
    #[test]
    fn forms_are_aligned(
        form in prop::sample::select(vec![Normalizer::Nfc, Normalizer::Nfd, Normalizer::Nfkc, Normalizer::Nfkd]),
        text in "[a-c\u{301}\u{323}\u{345}éÅ가각\u{1161}\u{11a8}ﬁ½\u{344}ệ]{0,12}",
    ) {
        let (found, alignment) =
            rewriter(vec![form.clone()], Vec::new()).apply_aligned(text.as_bytes(), true);
        let Some(alignment) = alignment else { return Ok(()) };
        let found = std::str::from_utf8(&found).unwrap();
        let compatible = matches!(form, Normalizer::Nfkc | Normalizer::Nfkd);
        let decompose = |text: &str| -> Vec<char> {
            if compatible { text.nfkd().map(|c| c.0).collect() } else { text.nfd().map(|c| c.0).collect() }
        };
        let mut covered = vec![false; text.len()];
        for (at, character) in found.char_indices() {
            let sources = &alignment.sources[at..at + character.len_utf8()];
            let (start, end) = (sources[0].0, sources[sources.len() - 1].1);
            covered[start..end].fill(true);
            let kept = text[start..end].chars().eq([character]);
            for (index, &source) in sources.iter().enumerate() {
                let own = (start + index, start + index + 1);
                prop_assert_eq!(source, if kept { own } else { (start, end) });
            }
            let source = decompose(&text[start..end]);
            for piece in decompose(&character.to_string()) {
                prop_assert!(source.contains(&piece), "{:?} from {:?}", character, &text[start..end]);
            }
        }
        prop_assert!(covered.into_iter().all(|covered| covered));
    }
}

#[test]
fn long_runs_take_linear_time() {
    let steps = [
        vec![Normalizer::Nfc],
        vec![Normalizer::Nfkd],
        vec![Normalizer::Nfkc, Normalizer::Lowercase, Normalizer::StripAccents],
        vec![Normalizer::Strip { left: true, right: true }],
        vec![literal("aa", "b"), literal(" ", "▁")],
        vec![Normalizer::ReplaceRegex {
            pattern: r" {2,}|\s+|a+b?".to_owned(),
            to: " ".to_owned(),
        }],
    ];
    for unit in ["a", " ", "\u{301}", "\u{1161}", "가", "漢", "É", "\u{fb01}", "a\u{301}\u{323}"]
    {
        let text = unit.repeat((1 << 20) / unit.len());
        for steps in &steps {
            let rewriter = rewriter(steps.clone(), vec![metaspace(PrependScheme::First)]);
            let start = std::time::Instant::now();
            let (found, alignment) = rewriter.apply_aligned(text.as_bytes(), true);
            assert!(alignment.is_none_or(|alignment| alignment.sources.len() == found.len()));
            assert!(start.elapsed().as_secs() < 10, "{unit:?} {steps:?}");
        }
    }
}
