//! The `pre_tokenizer` field.

use super::normalizer::Search;
use crate::error::LoadError;
use crate::load::json::{Json, Object, format, quoted, unsupported, unsupported_but};
use crate::spec::{Dialect, Pattern, PreTokenizer, PrependScheme, SplitBehavior};

/// The pattern that `ByteLevel` cuts with unless `use_regex` is off.
pub(crate) const GPT2_PATTERN: &str =
    r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The field as steps that cut and rewrite text.
#[derive(Debug, Default)]
pub(super) struct Steps {
    pub(super) steps: Vec<PreTokenizer>,
    /// The last step spelled the text in the byte-level alphabet.
    pub(super) byte_level: bool,
}

/// Reads the field; `Sequence`s are flattened.
pub(super) fn read(value: &Json) -> Result<Steps, LoadError> {
    let mut steps = Steps::default();
    collect(value, "pre_tokenizer".to_owned(), &mut steps)?;
    Ok(steps)
}

/// The depth of the tree is bounded by the JSON reader.
fn collect(value: &Json, place: String, steps: &mut Steps) -> Result<(), LoadError> {
    if *value == Json::Null {
        return Ok(());
    }
    let object = Object::new(value, place)?;
    let kind = object.string("type")?;
    if kind == "Sequence" {
        object.only(&["type", "pretokenizers"])?;
        for (index, step) in object.array("pretokenizers")?.iter().enumerate() {
            collect(step, format!("{}.pretokenizers[{index}]", object.place), steps)?;
        }
        return Ok(());
    }
    if steps.byte_level {
        return Err(unsupported_but(
            object.place,
            format!("{} after ByteLevel", quoted(kind)),
            "it would cut the spelling of bytes rather than the text; put ByteLevel last",
        ));
    }
    let first = steps.steps.is_empty();
    match kind {
        "Split" => {
            object.only(&["type", "pattern", "behavior", "invert"])?;
            let pattern = match Search::read(&object)? {
                Search::Literal(text) => Pattern::Literal(text),
                Search::Regex(text) => Pattern::Regex { text, dialect: Dialect::HuggingFace },
            };
            let behavior = behavior(&object)?;
            steps.steps.push(PreTokenizer::Split {
                pattern,
                behavior,
                invert: object.bool("invert")?,
            });
        }
        "ByteLevel" => {
            object.only(&["type", "add_prefix_space", "trim_offsets", "use_regex"])?;
            if object.bool("add_prefix_space")? {
                if !first {
                    return Err(unsupported(
                        object.path("add_prefix_space"),
                        "a space in front of every piece that earlier steps have cut",
                    ));
                }
                steps.steps.push(PreTokenizer::PrefixSpace);
            }
            if object.optional_bool("use_regex")?.unwrap_or(true) {
                steps.steps.push(gpt2_split());
            }
            steps.byte_level = true;
        }
        "Digits" => {
            object.only(&["type", "individual_digits"])?;
            let individual = object.bool("individual_digits")?;
            steps.steps.push(PreTokenizer::Digits { individual });
        }
        "Metaspace" => {
            if !first {
                return Err(unsupported(object.place, "Metaspace after another step"));
            }
            let (replacement, prepend) = metaspace(&object)?;
            let split = object.optional_bool("split")?.unwrap_or(true);
            steps.steps.push(PreTokenizer::Metaspace { replacement, prepend, split });
        }
        other => {
            return Err(unsupported(object.place, format!("the pre-tokenizer {}", quoted(other))));
        }
    }
    Ok(())
}

/// The step that `ByteLevel` means by `use_regex`.
pub(crate) fn gpt2_split() -> PreTokenizer {
    PreTokenizer::Split {
        pattern: Pattern::Regex { text: GPT2_PATTERN.to_owned(), dialect: Dialect::HuggingFace },
        behavior: SplitBehavior::Isolated,
        invert: false,
    }
}

fn behavior(object: &Object<'_>) -> Result<SplitBehavior, LoadError> {
    match object.string("behavior")? {
        "Isolated" => Ok(SplitBehavior::Isolated),
        "MergedWithPrevious" => Ok(SplitBehavior::MergedWithPrevious),
        "MergedWithNext" => Ok(SplitBehavior::MergedWithNext),
        "Contiguous" => Ok(SplitBehavior::Contiguous),
        "Removed" => {
            Err(unsupported(object.path("behavior"), "\"Removed\", which drops text from the ids,"))
        }
        other => Err(format(
            object.path("behavior"),
            format!(
                "{} is none of Isolated, MergedWithPrevious, MergedWithNext, Contiguous, Removed",
                quoted(other)
            ),
        )),
    }
}

/// The options that the `Metaspace` pre-tokenizer and decoder share. Files
/// from before `prepend_scheme` have `add_prefix_space` instead.
pub(super) fn metaspace(object: &Object<'_>) -> Result<(char, PrependScheme), LoadError> {
    object.only(&[
        "type",
        "replacement",
        "str_rep",
        "add_prefix_space",
        "prepend_scheme",
        "split",
    ])?;
    let scheme = match object.get("prepend_scheme") {
        Json::Null => None,
        _ => Some(match object.string("prepend_scheme")? {
            "always" => PrependScheme::Always,
            "first" => PrependScheme::First,
            "never" => PrependScheme::Never,
            other => {
                return Err(format(
                    object.path("prepend_scheme"),
                    format!("{} is none of always, first, never", quoted(other)),
                ));
            }
        }),
    };
    let scheme = match (object.optional_bool("add_prefix_space")?, scheme) {
        (Some(false), None) => PrependScheme::Never,
        (Some(false), Some(scheme)) if scheme != PrependScheme::Never => {
            return Err(format(
                object.path("add_prefix_space"),
                "is false although prepend_scheme is not \"never\"; remove one of the two",
            ));
        }
        (_, scheme) => scheme.unwrap_or(PrependScheme::Always),
    };
    Ok((object.character("replacement")?, scheme))
}
