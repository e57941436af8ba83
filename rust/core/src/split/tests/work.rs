//! Blocks, and how often a scanner looks at a byte.

use super::ends;
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
