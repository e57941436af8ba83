//! Blocks, and how often a scanner looks at a byte.

use super::ends;
use crate::split::classes::looks;
use crate::split::{BLOCK, Family, Splitter};

#[test]
fn a_walk_goes_on_across_blocks() {
    for family in Family::ALL {
        let splitter = Splitter::new(&family.steps()).unwrap();
        for pieces in [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK] {
            let text = ".\n".repeat(pieces);
            let expected: Vec<usize> = (1..=pieces).map(|index| 2 * index).collect();
            let found = ends(&splitter, text.as_bytes());
            if family != Family::Gpt2 && family != Family::StarCoder {
                assert_eq!(found, expected, "{family:?}");
            }
            let mut cursor = splitter.cursor(text.as_bytes());
            let mut block = [0; BLOCK];
            let mut start = 0;
            while let count @ 1.. = cursor.fill(&mut block).unwrap() {
                assert_eq!(&block[..count], &found[start..start + count]);
                assert!(count == BLOCK || start + count == found.len());
                start += count;
            }
        }
    }
}

/// Scanners look at a character a bounded number of times, whatever the text.
#[test]
fn work_is_linear() {
    let unit = [
        " ",
        "\t",
        "\n",
        "\r",
        "\u{3000}",
        "a",
        "A",
        "z\u{300}",
        "^",
        "\u{300}",
        "中",
        "7",
        "ー",
        "'",
        "ʰ",
        "aA",
        "Aa",
        "a'",
        "A's",
        "\n ",
        " \n",
        "\u{300}A",
        "!\n/",
        " 1",
        "a1",
        "é",
        " é",
        "é a",
        "\u{1}",
        "\u{1}\u{300}",
        "\u{3040}",
        "、",
        "١",
        "\u{a0}",
        "aé",
        "'ſ",
    ];
    let edges = [("", ""), ("x", "!"), ("\u{300}", "a"), ("ʰ", "\n"), (" ", "1"), ("中", "中")];
    for family in Family::ALL {
        let splitter = Splitter::new(&family.steps()).unwrap();
        for unit in unit {
            for (before, after) in edges {
                let text = format!("{before}{}{after}", unit.repeat(6000));
                let at_start = looks::get();
                ends(&splitter, text.as_bytes());
                let work = looks::get() - at_start;
                assert!(
                    work <= 16 * text.len() + 1000,
                    "{family:?} looks {work} times at {} bytes of {unit:?}",
                    text.len()
                );
            }
        }
    }
}
