//! Mistral's `tekken.json`.
//!
//! A vocabulary of tiktoken kind whose ids are the ranks plus the number of
//! special tokens; the special tokens take the ids below. Files list more
//! tokens than the model uses (`default_vocab_size` says how many), and those
//! of tekken v3 leave the special tokens to the library.

use std::collections::HashSet;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::json::{Json, JsonSeed, Object, Reader, format, unsupported, vocabulary};
use super::table::Text;
use super::{pattern, special_token, tiktoken};
use crate::error::LoadError;
use crate::ids::widen;
use crate::spec::{Spec, Token};

/// The special tokens of files that list none, by id.
const DEFAULT_SPECIAL: [&str; 20] = [
    "<unk>",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "[AVAILABLE_TOOLS]",
    "[/AVAILABLE_TOOLS]",
    "[TOOL_RESULTS]",
    "[/TOOL_RESULTS]",
    "[TOOL_CALLS]",
    "[IMG]",
    "<pad>",
    "[IMG_BREAK]",
    "[IMG_END]",
    "[PREFIX]",
    "[MIDDLE]",
    "[SUFFIX]",
    "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]",
    "[TOOL_CONTENT]",
];

/// Versions whose files may leave the special tokens out.
const WITHOUT_SPECIAL: [&str; 4] = ["v1", "v2", "v3", "v7"];

/// More special tokens than any model reserves.
const MAX_SPECIAL: u32 = 1 << 16;

#[derive(Debug, Default)]
struct File {
    config: Json,
    special: Json,
    /// The tokens in the order of their ranks.
    vocab: Vec<Vec<u8>>,
}

/// Reads a `tekken.json`.
pub(crate) fn load(bytes: &[u8]) -> Result<Spec, LoadError> {
    let reader = Reader::default();
    let file = reader.read(bytes, FileSeed(&reader))?;
    let config = Object::new(&file.config, "config")?;
    let rows = config.u32("default_vocab_size")?;
    let reserved = config.u32("default_num_special_tokens")?;
    let steps = vec![pattern::split(config.string("pattern")?)];
    if reserved > MAX_SPECIAL {
        return Err(format(
            config.path("default_num_special_tokens"),
            format!("{reserved} is more than {MAX_SPECIAL}"),
        ));
    }
    let used = rows.checked_sub(reserved).map(widen).filter(|used| *used <= file.vocab.len());
    let Some(used) = used else {
        return Err(vocabulary(
            config.path("default_vocab_size"),
            format!(
                "{rows} ids are asked for, but there are {reserved} special tokens and {} others",
                file.vocab.len()
            ),
        ));
    };
    let special = special(&file.special, &config, reserved)?;
    let tokens = file.vocab.into_iter().take(used).zip(reserved..);
    let mut spec = tiktoken::spec(tokens.map(|(bytes, id)| Token { id, bytes }).collect(), steps);
    spec.added_tokens = special.iter().zip(0..).map(|(text, id)| special_token(text, id)).collect();
    Ok(spec)
}

/// The special tokens by id: those listed, then `<SPECIAL_n>`.
fn special(listed: &Json, config: &Object<'_>, reserved: u32) -> Result<Vec<String>, LoadError> {
    let mut texts: Vec<Option<String>> = vec![None; widen(reserved)];
    let mut put = |id: u32, text: &str, place: &str| match texts.get_mut(widen(id)) {
        Some(slot @ None) => {
            *slot = Some(text.to_owned());
            Ok(())
        }
        Some(Some(_)) => Err(vocabulary(place, format!("the rank {id} is taken already"))),
        None => Err(vocabulary(
            place,
            format!("the rank {id} is not below default_num_special_tokens, {reserved}"),
        )),
    };
    match listed {
        Json::Null => {
            let version = config.string("version")?;
            if !WITHOUT_SPECIAL.contains(&version) {
                let problem = format!("is missing, and {version} files must have it");
                return Err(format("special_tokens", problem));
            }
            for (text, id) in DEFAULT_SPECIAL.iter().zip(0..) {
                put(id, text, "special_tokens")?;
            }
        }
        Json::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                let token = Object::new(item, format!("special_tokens[{index}]"))?;
                token.only(&["rank", "token_str", "is_control"])?;
                put(token.u32("rank")?, token.string("token_str")?, &token.place)?;
            }
        }
        _ => return Err(format("special_tokens", "must be an array or null")),
    }
    let named = texts.into_iter().enumerate();
    Ok(named.map(|(id, text)| text.unwrap_or_else(|| format!("<SPECIAL_{id}>"))).collect())
}

