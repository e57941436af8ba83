//! JSON from files that nobody vouches for.
//!
//! The two large tables of a file (vocabulary, merges) are read by visitors
//! straight into their final shape. Everything else is small and becomes a
//! [`Json`] tree, whose size and depth are bounded. What a visitor has to say
//! about a file travels through [`Reader`], because an error of `serde_json`
//! carries nothing but text.

use std::cell::{Cell, RefCell};
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::error::LoadError;

/// How many values one small part of a file may have.
const MAX_VALUES: usize = 1 << 16;

/// What the visitors over one file share.
#[derive(Debug, Default)]
pub(crate) struct Reader {
    /// The field being read.
    field: RefCell<String>,
    refusal: RefCell<Option<LoadError>>,
    values: Cell<usize>,
}

impl Reader {
    /// Reads a whole file.
    pub(crate) fn read<'de, S: DeserializeSeed<'de>>(
        &self,
        bytes: &'de [u8],
        seed: S,
    ) -> Result<S::Value, LoadError> {
        let mut file = serde_json::Deserializer::from_slice(bytes);
        let result = seed.deserialize(&mut file).and_then(|value| {
            *self.field.borrow_mut() = String::new();
            file.end().map(|()| value)
        });
        result.map_err(|error| self.explain(&error))
    }

    /// Says which field is being read, for syntax errors.
    pub(crate) fn enter(&self, field: &str) {
        *self.field.borrow_mut() = field.to_owned();
        self.values.set(0);
    }

    /// Starts the budget of a new small part.
    pub(crate) fn restart(&self) {
        self.values.set(0);
    }

    /// Turns a refusal into the error that a visitor has to return.
    pub(crate) fn refuse<E: serde::de::Error>(&self, refusal: LoadError) -> E {
        *self.refusal.borrow_mut() = Some(refusal);
        E::custom("refused")
    }

    fn explain(&self, error: &serde_json::Error) -> LoadError {
        let position = format!("line {} column {}", error.line(), error.column());
        if let Some(refusal) = self.refusal.borrow_mut().take() {
            return at(refusal, &position);
        }
        let field = self.field.borrow();
        let place = match field.as_str() {
            "" => position,
            field => format!("{field}, {position}"),
        };
        let text = error.to_string();
        let text = text.split(" at line ").next().unwrap_or(&text);
        let problem = if error.is_eof() {
            "the file ends in the middle of a JSON value; it is truncated, fetch it again"
                .to_owned()
        } else if text.contains("recursion limit") {
            "arrays or objects are nested more than 128 deep".to_owned()
        } else if error.is_syntax() {
            format!("the file is not valid JSON: {text}")
        } else {
            text.to_owned()
        };
        LoadError::Format { place, problem }
    }

    fn count<E: serde::de::Error>(&self) -> Result<(), E> {
        let values = self.values.get() + 1;
        self.values.set(values);
        if values > MAX_VALUES {
            return Err(self.refuse(LoadError::Format {
                place: self.field.borrow().clone(),
                problem: format!("has more than {MAX_VALUES} values; no real tokenizer does"),
            }));
        }
        Ok(())
    }
}

/// Adds the position in the file to an error that names a field.
fn at(mut error: LoadError, position: &str) -> LoadError {
    if let LoadError::Format { place, .. }
    | LoadError::Unsupported { place, .. }
    | LoadError::Vocabulary { place, .. }
    | LoadError::Pattern { place, .. } = &mut error
    {
        *place = format!("{place} ({position})");
    }
    error
}

/// A [`LoadError::Format`].
pub(crate) fn format(place: impl Into<String>, problem: impl Into<String>) -> LoadError {
    LoadError::Format { place: place.into(), problem: problem.into() }
}

/// A [`LoadError::Vocabulary`].
pub(crate) fn vocabulary(place: impl Into<String>, problem: impl Into<String>) -> LoadError {
    LoadError::Vocabulary { place: place.into(), problem: problem.into() }
}

/// A [`LoadError::Unsupported`] without advice.
pub(crate) fn unsupported(place: impl Into<String>, what: impl Into<String>) -> LoadError {
    LoadError::Unsupported { place: place.into(), what: what.into(), advice: String::new() }
}

/// A [`LoadError::Unsupported`] with advice.
pub(crate) fn unsupported_but(
    place: impl Into<String>,
    what: impl Into<String>,
    advice: &str,
) -> LoadError {
    LoadError::Unsupported { place: place.into(), what: what.into(), advice: format!("; {advice}") }
}

/// At most the first 60 characters of a text, quoted.
pub(crate) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}...", text.get(..end).unwrap_or("")),
        None => format!("{text:?}"),
    }
}

/// A small JSON value.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Json {
    /// Also a field that is not there.
    #[default]
    Null,
    Bool(bool),
    Unsigned(u64),
    /// Any other number.
    Number(f64),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// What kind of value it is, for messages.
    fn kind(&self) -> &'static str {
        match self {
            Json::Null => "null",
            Json::Bool(_) => "a boolean",
            Json::Unsigned(_) | Json::Number(_) => "a number",
            Json::String(_) => "a string",
            Json::Array(_) => "an array",
            Json::Object(_) => "an object",
        }
    }
}

/// Reads a [`Json`].
pub(crate) struct JsonSeed<'r>(pub(crate) &'r Reader);

