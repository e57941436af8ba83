//! Each scanner against its published regular expression.

use proptest::prelude::*;

use super::{ends, oracle, show};
use crate::spec::{Dialect, Pattern, PreTokenizer, SplitBehavior};
use crate::split::{Family, Splitter};
use crate::testing::cases;

/// A family's scanner, and its published texts for the slow engine: the
/// owner's, tiktoken's and Hugging Face's, which must all agree with it.
struct Pair {
    family: Family,
    splitter: Splitter,
    texts: Vec<Vec<oracle::Step>>,
}

fn pairs() -> Vec<Pair> {
    Family::ALL
        .into_iter()
        .map(|family| {
            let mut texts = vec![family.steps()];
            texts.extend(family.tiktoken_pattern().map(|text| vec![isolated(text)]));
            texts.push(family.hf_steps());
            texts.dedup();
            let splitter = Splitter::new(&family.steps()).unwrap();
            assert_eq!(splitter.family(), Some(family));
            Pair { family, splitter, texts: texts.iter().map(|s| oracle::compile(s)).collect() }
        })
        .collect()
}

fn isolated(text: &str) -> PreTokenizer {
    PreTokenizer::Split {
        pattern: Pattern::Regex { text: text.to_owned(), dialect: Dialect::Tiktoken },
        behavior: SplitBehavior::Isolated,
        invert: false,
    }
}

impl Pair {
    fn check(&self, text: &str) {
        let found = ends(&self.splitter, text.as_bytes());
        for steps in &self.texts {
            let expected = oracle::ends(steps, text);
            assert!(
                found == expected,
                "{}: {:?}\n found {:?}\n wants {:?}",
                self.family.name(),
                text,
                show(text.as_bytes(), &found),
                show(text.as_bytes(), &expected)
            );
        }
    }

    /// Only against the owner's text.
    fn check_first(&self, text: &str) {
        let found = ends(&self.splitter, text.as_bytes());
        if found != oracle::ends(&self.texts[0], text) {
            self.check(text);
        }
    }
}

#[test]
fn every_code_point_in_many_places() {
    let pairs = pairs();
    let mut text = String::new();
    for c in '\0'..=char::MAX {
        // Beyond the assigned planes a few code points stand for all.
        let point = u32::from(c);
        let rare = (0x3_3480..0xE_0000).contains(&point) || (0xE_1000..).contains(&point);
        if rare && point % 61 != 0 {
            continue;
        }
        for before in ["", " ", "a", "A", "!", "\n", "'"] {
            text.push_str(before);
            text.push(c);
        }
        text.push(c);
        text.push_str("s 1");
        text.push(c);
        text.push_str("\t \r\n");
        if text.len() > 1500 {
            for pair in &pairs {
                pair.check_first(&text);
            }
            text.clear();
        }
    }
}

/// Characters of every class and every special role.
const ALPHABET: &str = "abcsStTdDmMlLvVrReEſKǅµéÉßʰªא中々〇ー・ア゙ⅷ٣0123456789²½\
    \u{300}\u{301}\u{20dd}\u{302a}\u{3099}\u{9fa5}\u{9fa6}\u{30ff}\u{3040}⺀〸,.;:!?'\"’-_/\\()[]{}<>+=$^~`|@#%&*\
    \u{1}\u{7f}\u{200b}\u{200d}\u{feff}\u{e000}\u{378}\u{fffd}\u{10ffff}\u{11de0}😀𝐀𝒷𐐀𐐨𠀀 \t\n\r\u{b}\u{c}\u{85}\u{a0}\u{2028}\u{3000}";

fn character() -> impl Strategy<Value = char> {
    let alphabet: Vec<char> = ALPHABET.chars().collect();
    prop_oneof![
        10 => proptest::sample::select(alphabet),
        4 => proptest::sample::select(vec![' ', ' ', '\n', '\r', '\t', '\'', '/']),
        4 => proptest::sample::select(vec!['a', 's', 'B', 'S', 'l', '1', '!', '\u{300}', '中']),
        1 => any::<char>(),
    ]
}

