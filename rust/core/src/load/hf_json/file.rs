//! The top level of a `tokenizer.json`.

use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::added::added_token;
use crate::error::LoadError;
use crate::load::bpe::BpeFile;
use crate::load::json::{
    Json, JsonSeed, NullSeed, Reader, format, quoted, unsupported, unsupported_but,
};
use crate::load::table::{MergesSeed, VocabSeed};
use crate::spec::AddedToken;

/// A file with its two large tables in place and its components as trees.
#[derive(Debug, Default)]
pub(super) struct File<'de> {
    pub(super) added_tokens: Vec<AddedToken>,
    pub(super) normalizer: Json,
    pub(super) pre_tokenizer: Json,
    pub(super) post_processor: Json,
    pub(super) decoder: Json,
    pub(super) model: BpeFile<'de>,
}

pub(super) struct FileSeed<'r>(pub(super) &'r Reader);

impl<'de> DeserializeSeed<'de> for FileSeed<'_> {
    type Value = File<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for FileSeed<'_> {
    type Value = File<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tokenizer.json: an object with a model")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let reader = self.0;
        let mut file = File::default();
        let mut model = None;
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            reader.enter(&key);
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom("the field is given twice"));
            }
            match key.as_str() {
                "version" => match entries.next_value_seed(JsonSeed(reader))? {
                    Json::String(version) if version == "1.0" => {}
                    other => {
                        let what = format!("{other:?} instead of \"1.0\"");
                        return Err(reader.refuse(unsupported("version", what)));
                    }
                },
                "truncation" => entries.next_value_seed(NullSeed {
                    reader,
                    refusal: unsupported_but(
                        "truncation",
                        "truncating texts",
                        "set it to null and cut the ids yourself",
                    ),
                })?,
                "padding" => entries.next_value_seed(NullSeed {
                    reader,
                    refusal: unsupported_but(
                        "padding",
                        "padding texts",
                        "set it to null and pad the ids yourself",
                    ),
                })?,
                "added_tokens" => {
                    file.added_tokens = entries.next_value_seed(AddedSeed(reader))?;
                }
                "normalizer" => file.normalizer = entries.next_value_seed(JsonSeed(reader))?,
                "pre_tokenizer" => {
                    file.pre_tokenizer = entries.next_value_seed(JsonSeed(reader))?;
                }
                "post_processor" => {
                    file.post_processor = entries.next_value_seed(JsonSeed(reader))?;
                }
                "decoder" => file.decoder = entries.next_value_seed(JsonSeed(reader))?,
                "model" => model = Some(entries.next_value_seed(ModelSeed(reader))?),
                other => {
                    let what = format!("the field {}", quoted(other));
                    return Err(reader.refuse(unsupported("tokenizer.json", what)));
                }
            }
        }
        reader.enter("");
        match model {
            Some(model) => file.model = model,
            None => {
                let problem = "is missing: this is no tokenizer.json of the tokenizers library";
                return Err(reader.refuse(format("model", problem)));
            }
        }
        Ok(file)
    }
}

struct AddedSeed<'r>(&'r Reader);

impl<'de> DeserializeSeed<'de> for AddedSeed<'_> {
    type Value = Vec<AddedToken>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for AddedSeed<'_> {
    type Value = Vec<AddedToken>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of added tokens")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let reader = self.0;
        let mut tokens: Vec<AddedToken> = Vec::new();
        let mut index = 0;
        while let Some(item) = items.next_element_seed(JsonSeed(reader))? {
            reader.restart();
            let token = added_token(&item, format!("added_tokens[{index}]"))
                .map_err(|error| reader.refuse::<A::Error>(error))?;
            tokens.push(token);
            index += 1;
        }
        tokens.sort_by_key(|token| token.id);
        // The same token in the same words twice says nothing new.
        tokens.dedup();
        Ok(tokens)
    }
}

struct ModelSeed<'r>(&'r Reader);

impl<'de> DeserializeSeed<'de> for ModelSeed<'_> {
    type Value = BpeFile<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ModelSeed<'_> {
    type Value = BpeFile<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object: a model of type BPE")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let reader = self.0;
        let mut model = BpeFile::default();
        let (mut vocab, mut merges) = (None, None);
        let mut seen = HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            let field = format!("model.{key}");
            reader.enter(&field);
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom("the field is given twice"));
            }
            match key.as_str() {
                "vocab" => {
                    let seed = VocabSeed { reader, place: "model.vocab" };
                    vocab = Some(entries.next_value_seed(seed)?);
                }
                "merges" => {
                    let seed = MergesSeed { reader, place: "model.merges" };
                    merges = Some(entries.next_value_seed(seed)?);
                }
                _ => {
                    let value = entries.next_value_seed(JsonSeed(reader))?;
                    option(&mut model, &key, &value).map_err(|error| reader.refuse(error))?;
                }
            }
        }
        reader.enter("model");
        let missing = |field: &str| {
            let problem = "is missing; a model of type BPE has a vocabulary and merges";
            reader.refuse(format(format!("model.{field}"), problem))
        };
        model.vocab = vocab.ok_or_else(|| missing("vocab"))?;
        model.merges = merges.ok_or_else(|| missing("merges"))?;
        Ok(model)
    }
}

/// One of the model's options.
fn option(model: &mut BpeFile<'_>, key: &str, value: &Json) -> Result<(), LoadError> {
    let place = format!("model.{key}");
    let flag = |what: &mut bool| match value {
        Json::Null => Ok(()),
        Json::Bool(value) => {
            *what = *value;
            Ok(())
        }
        _ => Err(format(place.clone(), "must be true or false")),
    };
    match key {
        "type" => match value {
            Json::String(kind) if kind == "BPE" => Ok(()),
            Json::String(kind) => Err(unsupported_but(
                place,
                format!("the model type {}", quoted(kind)),
                "only BPE is",
            )),
            _ => Err(format(place, "must be a string")),
        },
        "dropout" => match value {
            Json::Null => Ok(()),
            Json::Unsigned(0) => Ok(()),
            Json::Number(rate) if *rate == 0.0 => Ok(()),
            _ => Err(unsupported_but(
                place,
                "merge dropout in a file",
                "set it to null; a file has to mean the same ids every time",
            )),
        },
        "continuing_subword_prefix" | "end_of_word_suffix" => match value {
            Json::Null => Ok(()),
            Json::String(text) if text.is_empty() => Ok(()),
            Json::String(text) => Err(unsupported(place, format!("the value {}", quoted(text)))),
            _ => Err(format(place, "must be a string or null")),
        },
        "unk_token" => match value {
            Json::Null => Ok(()),
            Json::String(text) => {
                model.unk_token = Some(text.clone());
                Ok(())
            }
            _ => Err(format(place, "must be a string or null")),
        },
        "fuse_unk" => flag(&mut model.fuse_unk),
        "byte_fallback" => flag(&mut model.byte_fallback),
        "ignore_merges" => flag(&mut model.ignore_merges),
        other => Err(unsupported("model", format!("the field {}", quoted(other)))),
    }
}
