//! The `decoder` field.

use super::normalizer::Search;
use super::pre_tokenizer::metaspace;
use crate::error::LoadError;
use crate::load::json::{Json, Object, quoted, unsupported};
use crate::spec::Decoder;

/// The field as steps.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) steps: Vec<Decoder>,
    /// The decoder is `ByteLevel`.
    pub(super) byte_level: bool,
}

/// Reads the field; `Sequence`s are flattened.
pub(super) fn read(value: &Json) -> Result<Steps, LoadError> {
    let mut steps = Steps::default();
    collect(value, "decoder".to_owned(), &mut steps)?;
    if steps.byte_level {
        // What is left is one string, and joining one string changes nothing.
        steps.steps.retain(|step| *step != Decoder::Fuse);
    }
    Ok(steps)
}

/// The depth of the tree is bounded by the JSON reader.
fn collect(value: &Json, place: String, steps: &mut Steps) -> Result<(), LoadError> {
    if *value == Json::Null {
        return Ok(());
    }
    let object = Object::new(value, place)?;
    let kind = object.string("type")?;
    if steps.byte_level && !matches!(kind, "Fuse" | "Sequence") {
        let what = format!("{} after ByteLevel", quoted(kind));
        return Err(unsupported(object.place, what));
    }
    let step = match kind {
        "Sequence" => {
            object.only(&["type", "decoders"])?;
            for (index, step) in object.array("decoders")?.iter().enumerate() {
                collect(step, format!("{}.decoders[{index}]", object.place), steps)?;
            }
            return Ok(());
        }
        "ByteLevel" => {
            object.only(&["type", "add_prefix_space", "trim_offsets", "use_regex"])?;
            if !steps.steps.is_empty() {
                return Err(unsupported(object.place, "ByteLevel after another decoder"));
            }
            steps.byte_level = true;
            return Ok(());
        }
        "ByteFallback" => {
            object.only(&["type"])?;
            Decoder::ByteFallback
        }
        "Fuse" => {
            object.only(&["type"])?;
            Decoder::Fuse
        }
        "Replace" => {
            object.only(&["type", "pattern", "content"])?;
            match Search::read(&object)? {
                Search::Literal(from) => {
                    Decoder::Replace { from, to: object.string("content")?.to_owned() }
                }
                Search::Regex(_) => {
                    return Err(unsupported(
                        object.path("pattern.Regex"),
                        "a regular expression in a decoder",
                    ));
                }
            }
        }
        "Strip" => {
            object.only(&["type", "content", "start", "stop"])?;
            Decoder::Strip {
                content: object.character("content")?,
                start: object.usize("start")?,
                stop: object.usize("stop")?,
            }
        }
        "Metaspace" => {
            let (replacement, prepend) = metaspace(&object)?;
            Decoder::Metaspace { replacement, prepend }
        }
        other => return Err(unsupported(object.place, format!("the decoder {}", quoted(other)))),
    };
    steps.steps.push(step);
    Ok(())
}