pub(super) fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        proptest::collection::vec(character(), 0..12),
        proptest::collection::vec(character(), 0..80),
        // Runs, so that whole sixteen-byte chunks occur.
        proptest::collection::vec((character(), 1usize..40), 0..6)
            .prop_map(|runs| runs.into_iter().flat_map(|(c, n)| vec![c; n]).collect()),
    ]
    .prop_map(|characters| characters.into_iter().collect())
}

#[test]
fn random_text() {
    let pairs = pairs();
    let config = ProptestConfig { cases: cases(300), ..ProptestConfig::default() };
    proptest!(config, |(text in text())| {
        for pair in &pairs {
            pair.check(&text);
        }
    });
}

/// Every byte that is not part of a character becomes U+FFFD; with the ends
/// of the pieces mapped back.
pub(super) fn replaced(bytes: &[u8]) -> (String, Vec<usize>) {
    let mut text = String::new();
    let mut back = vec![0];
    let mut rest = bytes;
    while !rest.is_empty() {
        let length = (1..=rest.len().min(4)).find(|n| std::str::from_utf8(&rest[..*n]).is_ok());
        let c = match length {
            Some(n) => std::str::from_utf8(&rest[..n]).unwrap().chars().next().unwrap(),
            None => '\u{FFFD}',
        };
        rest = &rest[length.unwrap_or(1)..];
        text.push(c);
        back.resize(text.len() + 1, bytes.len() - rest.len());
    }
    (text, back)
}

pub(super) fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => text().prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
        1 => proptest::sample::select(vec![0x80u8, 0xC3, 0xE4, 0xED, 0xF0, 0xFF, 0xC5])
            .prop_map(|byte| vec![byte]),
        1 => (text(), any::<proptest::sample::Index>()).prop_map(|(text, index)| {
            let mut bytes = text.into_bytes();
            bytes.truncate(index.index(bytes.len() + 1));
            bytes
        }),
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

#[test]
fn random_bytes_are_cut_as_replacement_characters_would_be() {
    let splitters: Vec<Splitter> =
        Family::ALL.iter().map(|family| Splitter::new(&family.steps()).unwrap()).collect();
    let config = ProptestConfig { cases: cases(300), ..ProptestConfig::default() };
    proptest!(config, |(bytes in bytes())| {
        let (text, back) = replaced(&bytes);
        for splitter in &splitters {
            let expected: Vec<usize> =
                ends(splitter, text.as_bytes()).into_iter().map(|end| back[end]).collect();
            prop_assert_eq!(ends(splitter, &bytes), expected, "{:?}", splitter.family());
        }
    });
}

/// Plain ASCII in long stretches, for the blocks of sixty-four bytes.
fn ascii() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        8 => "[a-z]{1,9}",
        3 => "[A-Z][a-z]{0,7}",
        2 => "[a-zA-Z]{1,70}",
        2 => "[0-9]{1,12}",
        3 => "[!-/:-@\\[-`{-~]{1,4}",
        2 => "[!-~]{1,6}",
        1 => "[a-z]{1,5}'[a-zA-Z]{1,3}",
        1 => "[\\x00-\\x7f]{1,3}",
        1 => proptest::sample::select(vec!["é", "\u{a0}", "\u{3000}", "\u{301}", "中", "\u{85}"])
            .prop_map(str::to_owned),
    ];
    let gap = prop_oneof![
        8 => Just(" ".to_owned()),
        4 => Just(String::new()),
        2 => "[ \n]{1,3}",
        2 => "\n {0,9}",
        1 => "[ \t\r\n\x0b\x0c]{1,5}",
        1 => " {1,80}",
        1 => Just("\r\n".to_owned()),
        1 => Just("\n/".to_owned()),
    ];
    proptest::collection::vec((word, gap), 0..60)
        .prop_map(|items| items.into_iter().flat_map(|(word, gap)| [word, gap]).collect())
}

#[test]
fn long_stretches_of_plain_text() {
    let pairs = pairs();
    let config = ProptestConfig { cases: cases(300), ..ProptestConfig::default() };
    proptest!(config, |(text in ascii())| {
        for pair in &pairs {
            pair.check_first(&text);
        }
    });
}