struct FileSeed<'r>(&'r Reader);

impl<'de> DeserializeSeed<'de> for FileSeed<'_> {
    type Value = File;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<File, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FileSeed<'_> {
    type Value = File;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tekken.json: an object with config and vocab")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<File, A::Error> {
        let reader = self.0;
        let mut file = File::default();
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            reader.enter(&key);
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom("the field is given twice"));
            }
            match key.as_str() {
                "config" => file.config = entries.next_value_seed(JsonSeed(reader))?,
                "special_tokens" => file.special = entries.next_value_seed(JsonSeed(reader))?,
                "vocab" => file.vocab = entries.next_value_seed(VocabSeed(reader))?,
                // How images and sounds become tokens, and how chats are put
                // together, is not a matter of text.
                _ => {
                    entries.next_value_seed(JsonSeed(reader))?;
                }
            }
        }
        reader.enter("");
        Ok(file)
    }
}

struct VocabSeed<'r>(&'r Reader);

impl<'de> DeserializeSeed<'de> for VocabSeed<'_> {
    type Value = Vec<Vec<u8>>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for VocabSeed<'_> {
    type Value = Vec<Vec<u8>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of tokens")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut tokens = Vec::new();
        let seed = |rank: usize| EntrySeed { reader: self.0, rank };
        while let Some(token) = items.next_element_seed(seed(tokens.len()))? {
            if tokens.len() == widen(u32::MAX) {
                return Err(self.0.refuse(format("vocab", "has more than 2^32 - 1 tokens")));
            }
            tokens.push(token);
        }
        Ok(tokens)
    }
}

/// Reads `{"rank": n, "token_bytes": "...", "token_str": ...}`.
struct EntrySeed<'r> {
    reader: &'r Reader,
    rank: usize,
}

impl<'de> DeserializeSeed<'de> for EntrySeed<'_> {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for EntrySeed<'_> {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with rank and token_bytes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Vec<u8>, A::Error> {
        let reader = self.reader;
        let place = |field: &str| format!("vocab[{}].{field}", self.rank);
        reader.restart();
        let mut token = None;
        let mut rank = None;
        while let Some(key) = entries.next_key_seed(Text)? {
            match key.as_ref() {
                "rank" => rank = Some(entries.next_value_seed(JsonSeed(reader))?),
                "token_bytes" => {
                    let text = entries.next_value_seed(Text)?;
                    let bytes = STANDARD.decode(text.as_bytes()).map_err(|error| {
                        let problem = format!("is not base64: {error}");
                        reader.refuse::<A::Error>(format(place("token_bytes"), problem))
                    })?;
                    token = Some(bytes);
                }
                "token_str" => {
                    entries.next_value_seed(JsonSeed(reader))?;
                }
                other => {
                    let what = format!("the field {other:?}");
                    return Err(reader.refuse(unsupported(format!("vocab[{}]", self.rank), what)));
                }
            }
        }
        match rank {
            Some(Json::Unsigned(rank)) if usize::try_from(rank) == Ok(self.rank) => {}
            _ => {
                let problem = format!("must be {}, the token's place in the list", self.rank);
                return Err(reader.refuse(format(place("rank"), problem)));
            }
        }
        let missing = || reader.refuse(format(place("token_bytes"), "is missing"));
        token.ok_or_else(missing)
    }
}
