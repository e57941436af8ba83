//! Ids to bytes and back.

use rustc_hash::FxHashMap;

use crate::ids::{TokenId, narrow, widen};
use crate::spec::Spec;

/// Every token of a tokenizer, added tokens included, by id and by bytes.
///
/// Token bytes are those of the [`Spec`]: for SentencePiece-style models they
/// have `▁` for a space and the literal `<0x0A>` for a byte.
#[derive(Debug)]
pub struct Vocabulary {
    bytes: Vec<u8>,
    /// Where each id's bytes start; the next entry is where they end. An id
    /// that is no token has no bytes.
    starts: Vec<u32>,
    len: usize,
    special: FxHashMap<String, u32>,
    added: FxHashMap<String, u32>,
    by_bytes: ByBytes,
}

/// Ids in the order of their bytes, for look-ups by binary search: a fifth of
/// the memory of a hash map, and looking bytes up is no hot path.
#[derive(Debug)]
struct ByBytes(Vec<u32>);

impl Vocabulary {
    /// Collects the tokens of a spec that
    /// [`Spec::validate`](crate::Spec::validate) has accepted.
    pub fn new(spec: &Spec) -> Vocabulary {
        let model = spec.model.tokens.iter().map(|token| (token.id, token.bytes.as_slice()));
        let added = spec.added_tokens.iter().map(|token| (token.id, token.content.as_bytes()));
        let mut all: Vec<(u32, &[u8])> = model.chain(added).collect();
        all.sort_by_key(|(id, _)| *id);
        all.dedup_by_key(|(id, _)| *id);
        let rows = all.last().map_or(0, |(id, _)| widen(*id) + 1);
        let mut bytes = Vec::with_capacity(all.iter().map(|(_, bytes)| bytes.len()).sum());
        let mut starts = Vec::with_capacity(rows + 1);
        for &(id, token) in &all {
            starts.resize(widen(id) + 1, narrow(bytes.len()));
            bytes.extend_from_slice(token);
        }
        starts.resize(rows + 1, narrow(bytes.len()));
        let named = |special: bool| {
            let tokens = spec.added_tokens.iter().filter(move |token| token.special == special);
            tokens.map(|token| (token.content.clone(), token.id)).collect()
        };
        let mut order: Vec<(u128, u32)> =
            all.iter().map(|(id, token)| (first_bytes(token), *id)).collect();
        let mut vocabulary = Vocabulary {
            bytes,
            starts,
            len: all.len(),
            special: named(true),
            added: named(false),
            by_bytes: ByBytes(Vec::new()),
        };
        let bytes = |id: u32| vocabulary.bytes(TokenId(id)).unwrap_or(&[]);
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| bytes(a.1).cmp(bytes(b.1))).then(a.1.cmp(&b.1))
        });
        vocabulary.by_bytes = ByBytes(order.into_iter().map(|(_, id)| id).collect());
        vocabulary
    }

    /// The number of tokens.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there is no token at all.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// One more than the largest id: the rows an embedding matrix needs.
    pub fn rows(&self) -> usize {
        self.starts.len() - 1
    }

    /// The bytes of a token; `None` for an id that is no token.
    #[inline]
    pub fn bytes(&self, id: TokenId) -> Option<&[u8]> {
        let start = widen(*self.starts.get(id.index())?);
        let end = widen(*self.starts.get(id.index() + 1)?);
        self.bytes.get(start..end).filter(|bytes| !bytes.is_empty())
    }

    /// The tokens in ascending order of id.
    pub fn iter(&self) -> impl Iterator<Item = (TokenId, &[u8])> {
        let ids = (0..narrow(self.rows())).map(TokenId);
        ids.filter_map(|id| Some((id, self.bytes(id)?)))
    }

    /// The token with exactly these bytes; the lowest id if there are several.
    pub fn id_of(&self, bytes: &[u8]) -> Option<TokenId> {
        let of = |id: &u32| self.bytes(TokenId(*id)).unwrap_or(&[]);
        let at = self.by_bytes.0.partition_point(|id| of(id) < bytes);
        self.by_bytes.0.get(at).filter(|id| of(id) == bytes).map(|id| TokenId(*id))
    }

    /// The special tokens by text.
    pub fn special(&self) -> &FxHashMap<String, u32> {
        &self.special
    }

    /// The added tokens that are not special, by text.
    pub fn added(&self) -> &FxHashMap<String, u32> {
        &self.added
    }
}

/// The first 16 bytes as a number that compares as they do: sorting by it
/// rarely needs a look at the bytes themselves.
pub(crate) fn first_bytes(bytes: &[u8]) -> u128 {
    let mut first = [0; 16];
    for (to, from) in first.iter_mut().zip(bytes) {
        *to = *from;
    }
    u128::from_be_bytes(first)
}
