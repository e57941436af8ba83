//! Patterns without a scanner, behaviours and sequences.

use proptest::prelude::*;

use super::family::{bytes, replaced, text};
use super::{ends, oracle, show};
use crate::error::{EncodeError, LoadError};
use crate::spec::{Dialect, Pattern, PreTokenizer, PrependScheme, SplitBehavior};
use crate::split::{BLOCK, Family, Splitter};
use crate::testing::cases;

fn split(text: &str, dialect: Dialect, behavior: SplitBehavior, invert: bool) -> PreTokenizer {
    let pattern = Pattern::Regex { text: text.to_owned(), dialect };
    PreTokenizer::Split { pattern, behavior, invert }
}

fn isolated(text: &str, dialect: Dialect) -> PreTokenizer {
    split(text, dialect, SplitBehavior::Isolated, false)
}

const BEHAVIORS: [SplitBehavior; 4] = [
    SplitBehavior::Isolated,
    SplitBehavior::Contiguous,
    SplitBehavior::MergedWithPrevious,
    SplitBehavior::MergedWithNext,
];

/// Patterns of which the linear-time engine takes the first group.
const LINEAR: &[&str] = &[
    r"\s+(?!\S)|\s+",
    r"[\p{L}'’]+|\p{N}{1,2}| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
    r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}++|\p{N}{1,2}+| ?[^\s\p{L}\p{N}]++[\r\n]*+|\s++$|\s*[\r\n]|\s+(?!\S)|\s",
    r"a(?=b)|\w+(?=\s)|.",
    r"(?i:straſſe|k)+",
    r"\d+",
    r"",
    r"b*",
    r"a*|b",
    r"^a|b$",
    r"(?m:^a|b$)",
    r"(?:a|ab)(?:c|bcd)?",
    r"\w{2,3}?",
    r"x|\s\s+(?! )",
    r"[^\n]+|[\n]+",
    r"[a-z&&[^aeiou]]+",
    r"(?s:.)\z",
    "[一-龥ࠀ-一가-퟿]+",
];

const BACKTRACKING: &[&str] = &[
    r"(?<=a)b",
    r"(a+)\1",
    r"\s+(?!\S\S)|\s+",
    r"(?>a+)b|a",
    r"\w+(?=\s|$)|\W",
    r"\bS\w*",
    r"(?:\s+(?!\S))|\S+?(?!\p{L})",
    r"a*+a|b",
    r"(?:a*|b)+|.",
];

fn check(steps: &[PreTokenizer], splitter: &Splitter, oracle: &[oracle::Step], text: &str) {
    let found = ends(splitter, text.as_bytes());
    let expected = oracle::ends(oracle, text);
    assert!(
        found == expected,
        "{steps:?} on {text:?}\n found {:?}\n wants {:?}",
        show(text.as_bytes(), &found),
        show(text.as_bytes(), &expected)
    );
}

#[test]
fn patterns_cut_as_the_backtracking_engine_does() {
    let mut all = Vec::new();
    for (patterns, linear) in [(LINEAR, true), (BACKTRACKING, false)] {
        for pattern in patterns {
            for (index, behavior) in BEHAVIORS.into_iter().enumerate() {
                let steps = [split(pattern, Dialect::Tiktoken, behavior, index % 2 == 1)];
                let splitter = Splitter::new(&steps).unwrap();
                assert_eq!(splitter.is_linear(), linear, "{pattern}");
                assert_eq!(splitter.family(), None, "{pattern}");
                all.push((oracle::compile(&steps), steps, splitter));
            }
        }
    }
    let config = ProptestConfig { cases: cases(150), ..ProptestConfig::default() };
    proptest!(config, |(text in text())| {
        for (oracle, steps, splitter) in &all {
            check(steps, splitter, oracle, &text);
        }
    });
}

/// Random patterns over a small alphabet, written so that both engines read
/// them alike.
fn pattern() -> impl Strategy<Value = String> {
    let set = proptest::sample::select(vec![
        "a",
        "b",
        " ",
        r"\s",
        r"\S",
        "[ab]",
        "[^a]",
        r"\w",
        r"\p{L}",
        r"[^\s\p{L}]",
        "é",
        r"\n",
    ]);
    let quantifier = proptest::sample::select(vec![
        "", "", "", "+", "*", "?", "{2}", "{1,2}", "+?", "*?", "{2,}", "++", "*+", "?+",
    ]);
    let atom = (set, quantifier).prop_map(|(set, quantifier)| format!("{set}{quantifier}"));
    let sequence = proptest::collection::vec(atom, 1..4).prop_map(|atoms| atoms.concat());
    let ending = proptest::sample::select(vec![
        "",
        "",
        "",
        r"(?!\S)",
        r"(?=\s)",
        "(?!a)",
        r"(?=\S)",
        r"\z",
        r"(?![^b])",
    ]);
    let branch = (sequence.clone(), ending).prop_map(|(body, ending)| body + ending);
    let repeated = proptest::sample::select(vec!["", "", "+", "*", "?", "{2}", "+?"]);
    let group = (proptest::collection::vec(sequence, 1..3), repeated)
        .prop_map(|(items, quantifier)| format!("(?:{}){quantifier}", items.join("|")));
    let branch = prop_oneof![4 => branch, 1 => group];
    proptest::collection::vec(branch, 1..4).prop_map(|branches| branches.join("|"))
}

