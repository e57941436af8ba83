//! What Hugging Face's pre-tokenizers do, written out plainly on top of the
//! backtracking engine of `fancy-regex`.

use fancy_regex::{Regex, RegexBuilder};

use crate::spec::{Pattern, PreTokenizer, SplitBehavior};

/// A compiled step.
pub(super) enum Step {
    Regex(Regex, SplitBehavior, bool),
    Chars(Box<dyn Fn(char) -> bool>, SplitBehavior),
}

/// Compiles steps whose patterns mean the same in both dialects.
pub(super) fn compile(steps: &[PreTokenizer]) -> Vec<Step> {
    steps
        .iter()
        .filter_map(|step| match step {
            PreTokenizer::Split { pattern, behavior, invert } => {
                let text = match pattern {
                    Pattern::Regex { text, .. } => text.clone(),
                    Pattern::Literal(text) => fancy_regex::escape(text).into_owned(),
                };
                let regex = RegexBuilder::new(&text).optimize(false).build().unwrap();
                Some(Step::Regex(regex, *behavior, *invert))
            }
            PreTokenizer::Digits { individual } => Some(Step::Chars(
                Box::new(char::is_numeric),
                if *individual { SplitBehavior::Isolated } else { SplitBehavior::Contiguous },
            )),
            PreTokenizer::Metaspace { replacement, split: true, .. } => {
                let wanted = *replacement;
                let is = Box::new(move |c| c == wanted);
                Some(Step::Chars(is, SplitBehavior::MergedWithNext))
            }
            PreTokenizer::Metaspace { .. } | PreTokenizer::PrefixSpace => None,
        })
        .collect()
}

/// The pieces of a text.
pub(super) fn pieces<'t>(steps: &[Step], text: &'t str) -> Vec<&'t str> {
    let mut pieces = vec![text];
    for step in steps {
        pieces = pieces.into_iter().flat_map(|piece| split(step, piece)).collect();
    }
    pieces.retain(|piece| !piece.is_empty());
    pieces
}

/// The ends of the pieces of a text.
pub(super) fn ends(steps: &[Step], text: &str) -> Vec<usize> {
    let mut end = 0;
    pieces(steps, text)
        .into_iter()
        .map(|piece| {
            end += piece.len();
            end
        })
        .collect()
}

/// Byte ranges that cover the text, and whether each is a match.
fn items(step: &Step, text: &str) -> Vec<(usize, usize, bool)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    match step {
        Step::Regex(regex, ..) => {
            for item in regex.find_iter(text) {
                let item = item.unwrap();
                found.push((item.start(), item.end()));
            }
        }
        Step::Chars(is, _) => {
            for (start, c) in text.char_indices() {
                if is(c) {
                    found.push((start, start + c.len_utf8()));
                }
            }
        }
    }
    let mut items = Vec::new();
    let mut previous = 0;
    for (start, end) in found {
        if previous != start {
            items.push((previous, start, false));
        }
        items.push((start, end, true));
        previous = end;
    }
    if previous != text.len() {
        items.push((previous, text.len(), false));
    }
    items
}

fn split<'t>(step: &Step, text: &'t str) -> Vec<&'t str> {
    let (behavior, invert) = match step {
        Step::Regex(_, behavior, invert) => (*behavior, *invert),
        Step::Chars(_, behavior) => (*behavior, false),
    };
    let mut items = items(step, text);
    for item in &mut items {
        item.2 ^= invert;
    }
    let mut ranges: Vec<(usize, usize)> = Vec::new();
    let mut previous = false;
    match behavior {
        SplitBehavior::Isolated => {
            ranges.extend(items.iter().map(|(start, end, _)| (*start, *end)));
        }
        SplitBehavior::Contiguous => {
            for (start, end, is_match) in items {
                match ranges.last_mut() {
                    Some(last) if is_match == previous => last.1 = end,
                    _ => ranges.push((start, end)),
                }
                previous = is_match;
            }
        }
        SplitBehavior::MergedWithPrevious => {
            for (start, end, is_match) in items {
                match ranges.last_mut() {
                    Some(last) if is_match && !previous => last.1 = end,
                    _ => ranges.push((start, end)),
                }
                previous = is_match;
            }
        }
        SplitBehavior::MergedWithNext => {
            for (start, end, is_match) in items.into_iter().rev() {
                match ranges.last_mut() {
                    Some(last) if is_match && !previous => last.0 = start,
                    _ => ranges.push((start, end)),
                }
                previous = is_match;
            }
            ranges.reverse();
        }
    }
    ranges.into_iter().map(|(start, end)| &text[start..end]).collect()
}
