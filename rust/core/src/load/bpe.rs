//! A vocabulary and merges as spelled in a file, to a [`Model`].

use hashbrown::HashMap;

use super::byte_level;
use super::json::{quoted, unsupported, vocabulary};
use super::table::{MergeList, Vocab, by_text};
use crate::error::LoadError;
use crate::spec::{AddedToken, Alphabet, Merge, Merges, Model, Token};

/// The BPE part of a file, as spelled.
#[derive(Debug, Default)]
pub(crate) struct BpeFile<'de> {
    pub(crate) vocab: Vocab<'de>,
    pub(crate) merges: MergeList<'de>,
    pub(crate) unk_token: Option<String>,
    pub(crate) fuse_unk: bool,
    pub(crate) byte_fallback: bool,
    pub(crate) ignore_merges: bool,
}

/// Where the tables are, for messages.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Places {
    pub(crate) vocab: &'static str,
    pub(crate) merges: &'static str,
}

/// A vocabulary entry on its way to a [`Token`].
struct Entry {
    id: u32,
    bytes: Vec<u8>,
    /// Has a character outside of the byte-level alphabet: no text reaches it.
    foreign: bool,
    /// A merge builds it or takes it.
    merged: bool,
}

/// Turns spellings into bytes and merges into ids.
///
/// `added` are the file's added tokens. An entry of the vocabulary that is one
/// of them and that no text reaches by merging is left to them alone.
pub(crate) fn model(
    file: &BpeFile<'_>,
    byte_level: bool,
    added: &[AddedToken],
    places: Places,
) -> Result<Model, LoadError> {
    let positions = by_text(&file.vocab, places.vocab)?;
    let id_at = |position: &usize| file.vocab.get(*position).map(|(_, id)| *id);
    let mut entries: Vec<Entry> = file
        .vocab
        .iter()
        .map(|(text, id)| {
            let spelled = if byte_level { byte_level::unspell(text) } else { None };
            let foreign = byte_level && spelled.is_none();
            let bytes = spelled.unwrap_or_else(|| text.as_bytes().to_vec());
            Entry { id: *id, bytes, foreign, merged: false }
        })
        .collect();
    let merges = resolve(file, &positions, &mut entries, places)?;
    let alphabet = if byte_level {
        Alphabet::Bytes
    } else {
        let unk = match &file.unk_token {
            None => None,
            Some(text) => match positions.get(text.as_str()).and_then(id_at) {
                Some(id) => Some(id),
                None => {
                    let problem = format!("{} is not in {}", quoted(text), places.vocab);
                    return Err(vocabulary("model.unk_token", problem));
                }
            },
        };
        Alphabet::Characters { byte_fallback: file.byte_fallback, unk, fuse_unk: file.fuse_unk }
    };
    for token in added {
        let known = positions.get(token.content.as_str()).and_then(id_at);
        if let Some(id) = known.filter(|id| *id != token.id) {
            return Err(vocabulary(
                format!("added_tokens[{}]", quoted(&token.content)),
                format!(
                    "has id {}, but the vocabulary gives the same token id {id}; make them agree",
                    token.id
                ),
            ));
        }
    }
    let tokens = keep(file, entries, &alphabet, added, places)?;
    Ok(Model { alphabet, tokens, merges: Merges::Pairs(merges), ignore_merges: file.ignore_merges })
}

/// Merges as ids. Where a pair is listed twice the last one counts, as for
/// the format's owner.
fn resolve(
    file: &BpeFile<'_>,
    positions: &HashMap<&str, usize>,
    entries: &mut [Entry],
    places: Places,
) -> Result<Vec<Merge>, LoadError> {
    let mut merges = Vec::with_capacity(file.merges.len());
    let mut joined = String::new();
    for (index, (left, right)) in file.merges.iter().enumerate() {
        let place = || format!("{}[{index}]", places.merges);
        if left.is_empty() || right.is_empty() {
            return Err(vocabulary(place(), "a side of the merge is empty"));
        }
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        let texts = [left.as_ref(), right.as_ref(), joined.as_str()];
        let mut ids = [0; 3];
        let mut found = [0; 3];
        let mut foreign = false;
        for ((text, at), id) in texts.iter().zip(&mut found).zip(&mut ids) {
            let entry = positions.get(text).and_then(|at| Some((*at, entries.get(*at)?)));
            let Some((position, entry)) = entry else {
                return Err(vocabulary(
                    place(),
                    format!(
                        "the merge of {} and {} needs the token {}, which is not in {}",
                        quoted(left),
                        quoted(right),
                        quoted(text),
                        places.vocab
                    ),
                ));
            };
            (*at, *id) = (position, entry.id);
            foreign |= entry.foreign;
        }
        // A foreign token never occurs in a text, so its merges never apply.
        if foreign {
            continue;
        }
        for at in found {
            if let Some(entry) = entries.get_mut(at) {
                entry.merged = true;
            }
        }
        let [left, right, merged] = ids;
        merges.push(Merge { left, right, merged });
    }
    keep_last(&mut merges);
    Ok(merges)
}

