//! The `normalizer` field.

use crate::error::LoadError;
use crate::load::json::{Json, Object, format, quoted, unsupported};
use crate::spec::Normalizer;

/// Reads the field; `Sequence`s are flattened.
pub(super) fn read(value: &Json) -> Result<Vec<Normalizer>, LoadError> {
    let mut steps = Vec::new();
    collect(value, "normalizer".to_owned(), &mut steps)?;
    Ok(steps)
}

/// The depth of the tree is bounded by the JSON reader.
fn collect(value: &Json, place: String, steps: &mut Vec<Normalizer>) -> Result<(), LoadError> {
    if *value == Json::Null {
        return Ok(());
    }
    let object = Object::new(value, place)?;
    let bare = || object.only(&["type"]);
    let step = match object.string("type")? {
        "Sequence" => {
            object.only(&["type", "normalizers"])?;
            for (index, step) in object.array("normalizers")?.iter().enumerate() {
                collect(step, format!("{}.normalizers[{index}]", object.place), steps)?;
            }
            return Ok(());
        }
        "NFC" => bare().map(|()| Normalizer::Nfc)?,
        "NFD" => bare().map(|()| Normalizer::Nfd)?,
        "NFKC" => bare().map(|()| Normalizer::Nfkc)?,
        "NFKD" => bare().map(|()| Normalizer::Nfkd)?,
        "Lowercase" => bare().map(|()| Normalizer::Lowercase)?,
        "StripAccents" => bare().map(|()| Normalizer::StripAccents)?,
        "Strip" => {
            object.only(&["type", "strip_left", "strip_right"])?;
            Normalizer::Strip {
                left: object.bool("strip_left")?,
                right: object.bool("strip_right")?,
            }
        }
        "Prepend" => {
            object.only(&["type", "prepend"])?;
            Normalizer::Prepend(object.string("prepend")?.to_owned())
        }
        "Replace" => {
            object.only(&["type", "pattern", "content"])?;
            let to = object.string("content")?.to_owned();
            match Search::read(&object)? {
                Search::Literal(from) => Normalizer::ReplaceLiteral { from, to },
                Search::Regex(pattern) => Normalizer::ReplaceRegex { pattern, to },
            }
        }
        other => {
            return Err(unsupported(object.place, format!("the normalizer {}", quoted(other))));
        }
    };
    steps.push(step);
    Ok(())
}

/// `{"String": ...}` or `{"Regex": ...}`.
#[derive(Debug)]
pub(super) enum Search {
    Literal(String),
    Regex(String),
}

impl Search {
    /// Reads the field `pattern` of a component.
    pub(super) fn read(component: &Object<'_>) -> Result<Search, LoadError> {
        let pattern = component.object("pattern")?;
        let mut fields = pattern.fields();
        match (fields.next(), fields.next()) {
            (Some(("String", Json::String(text))), None) if text.is_empty() => {
                Err(unsupported(pattern.path("String"), "an empty string, which matches nowhere,"))
            }
            (Some(("String", Json::String(text))), None) => Ok(Search::Literal(text.clone())),
            (Some(("Regex", Json::String(text))), None) => Ok(Search::Regex(text.clone())),
            _ => {
                Err(format(pattern.place, "must be {\"Regex\": \"...\"} or {\"String\": \"...\"}"))
            }
        }
    }
}