fn short_text() -> impl Strategy<Value = String> {
    let c = proptest::sample::select(vec!['a', 'a', 'b', ' ', ' ', '\n', 'é', '!', '中']);
    proptest::collection::vec(c, 0..14).prop_map(|text| text.into_iter().collect())
}

#[test]
fn random_patterns_cut_as_the_backtracking_engine_does() {
    let config = ProptestConfig { cases: cases(400), ..ProptestConfig::default() };
    let texts = proptest::collection::vec(short_text(), 8);
    let behavior = proptest::sample::select(BEHAVIORS.to_vec());
    proptest!(config, |(pattern in pattern(), texts in texts, behavior in behavior, invert: bool)| {
        let steps = [split(&pattern, Dialect::Tiktoken, behavior, invert)];
        let splitter = Splitter::new(&steps).unwrap();
        let oracle = oracle::compile(&steps);
        for text in &texts {
            check(&steps, &splitter, &oracle, text);
        }
    });
}

#[test]
fn sequences_cut_the_pieces_of_the_step_before() {
    let hf = Dialect::HuggingFace;
    let literal = |text: &str, behavior| PreTokenizer::Split {
        pattern: Pattern::Literal(text.to_owned()),
        behavior,
        invert: false,
    };
    let metaspace =
        PreTokenizer::Metaspace { replacement: '·', prepend: PrependScheme::Never, split: true };
    let sequences = [
        vec![PreTokenizer::Digits { individual: false }],
        vec![PreTokenizer::Digits { individual: true }, isolated(r"\s?\p{L}+", hf)],
        // DeepSeek LLM and Coder.
        vec![
            isolated(r"[\r\n]", hf),
            isolated(r"\s?\p{L}+", hf),
            isolated(r"\s?\p{P}+", hf),
            isolated("[一-龥ࠀ-一가-퟿]+", hf),
            PreTokenizer::Digits { individual: true },
        ],
        // BLOOM.
        vec![isolated(" ?[^(\\s|[.,!?…。，、।۔،])]+", hf)],
        // Laguna.
        vec![
            split(r"(?:\r?\n)+(?!\r?\n)", hf, SplitBehavior::MergedWithNext, false),
            Family::Qwen2.hf_steps().remove(0),
        ],
        vec![literal("l", SplitBehavior::MergedWithPrevious), isolated(r"\p{L}\p{M}*", hf)],
        vec![literal("ab", SplitBehavior::Contiguous), Family::Gpt2.hf_steps().remove(0)],
        vec![PreTokenizer::PrefixSpace, metaspace.clone()],
        vec![Family::O200k.hf_steps().remove(0), Family::Gpt2.hf_steps().remove(0), metaspace],
        vec![],
    ];
    let all: Vec<_> = sequences
        .into_iter()
        .map(|steps| (oracle::compile(&steps), Splitter::new(&steps).unwrap(), steps))
        .collect();
    let config = ProptestConfig { cases: cases(200), ..ProptestConfig::default() };
    proptest!(config, |(text in text(), bytes in bytes())| {
        for (oracle, splitter, steps) in &all {
            check(steps, splitter, oracle, &text);
            let (valid, back) = replaced(&bytes);
            let expected: Vec<usize> =
                ends(splitter, valid.as_bytes()).into_iter().map(|end| back[end]).collect();
            prop_assert_eq!(ends(splitter, &bytes), expected, "{:?}", steps);
        }
    });
}

