//! The whole encoder against the law, stated on bytes rather than on tables.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;

use proptest::prelude::*;

use super::merge::Scratch;
use super::{Bpe, Workspace};
use crate::spec::{Alphabet, Merge, Merges, Model, Token};
use crate::split::Splitter;
use crate::testing::cases;

/// tiktoken's law: a pre-token that is a token is that token; else start from
/// bytes and join the two neighbours whose concatenation has the lowest rank,
/// leftmost first.
fn by_ranks(tokens: &[Token], piece: &[u8]) -> Vec<u32> {
    let rank: HashMap<&[u8], u32> =
        tokens.iter().map(|token| (token.bytes.as_slice(), token.id)).collect();
    if let Some(&id) = rank.get(piece) {
        return vec![id];
    }
    let mut parts: Vec<Vec<u8>> = piece.iter().map(|byte| vec![*byte]).collect();
    while let Some((_, at)) = parts
        .windows(2)
        .enumerate()
        .filter_map(|(at, pair)| Some((*rank.get(pair.concat().as_slice())?, at)))
        .min()
    {
        let right = parts.remove(at + 1);
        parts[at].extend(right);
    }
    parts.iter().map(|part| rank[part.as_slice()]).collect()
}

/// Hugging Face's law: start from characters (or fallback bytes, or `unk`),
/// and apply the listed merges in rank order, leftmost first.
fn by_list(model: &Model, piece: &str) -> Vec<u32> {
    let id: HashMap<&[u8], u32> =
        model.tokens.iter().map(|token| (token.bytes.as_slice(), token.id)).collect();
    let Alphabet::Characters { byte_fallback, unk, fuse_unk } = model.alphabet else {
        unreachable!("only called with characters")
    };
    let mut ids: Vec<u32> = Vec::new();
    let mut after_unk = false;
    for character in piece.chars() {
        let text = character.to_string();
        let known = id.get(text.as_bytes());
        match known {
            Some(&symbol) => ids.push(symbol),
            None if byte_fallback => {
                ids.extend(text.bytes().map(|byte| id[format!("<0x{byte:02X}>").as_bytes()]))
            }
            None if after_unk && fuse_unk => {}
            None => ids.push(unk.unwrap()),
        }
        after_unk = known.is_none() && !byte_fallback;
    }
    let Merges::Pairs(merges) = &model.merges else { unreachable!("only called with pairs") };
    loop {
        let next = merges.iter().find_map(|merge| {
            let at = ids.windows(2).position(|pair| pair == [merge.left, merge.right])?;
            Some((at, merge.merged))
        });
        let Some((at, merged)) = next else { return ids };
        ids[at] = merged;
        ids.remove(at + 1);
    }
}

/// All bytes and then random concatenations of two tokens made before.
fn rank_models() -> impl Strategy<Value = Model> {
    prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..60)
        .prop_map(|choices| {
            let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
            // Half of the choices are among the letters and what grew of them.
            let mut grown: Vec<Vec<u8>> = b"abc".iter().map(|byte| vec![*byte]).collect();
            for (left, right) in choices {
                let token = [left.get(&grown).clone(), right.get(&grown).clone()].concat();
                if token.len() <= 40 && !tokens.contains(&token) {
                    tokens.push(token.clone());
                    grown.push(token);
                }
            }
            Model {
                alphabet: Alphabet::Bytes,
                tokens: tokens
                    .into_iter()
                    .zip(0..)
                    .map(|(bytes, id)| Token { id, bytes })
                    .collect(),
                merges: Merges::Ranks,
                ignore_merges: true,
            }
        })
}

