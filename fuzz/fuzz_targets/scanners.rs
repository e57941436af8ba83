//! Every scanner against the regular expressions that its family publishes,
//! run by a general engine.
#![no_main]

use fancy_regex::Regex;
use libfuzzer_sys::fuzz_target;
use tokenseam_core::spec::{Pattern, PreTokenizer, SplitBehavior};
use tokenseam_core::split::{BLOCK, Family, Splitter};

/// Cuts every piece at the matches of a pattern; what lies between is a piece
/// of its own.
fn isolate(pattern: &Regex, text: &str, pieces: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let mut cut = Vec::new();
    for (start, end) in pieces {
        let mut done = start;
        for found in pattern.find_iter(&text[start..end]) {
            let found = found.expect("published patterns do not give up on short texts");
            let (from, to) = (start + found.start(), start + found.end());
            if from > done {
                cut.push((done, from));
            }
            if to > from {
                cut.push((from, to));
            }
            done = to.max(done);
        }
        if done < end {
            cut.push((done, end));
        }
    }
    cut
}

/// Cuts out every numeric character.
fn digits(text: &str, pieces: Vec<(usize, usize)>) -> Vec<(usize, usize)> {
    let mut cut = Vec::new();
    for (start, end) in pieces {
        let mut done = start;
        for (at, digit) in text[start..end].char_indices().filter(|(_, c)| c.is_numeric()) {
            let (from, to) = (start + at, start + at + digit.len_utf8());
            if from > done {
                cut.push((done, from));
            }
            cut.push((from, to));
            done = to;
        }
        if done < end {
            cut.push((done, end));
        }
    }
    cut
}

fn oracle(steps: &[PreTokenizer], text: &str) -> Vec<usize> {
    let mut pieces = vec![(0, text.len())];
    if text.is_empty() {
        return Vec::new();
    }
    for step in steps {
        pieces = match step {
            PreTokenizer::Split {
                pattern: Pattern::Regex { text: pattern, .. },
                behavior: SplitBehavior::Isolated,
                invert: false,
            } => {
                let pattern = Regex::new(pattern).expect("published patterns compile");
                isolate(&pattern, text, pieces)
            }
            PreTokenizer::Digits { individual: true } => digits(text, pieces),
            other => panic!("no family has {other:?}"),
        };
    }
    pieces.into_iter().map(|(_, end)| end).collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((&choice, data)) = data.split_first() else { return };
    let family = Family::ALL[usize::from(choice) % Family::ALL.len()];
    let text = String::from_utf8_lossy(&data[..data.len().min(512)]);
    let steps = family.steps();
    let splitter = Splitter::new(&steps).expect("a family's own steps");
    assert_eq!(splitter.family(), Some(family));
    let mut cursor = splitter.cursor(text.as_bytes());
    let mut found = Vec::new();
    let mut ends = [0; BLOCK];
    loop {
        let count = cursor.fill(&mut ends).expect("scanners have no limit");
        if count == 0 {
            break;
        }
        found.extend_from_slice(&ends[..count]);
    }
    assert_eq!(found, oracle(&steps, &text), "{family:?} on {text:?}");
});
