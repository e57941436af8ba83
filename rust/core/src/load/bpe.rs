//! A vocabulary and merges as spelled in a file, to a [`Model`].

use std::collections::HashMap;

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
    let ids = by_text(&file.vocab, places.vocab)?;
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
    let merges = resolve(file, &ids, &mut entries, places)?;
    let alphabet = if byte_level {
        Alphabet::Bytes
    } else {
        let unk = match &file.unk_token {
            None => None,
            Some(text) => Some(*ids.get(text.as_str()).ok_or_else(|| {
                vocabulary(
                    "model.unk_token",
                    format!("{} is not in {}", quoted(text), places.vocab),
                )
            })?),
        };
        Alphabet::Characters { byte_fallback: file.byte_fallback, unk, fuse_unk: file.fuse_unk }
    };
    check_added(&ids, added)?;
    let tokens = keep(file, entries, &alphabet, added, places)?;
    Ok(Model { alphabet, tokens, merges: Merges::Pairs(merges), ignore_merges: file.ignore_merges })
}

/// Merges as ids. Where a pair is listed twice the last one counts, as for
/// the format's owner.
fn resolve(
    file: &BpeFile<'_>,
    ids: &HashMap<&str, u32>,
    entries: &mut [Entry],
    places: Places,
) -> Result<Vec<Merge>, LoadError> {
    let position: HashMap<u32, usize> =
        entries.iter().enumerate().map(|(at, entry)| (entry.id, at)).collect();
    let mut merges = Vec::with_capacity(file.merges.len());
    let mut seen = HashMap::with_capacity(file.merges.len());
    let mut duplicates = false;
    let mut joined = String::new();
    for (index, (left, right)) in file.merges.iter().enumerate() {
        let find = |text: &str, what: &str| {
            ids.get(text).copied().ok_or_else(|| {
                vocabulary(
                    format!("{}[{index}]", places.merges),
                    format!(
                        "{what} of the merge {} + {} is {}, which is not in {}",
                        quoted(left),
                        quoted(right),
                        quoted(text),
                        places.vocab
                    ),
                )
            })
        };
        joined.clear();
        joined.push_str(left);
        joined.push_str(right);
        if left.is_empty() || right.is_empty() {
            return Err(vocabulary(
                format!("{}[{index}]", places.merges),
                "a side of the merge is empty",
            ));
        }
        let merge = Merge {
            left: find(left, "the left side")?,
            right: find(right, "the right side")?,
            merged: find(&joined, "the result")?,
        };
        let parts = [merge.left, merge.right, merge.merged];
        let foreign = |id: &u32| {
            position.get(id).and_then(|at| entries.get(*at)).is_some_and(|entry| entry.foreign)
        };
        // A foreign token never occurs in a text, so its merges never apply.
        if parts.iter().any(foreign) {
            continue;
        }
        for id in parts {
            if let Some(entry) = position.get(&id).and_then(|at| entries.get_mut(*at)) {
                entry.merged = true;
            }
        }
        duplicates |= seen.insert((merge.left, merge.right), merges.len()).is_some();
        merges.push(merge);
    }
    if duplicates {
        let mut at = 0;
        merges.retain(|merge| {
            at += 1;
            seen.get(&(merge.left, merge.right)) == Some(&(at - 1))
        });
    }
    Ok(merges)
}

/// An added token that the vocabulary knows must have the same id there.
fn check_added(ids: &HashMap<&str, u32>, added: &[AddedToken]) -> Result<(), LoadError> {
    for token in added {
        if let Some(id) = ids.get(token.content.as_str())
            && *id != token.id
        {
            return Err(vocabulary(
                format!("added_tokens[{}]", quoted(&token.content)),
                format!(
                    "has id {}, but the vocabulary gives the same token id {id}; make them agree",
                    token.id
                ),
            ));
        }
    }
    Ok(())
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