fn listed_models() -> impl Strategy<Value = Model> {
    let choices =
        prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 0..30);
    (choices, any::<bool>(), any::<bool>()).prop_map(|(choices, byte_fallback, fuse_unk)| {
        let mut tokens: Vec<Vec<u8>> = vec![b"<unk>".to_vec()];
        if byte_fallback {
            tokens.extend((0..=255).map(|byte| format!("<0x{byte:02X}>").into_bytes()));
        }
        let first = tokens.len();
        tokens.extend(["a", "b", "é", "▁"].map(|letter| letter.as_bytes().to_vec()));
        let mut merges = Vec::new();
        for (left, right) in choices {
            let known = tokens.len() - first;
            let (left, right) = (first + left.index(known), first + right.index(known));
            let token = [tokens[left].as_slice(), &tokens[right]].concat();
            let merged = tokens.iter().position(|known| *known == token).unwrap_or(tokens.len());
            if token.len() > 40 {
                continue;
            }
            if merged == tokens.len() {
                tokens.push(token);
            }
            let [left, right, merged] = [left, right, merged].map(crate::ids::narrow);
            if !merges.iter().any(|merge: &Merge| (merge.left, merge.right) == (left, right)) {
                merges.push(Merge { left, right, merged });
            }
        }
        Model {
            alphabet: Alphabet::Characters { byte_fallback, unk: Some(0), fuse_unk },
            tokens: tokens.into_iter().zip(0..).map(|(bytes, id)| Token { id, bytes }).collect(),
            merges: Merges::Pairs(merges),
            ignore_merges: false,
        }
    })
}

/// Encodes in every way there is and checks that all agree and that the
/// lengths cover the piece.
fn every_way(bpe: &Bpe, piece: &[u8]) -> Vec<u32> {
    let mut scratch = Scratch::default();
    let mut plain = Vec::new();
    bpe.encode(piece, &mut scratch, &mut plain);
    let (mut located, mut covered) = (Vec::new(), 0);
    bpe.encode_with_lengths(piece, &mut scratch, |id, len| {
        located.push(id);
        covered += len;
    });
    assert_eq!(located, plain);
    assert_eq!(covered, piece.len());
    let splitter = Splitter::new(&[]).unwrap();
    for cache_bytes in [0, 1 << 12, 1 << 20] {
        let mut workspace = Workspace::new(cache_bytes);
        for _ in 0..2 {
            let mut ids: Vec<u32> = Vec::new();
            let mut cursor = splitter.cursor(piece);
            bpe.encode_pieces(piece, &mut cursor, &mut workspace, &mut ids).unwrap();
            assert_eq!(ids, plain);
            let mut count = 0_usize;
            let mut cursor = splitter.cursor(piece);
            bpe.encode_pieces(piece, &mut cursor, &mut workspace, &mut count).unwrap();
            assert_eq!(count, plain.len());
        }
    }
    plain
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases(64)))]

    #[test]
    fn ranks(
        model in rank_models(),
        pieces in prop::collection::vec("[abc]{1,90}|[abcé\\x00]{1,30}", 1..4),
    ) {
        let bpe = Bpe::new(&model);
        for piece in &pieces {
            prop_assert_eq!(every_way(&bpe, piece.as_bytes()), by_ranks(&model.tokens, piece.as_bytes()));
        }
    }

    #[test]
    fn lists(
        model in listed_models(),
        pieces in prop::collection::vec("[abé▁]{1,90}|[abéxü▁]{1,30}", 1..4),
    ) {
        let bpe = Bpe::new(&model);
        for piece in &pieces {
            prop_assert_eq!(every_way(&bpe, piece.as_bytes()), by_list(&model, piece));
        }
    }
}

#[test]
fn a_byte_that_is_no_character_falls_back() {
    let mut tokens: Vec<Vec<u8>> =
        (0..=255).map(|byte| format!("<0x{byte:02X}>").into_bytes()).collect();
    tokens.push(b"a".to_vec());
    let bpe = Bpe::new(&Model {
        alphabet: Alphabet::Characters { byte_fallback: true, unk: None, fuse_unk: false },
        tokens: tokens.into_iter().zip(0..).map(|(bytes, id)| Token { id, bytes }).collect(),
        merges: Merges::Pairs(Vec::new()),
        ignore_merges: false,
    });
    assert_eq!(every_way(&bpe, b"a\xffa\xe2\x82"), [256, 0xff, 256, 0xe2, 0x82]);
}
