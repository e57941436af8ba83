//! Scanners and engines against slow, readable oracles.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod family;
mod oracle;
mod patterns;
mod work;

use super::{BLOCK, Splitter};

/// The pieces' ends, from a cursor.
fn ends(splitter: &Splitter, text: &[u8]) -> Vec<usize> {
    let mut cursor = splitter.cursor(text);
    let mut block = [0; BLOCK];
    let mut ends = Vec::new();
    loop {
        let count = cursor.fill(&mut block).unwrap();
        if count == 0 {
            break;
        }
        ends.extend_from_slice(&block[..count]);
    }
    assert_eq!(cursor.fill(&mut block).unwrap(), 0);
    assert!(ends.is_sorted_by(|a, b| a < b), "{ends:?}");
    assert_eq!(ends.last().copied().unwrap_or(0), text.len());
    ends
}

/// The pieces as text, for messages.
fn show(text: &[u8], ends: &[usize]) -> Vec<String> {
    let mut start = 0;
    ends.iter()
        .map(|&end| {
            let piece = String::from_utf8_lossy(&text[start..end]).into_owned();
            start = end;
            piece
        })
        .collect()
}