impl<'de> DeserializeSeed<'de> for JsonSeed<'_> {
    type Value = Json;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Json, D::Error> {
        self.0.count()?;
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for JsonSeed<'_> {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Unsigned(value))
    }

    #[allow(clippy::cast_precision_loss)]
    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Number(value as f64))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Number(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Json, A::Error> {
        let mut array = Vec::new();
        while let Some(item) = items.next_element_seed(JsonSeed(self.0))? {
            array.push(item);
        }
        Ok(Json::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Json, A::Error> {
        let mut object: Vec<(String, Json)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = entries.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                return Err(A::Error::custom(format!("the field {} is given twice", quoted(&key))));
            }
            let value = entries.next_value_seed(JsonSeed(self.0))?;
            object.push((key, value));
        }
        Ok(Json::Object(object))
    }
}

/// Accepts `null` and refuses anything else without reading it.
pub(crate) struct NullSeed<'r> {
    pub(crate) reader: &'r Reader,
    pub(crate) refusal: LoadError,
}

impl<'de> DeserializeSeed<'de> for NullSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NullSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        Err(self.reader.refuse(self.refusal))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<(), E> {
        Err(self.reader.refuse(self.refusal))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<(), E> {
        Err(self.reader.refuse(self.refusal))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<(), E> {
        Err(self.reader.refuse(self.refusal))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        Err(self.reader.refuse(self.refusal))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.reader.refuse(self.refusal))
    }

    fn visit_map<A: MapAccess<'de>>(self, _: A) -> Result<(), A::Error> {
        Err(self.reader.refuse(self.refusal))
    }
}

/// An object and where it is: every look-up that fails names the field.
#[derive(Debug)]
pub(crate) struct Object<'j> {
    pub(crate) place: String,
    fields: &'j [(String, Json)],
}

impl<'j> Object<'j> {
    /// Views a value as an object.
    pub(crate) fn new(value: &'j Json, place: impl Into<String>) -> Result<Object<'j>, LoadError> {
        let place = place.into();
        match value {
            Json::Object(fields) => Ok(Object { place, fields }),
            other => Err(format(place, format!("must be an object, not {}", other.kind()))),
        }
    }

    /// The path of a field.
    pub(crate) fn path(&self, field: &str) -> String {
        if self.place.is_empty() { field.to_owned() } else { format!("{}.{field}", self.place) }
    }

    /// Refuses fields that are not in the list: an option that is not known
    /// could change ids.
    pub(crate) fn only(&self, known: &[&str]) -> Result<(), LoadError> {
        match self.fields.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => {
                Err(unsupported(self.place.clone(), format!("the field {}", quoted(name))))
            }
            None => Ok(()),
        }
    }

    /// The fields in the order of the file.
    pub(crate) fn fields(&self) -> impl Iterator<Item = (&'j str, &'j Json)> + use<'j> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value))
    }

    /// A field; `Null` if it is not there.
    pub(crate) fn get(&self, field: &str) -> &'j Json {
        const NULL: &Json = &Json::Null;
        self.fields.iter().find(|(name, _)| name == field).map_or(NULL, |(_, value)| value)
    }

    fn must<T>(&self, field: &str, expected: &str) -> Result<T, LoadError> {
        Err(match self.fields.iter().find(|(name, _)| name == field) {
            Some((_, value)) => {
                format(self.path(field), format!("must be {expected}, not {}", value.kind()))
            }
            None => format(self.path(field), format!("is missing; it must be {expected}")),
        })
    }

    /// A string that must be there.
    pub(crate) fn string(&self, field: &str) -> Result<&'j str, LoadError> {
        match self.get(field) {
            Json::String(text) => Ok(text),
            _ => self.must(field, "a string"),
        }
    }

    /// A boolean that must be there.
    pub(crate) fn bool(&self, field: &str) -> Result<bool, LoadError> {
        match self.get(field) {
            Json::Bool(value) => Ok(*value),
            _ => self.must(field, "true or false"),
        }
    }

    /// A boolean that may be null or left out.
    pub(crate) fn optional_bool(&self, field: &str) -> Result<Option<bool>, LoadError> {
        match self.get(field) {
            Json::Null => Ok(None),
            _ => self.bool(field).map(Some),
        }
    }

    /// A string of one character that must be there.
    pub(crate) fn character(&self, field: &str) -> Result<char, LoadError> {
        let mut characters = self.string(field)?.chars();
        match (characters.next(), characters.next()) {
            (Some(character), None) => Ok(character),
            _ => Err(format(self.path(field), "must be one character")),
        }
    }

    /// An array that must be there.
    pub(crate) fn array(&self, field: &str) -> Result<&'j [Json], LoadError> {
        match self.get(field) {
            Json::Array(items) => Ok(items),
            _ => self.must(field, "an array"),
        }
    }

    /// An object that must be there.
    pub(crate) fn object(&self, field: &str) -> Result<Object<'j>, LoadError> {
        match self.get(field) {
            value @ Json::Object(_) => Object::new(value, self.path(field)),
            _ => self.must(field, "an object"),
        }
    }

    /// A token id or another number below 2^32 that must be there.
    pub(crate) fn u32(&self, field: &str) -> Result<u32, LoadError> {
        match self.get(field) {
            Json::Unsigned(value) => u32::try_from(*value).map_err(|_| {
                format(self.path(field), format!("{value} is not below 2^32 (4294967296)"))
            }),
            Json::Number(value) => Err(format(
                self.path(field),
                format!("{value} is not a whole number from 0 to 4294967295"),
            )),
            _ => self.must(field, "a whole number from 0 to 4294967295"),
        }
    }

    /// A count that must be there.
    pub(crate) fn usize(&self, field: &str) -> Result<usize, LoadError> {
        self.u32(field).map(crate::ids::widen)
    }
}
