//! Encoding against the law, stated naively: a small vocabulary from the
//! input's first bytes, a text from the rest.
#![no_main]

use std::collections::HashMap;

use libfuzzer_sys::fuzz_target;
use tokenseam_core::load;
use tokenseam_core::tokenizer::{EncodeOptions, Tokenizer};

/// Joins the neighbours whose concatenation has the lowest rank, leftmost
/// first, until none is left.
fn oracle(ranks: &HashMap<Vec<u8>, u32>, piece: &[u8]) -> Vec<u32> {
    if let Some(&id) = ranks.get(piece) {
        return vec![id];
    }
    let mut parts: Vec<Vec<u8>> = piece.iter().map(|byte| vec![*byte]).collect();
    while let Some((_, at)) = parts
        .windows(2)
        .enumerate()
        .filter_map(|(at, pair)| Some((*ranks.get(&pair.concat())?, at)))
        .min()
    {
        let right = parts.remove(at + 1);
        parts[at].extend(right);
    }
    parts.iter().map(|part| ranks[part]).collect()
}

fuzz_target!(|data: &[u8]| {
    let Some((&size, data)) = data.split_first() else { return };
    let (choices, text) = data.split_at(data.len().min(usize::from(size) * 2));
    let text = &text[..text.len().min(2000)];
    let mut tokens: Vec<Vec<u8>> = (0..=255).map(|byte| vec![byte]).collect();
    for pair in choices.chunks_exact(2) {
        // Letters are likelier parts than other bytes, and new tokens likelier
        // than letters.
        let pick = |choice: u8| match choice {
            0..128 => usize::from(choice),
            _ => tokens.len() - 1 - usize::from(choice - 128).min(tokens.len() - 1),
        };
        let token = [tokens[pick(pair[0])].clone(), tokens[pick(pair[1])].clone()].concat();
        if token.len() <= 64 && !tokens.contains(&token) {
            tokens.push(token);
        }
    }
    let ranks: Vec<(Vec<u8>, u32)> = tokens.into_iter().zip(0..).collect();
    let spec = load::from_ranks(ranks.clone(), "gpt2", &[], "").expect("a sound vocabulary");
    let ranks: HashMap<Vec<u8>, u32> = ranks.into_iter().collect();
    let tokenizer = Tokenizer::with_cache(spec, 1 << 14).expect("a sound vocabulary");
    let pieces = tokenizer.pretokenize(text).expect("no limit");
    assert_eq!(pieces.concat(), text);
    let expected: Vec<u32> = pieces.iter().flat_map(|piece| oracle(&ranks, piece)).collect();
    for _ in 0..2 {
        let ids = tokenizer.encode(text, &EncodeOptions::ORDINARY).expect("no limit");
        assert_eq!(ids, expected);
    }
    let located = tokenizer.encode_with_offsets(text, &EncodeOptions::ORDINARY).expect("no limit");
    assert_eq!(located.iter().map(|token| token.id).collect::<Vec<_>>(), expected);
    assert_eq!(tokenizer.decode_bytes(&expected).expect("known ids"), text);
});