/// Of the merges of the same pair, keeps the last.
fn keep_last(merges: &mut Vec<Merge>) {
    let mut order: Vec<(u64, usize)> =
        merges.iter().enumerate().map(|(at, merge)| (merge.pair(), at)).collect();
    order.sort_unstable();
    let doubled = |pair: &&[(u64, usize)]| matches!(pair, [a, b] if a.0 == b.0);
    let dropped: Vec<usize> =
        order.windows(2).filter(doubled).filter_map(|pair| Some(pair.first()?.1)).collect();
    if dropped.is_empty() {
        return;
    }
    let mut keep = vec![true; merges.len()];
    for at in dropped {
        if let Some(keep) = keep.get_mut(at) {
            *keep = false;
        }
    }
    let mut keep = keep.into_iter();
    merges.retain(|_| keep.next().unwrap_or(true));
}

/// The entries that stay in the model, in ascending order of id.
fn keep(
    file: &BpeFile<'_>,
    entries: Vec<Entry>,
    alphabet: &Alphabet,
    added: &[AddedToken],
    places: Places,
) -> Result<Vec<Token>, LoadError> {
    let by_id: HashMap<u32, &AddedToken> = added.iter().map(|token| (token.id, token)).collect();
    let mut tokens = Vec::with_capacity(entries.len());
    for (entry, (text, _)) in entries.into_iter().zip(&file.vocab) {
        let is_added = by_id.get(&entry.id).is_some_and(|token| token.content == text.as_ref());
        let whole = file.ignore_merges && !entry.foreign;
        if is_added && !entry.merged && !whole && !is_initial(&entry, alphabet) {
            continue;
        }
        let place = || format!("{}[{}]", places.vocab, quoted(text));
        if is_added && entry.bytes != text.as_bytes() {
            return Err(unsupported(
                place(),
                "a token that is an added token and, in another spelling, part of merges",
            ));
        }
        if entry.foreign && file.ignore_merges {
            return Err(unsupported(
                place(),
                "a token outside of the byte-level alphabet that is no added token, in a model \
                 with ignore_merges,",
            ));
        }
        if entry.foreign && entry.bytes.len() == 1 {
            return Err(unsupported(
                place(),
                "a token of one byte that is not spelled in the byte-level alphabet and is no \
                 added token",
            ));
        }
        tokens.push(Token { id: entry.id, bytes: entry.bytes });
    }
    tokens.sort_by_key(|token| token.id);
    Ok(tokens)
}

/// Whether encoding can start from the entry.
fn is_initial(entry: &Entry, alphabet: &Alphabet) -> bool {
    match alphabet {
        Alphabet::Bytes => !entry.foreign && entry.bytes.len() == 1,
        Alphabet::Characters { byte_fallback, unk, .. } => {
            let text = std::str::from_utf8(&entry.bytes).unwrap_or("");
            *unk == Some(entry.id)
                || text.chars().nth(1).is_none()
                || (*byte_fallback && fallback_byte(text).is_some())
        }
    }
}

/// The byte that a byte-fallback token such as `<0x0A>` stands for.
pub(crate) fn fallback_byte(text: &str) -> Option<u8> {
    let digits = text.strip_prefix("<0x")?.strip_suffix('>')?;
    let upper = |byte: &u8| matches!(byte, b'0'..=b'9' | b'A'..=b'F');
    if digits.len() != 2 || !digits.as_bytes().iter().all(upper) {
        return None;
    }
    u8::from_str_radix(digits, 16).ok()
}