/// What `tokenizers` 0.23 gives for patterns in its dialect.
#[test]
fn ruby_syntax_means_what_it_means_in_hugging_face_tokenizers() {
    let cases: &[(&str, &str, &[&str])] = &[
        (r"$", "ab\ncd\n", &["ab", "\ncd", "\n"]),
        (r"^", "ab\ncd\n", &["ab\n", "cd\n"]),
        (r"\Z", "ab\n", &["ab", "\n"]),
        (r"\s+$", "a  \n b  ", &["a", "  ", "\n b", "  "]),
        (r"a{1,3}+", "aaaaaaa", &["aaaaaaa"]),
        (r"a{2}?", "aaaaa", &["aa", "aa", "a"]),
        (r"a{2}+", "aaaaa", &["aaaa", "a"]),
        (r"a{,2}", "aaaaa", &["aa", "aa", "a"]),
        (r"a{2,}+a", "aaaaa", &["aaaaa"]),
        (r"a{1,2}?", "aaaa", &["a", "a", "a", "a"]),
        (r"a++a", "aaaaa", &["aaaaa"]),
        (r"\h+", "xafgA9", &["x", "af", "g", "A9"]),
        (
            r"\R",
            "a\r\nb\n\n\u{85}c\u{2028}",
            &["a", "\r\n", "b", "\n", "\n", "\u{85}", "c", "\u{2028}"],
        ),
        (r"[a[bc]]+", "abcd", &["abc", "d"]),
        (r"(?m:.)", "a\n", &["a", "\n"]),
        (r".", "a\nb\r", &["a", "\n", "b", "\r"]),
        (r"(?i:'s|'k)", "'ſ'K'S", &["'ſ", "'K", "'S"]),
        (r"\p{^L}", "a1", &["a", "1"]),
        (r"a{x", "a{x", &["a{x"]),
        (r"\x{41}", "xA", &["x", "A"]),
        (r"(b)\1", "abb", &["a", "bb"]),
        (r"(?>a+)a", "aa", &["aa"]),
        (r"(?<=a)b", "ab", &["a", "b"]),
        (r"((?m:.)+?)*+[ab]{1,2}?", "!A bé\nA\n1", &["!A bé\nA\n1"]),
        (r"(?#hi)a", "ba", &["b", "a"]),
        (r"a+*", "aaa", &["aaa"]),
        (r"", "ab", &["a", "b"]),
        (r"b*", "abb", &["a", "bb"]),
        (r"\w+", "aé_1٣²Ⅷ‿!", &["aé_1٣²Ⅷ‿", "!"]),
        (r"\bx", "²x!x", &["²x!", "x"]),
        (r"\b", "ab cd", &["ab", " ", "cd"]),
        (r"[\p{L}&&[^\p{Han}]]+", "a漢b", &["a", "漢", "b"]),
        (" ?[^(\\s|[.,!?…。，、।۔،])]+", "Hi, (a|b) c", &["Hi", ", (", "a", "|", "b", ")", " c"]),
    ];
    for (pattern, text, expected) in cases {
        let splitter = Splitter::new(&[isolated(pattern, Dialect::HuggingFace)]).unwrap();
        assert_eq!(
            show(text.as_bytes(), &ends(&splitter, text.as_bytes())),
            *expected,
            "{pattern}"
        );
    }
}

