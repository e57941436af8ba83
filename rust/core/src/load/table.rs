//! Visitors for the two large tables of a file: vocabulary and merges.

use std::borrow::Cow;
use std::fmt;

use hashbrown::HashMap;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::json::{Reader, format, quoted, unsupported_but, vocabulary};
use crate::error::LoadError;

/// A vocabulary as spelled in the file, in the order of the file.
pub(crate) type Vocab<'de> = Vec<(Cow<'de, str>, u32)>;

/// Merges as spelled in the file.
pub(crate) type MergeList<'de> = Vec<(Cow<'de, str>, Cow<'de, str>)>;

/// A string, borrowed from the file where it has no escapes.
pub(crate) struct Text;

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Text {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Reads `{"token": id, ...}`.
pub(crate) struct VocabSeed<'r> {
    pub(crate) reader: &'r Reader,
    /// The field's path; empty for a file that is nothing but a vocabulary.
    pub(crate) place: &'r str,
}

impl<'de> DeserializeSeed<'de> for VocabSeed<'_> {
    type Value = Vocab<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for VocabSeed<'_> {
    type Value = Vocab<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of tokens and ids")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut vocab = Vec::new();
        while let Some(token) = entries.next_key_seed(Text)? {
            let id = entries.next_value_seed(IdSeed { token: &token, owner: &self })?;
            vocab.push((token, id));
        }
        Ok(vocab)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(self.reader.refuse(unsupported_but(
            self.place,
            "a vocabulary with scores (a Unigram model)",
            "only models of type BPE are",
        )))
    }
}

struct IdSeed<'a, 'r> {
    token: &'a str,
    owner: &'a VocabSeed<'r>,
}

impl IdSeed<'_, '_> {
    fn wrong<E: serde::de::Error>(&self, id: impl fmt::Display) -> E {
        self.owner.reader.refuse(format(
            format!("{}[{}]", self.owner.place, quoted(self.token)),
            format!("the id {id} is not a whole number from 0 to 4294967295"),
        ))
    }
}

impl<'de> DeserializeSeed<'de> for IdSeed<'_, '_> {
    type Value = u32;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<u32, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for IdSeed<'_, '_> {
    type Value = u32;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an id for the token {}", quoted(self.token))
    }

    fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<u32, E> {
        u32::try_from(id).map_err(|_| self.wrong(id))
    }

    fn visit_i64<E: serde::de::Error>(self, id: i64) -> Result<u32, E> {
        Err(self.wrong(id))
    }

    fn visit_f64<E: serde::de::Error>(self, id: f64) -> Result<u32, E> {
        Err(self.wrong(id))
    }
}

/// Reads `["a b", ...]` or `[["a", "b"], ...]`.
pub(crate) struct MergesSeed<'r> {
    pub(crate) reader: &'r Reader,
    pub(crate) place: &'r str,
}

impl<'de> DeserializeSeed<'de> for MergesSeed<'_> {
    type Value = MergeList<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for MergesSeed<'_> {
    type Value = MergeList<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of merges")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut merges = Vec::new();
        let mut index = 0;
        while let Some(merge) = items.next_element_seed(MergeSeed { owner: &self, index })? {
            merges.extend(merge);
            index += 1;
        }
        Ok(merges)
    }
}

struct MergeSeed<'a, 'r> {
    owner: &'a MergesSeed<'r>,
    index: usize,
}

impl MergeSeed<'_, '_> {
    fn wrong<E: serde::de::Error>(&self, problem: &str) -> E {
        let place = format!("{}[{}]", self.owner.place, self.index);
        self.owner.reader.refuse(format(place, problem))
    }
}

impl<'de> DeserializeSeed<'de> for MergeSeed<'_, '_> {
    type Value = Option<(Cow<'de, str>, Cow<'de, str>)>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for MergeSeed<'_, '_> {
    type Value = Option<(Cow<'de, str>, Cow<'de, str>)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a merge: two tokens, or a string of two tokens with a space between")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, line: &'de str) -> Result<Self::Value, E> {
        match merge_line(line) {
            Ok(merge) => Ok(merge.map(|(left, right)| (Cow::Borrowed(left), Cow::Borrowed(right)))),
            Err(problem) => Err(self.wrong(&problem)),
        }
    }

    fn visit_str<E: serde::de::Error>(self, line: &str) -> Result<Self::Value, E> {
        match merge_line(line) {
            Ok(merge) => Ok(merge
                .map(|(left, right)| (Cow::Owned(left.to_owned()), Cow::Owned(right.to_owned())))),
            Err(problem) => Err(self.wrong(&problem)),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let left = parts.next_element_seed(Text)?;
        let right = parts.next_element_seed(Text)?;
        match (left, right, parts.next_element_seed(Text)?) {
            (Some(left), Some(right), None) => Ok(Some((left, right))),
            _ => Err(self.wrong("must be an array of exactly two tokens")),
        }
    }
}

/// A line of merges: two tokens with one space between. A `#version` line is
/// none.
pub(crate) fn merge_line(line: &str) -> Result<Option<(&str, &str)>, String> {
    if line.starts_with("#version") {
        return Ok(None);
    }
    match line.split_once(' ') {
        Some((left, right)) if !right.contains(' ') => Ok(Some((left, right))),
        _ => Err(format!("{} is not two tokens with one space between", quoted(line))),
    }
}

/// The positions of the entries by spelling. A token listed twice is an
/// error: which id counts would depend on the reader.
pub(crate) fn by_text<'v>(
    vocab: &'v Vocab<'_>,
    place: &str,
) -> Result<HashMap<&'v str, usize>, LoadError> {
    let mut positions = HashMap::with_capacity(vocab.len());
    for (position, (token, id)) in vocab.iter().enumerate() {
        if let Some(first) = positions.insert(token.as_ref(), position) {
            let first = vocab.get(first).map_or(0, |(_, id)| *id);
            return Err(vocabulary(
                format!("{place}[{}]", quoted(token)),
                format!("the token is listed twice, with ids {first} and {id}"),
            ));
        }
    }
    Ok(positions)
}