#[test]
fn what_is_not_translated_is_refused_by_name() {
    let refused = [
        (r"\X", r"\X"),
        (r"a\Kb", r"\K"),
        (r"\Ga", r"\G"),
        (r"\pL", r"\p"),
        (r"[[:alpha:]]", "[:alpha:]"),
        (r"\p{Punct}", r"\p{Punct}"),
        (r"\p{Alnum}", r"\p{Alnum}"),
        (r"(?i)a", "(?i)"),
        (r"(?i:ss)", "\"ss\""),
        (r"(?i:é)", "'é'"),
        (r"(?x: a )", "(?x"),
        (r"(?~ab)", "(?~"),
        (r"[]a]", "starts with ]"),
        (r"\Qa\E", r"\Q"),
        (r"(?<n>b)\1", "back-reference"),
        (r"\k<n>", r"\k"),
        (r"(?:a*|b)+", "match nothing"),
        (r"((?=a)|b){2}", "match nothing"),
    ];
    for (pattern, name) in refused {
        match Splitter::new(&[isolated(pattern, Dialect::HuggingFace)]) {
            Err(LoadError::Unsupported { what, .. }) => assert!(what.contains(name), "{what}"),
            other => panic!("{pattern}: {other:?}"),
        }
    }
    for pattern in ["(", ")", "[a", "a)", "*", "(?", "(?<n", r"\", r"[b-a]", r"\x{", "\\p{", "(?#"]
    {
        for dialect in [Dialect::HuggingFace, Dialect::Tiktoken] {
            let made = Splitter::new(&[isolated(pattern, dialect)]);
            assert!(matches!(made, Err(LoadError::Pattern { .. })), "{pattern}: {made:?}");
        }
    }
}

/// The error of a pattern on a text, if it has one.
fn outcome(pattern: &str, text: &[u8]) -> Result<usize, EncodeError> {
    let splitter = Splitter::new(&[isolated(pattern, Dialect::Tiktoken)]).unwrap();
    let mut cursor = splitter.cursor(text);
    let mut block = [0; BLOCK];
    let mut pieces = 0;
    loop {
        match cursor.fill(&mut block)? {
            0 => return Ok(pieces),
            count => pieces += count,
        }
    }
}

#[test]
fn hostile_patterns_end_in_an_error() {
    let nested = format!("{}a{}", "(".repeat(5000), ")".repeat(5000));
    let classes = format!("{}a{}", "[".repeat(5000), "]".repeat(5000));
    for pattern in ["(a{1000}){1000}", r"(\p{L}{1000}){1000}(?<=a)", &nested, &classes] {
        for dialect in [Dialect::Tiktoken, Dialect::HuggingFace] {
            let made = Splitter::new(&[isolated(pattern, dialect)]);
            assert!(matches!(made, Err(LoadError::Pattern { .. })), "{pattern:.20}");
        }
    }
    let mut long = vec![b'a'; 300_000];
    assert_eq!(outcome(r"(a+)+$", &long), Ok(1));
    long.push(b'!');
    // Linear: a failed search from each start ends at the mark.
    for pattern in [r"a*b|a", r"(a+)+$", r"(?:a+)+(?=b)|(?<=a)a+?", r"(a*)*\1b", "(a*)*b"] {
        let found = outcome(pattern, &long);
        assert!(
            matches!(found, Ok(_) | Err(EncodeError::PatternLimit { .. })),
            "{pattern}: {found:?}"
        );
    }
    assert!(matches!(outcome(r"a*b|a", &long), Err(EncodeError::PatternLimit { .. })));
}

#[test]
fn the_offset_of_a_limit_is_one_of_the_original_bytes() {
    let mut text = b"\xFF\xFF".to_vec();
    text.resize(300_000, b'a');
    match outcome(r"a*b|a", &text) {
        Err(EncodeError::PatternLimit { offset, .. }) => assert!((2..300_000).contains(&offset)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_literal_and_too_many_steps_are_refused() {
    let empty = PreTokenizer::Split {
        pattern: Pattern::Literal(String::new()),
        behavior: SplitBehavior::Isolated,
        invert: false,
    };
    assert!(matches!(Splitter::new(&[empty]), Err(LoadError::Pattern { .. })));
    let many = vec![PreTokenizer::Digits { individual: true }; 1000];
    assert!(matches!(Splitter::new(&many), Err(LoadError::Unsupported { .. })));
}

#[test]
fn spellings_of_published_patterns_are_recognized() {
    use Dialect::{HuggingFace, Tiktoken};
    let same = [
        (
            Tiktoken,
            r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            Family::Gpt2,
        ),
        (
            Tiktoken,
            r"'s|'t|'re|'ve|'m|'ll|'d| ?[\p{L}]+| ?[\p{N}]+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            Family::Gpt2,
        ),
        (
            HuggingFace,
            r"'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+",
            Family::Gpt2,
        ),
        (
            Tiktoken,
            r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            Family::Llama3,
        ),
        (
            Tiktoken,
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
            Family::Llama3,
        ),
        (
            HuggingFace,
            r"'(?i:[sdmt]|ll|ve|re)|[^\r\n\p{L}\p{N}]?+\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]++[\r\n]*|\s*[\r\n]|\s+(?!\S)|\s+",
            Family::Qwen2,
        ),
    ];
    for (dialect, text, family) in same {
        let steps = [PreTokenizer::PrefixSpace, isolated(text, dialect)];
        assert_eq!(Splitter::new(&steps).unwrap().family(), Some(family), "{text}");
        assert!(Splitter::new(&steps).unwrap().is_linear());
    }
    // In Ruby's syntax the possessive text is another pattern.
    let possessive = Family::Cl100k.tiktoken_pattern().unwrap();
    let read_by_ruby = Splitter::new(&[isolated(possessive, HuggingFace)]).unwrap();
    assert_eq!(read_by_ruby.family(), None);
    let text = b"1234  \n x";
    assert_eq!(show(text, &ends(&read_by_ruby, text)), ["1234", "  \n", " x"]);
    for family in Family::ALL {
        for name in family.names() {
            assert_eq!(Family::by_name(name), Some(family));
        }
        assert_eq!(Splitter::new(&family.hf_steps()).unwrap().family(), Some(family));
        if let Some(text) = family.tiktoken_pattern() {
            let splitter = Splitter::new(&[isolated(text, Tiktoken)]).unwrap();
            assert_eq!(splitter.family(), Some(family));
        }
    }
    assert_eq!(Family::by_name("Qwen2.5"), Some(Family::Qwen2));
    assert_eq!(Family::by_name(""), None);
    // Other behaviours are other pre-tokenizers.
    let inverted = split(
        Family::Qwen2.tiktoken_pattern().unwrap(),
        HuggingFace,
        SplitBehavior::Isolated,
        true,
    );
    assert_eq!(Splitter::new(&[inverted]).unwrap().family(), None);
}
