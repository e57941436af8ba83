//! The `post_processor` field.

use crate::error::LoadError;
use crate::load::json::{Json, Object, format, quoted, unsupported};
use crate::spec::{Template, TemplatePiece};

/// Real templates have a handful of pieces, of a token or two each. The
/// limits keep a hostile file from multiplying its size.
const MAX_PIECES: usize = 128;
const MAX_IDS: usize = 32;
const MAX_TEXT: usize = 1024;

/// Reads the field. A `ByteLevel` post-processor only trims offsets, which
/// are tokenseam's own; at most one template is left.
pub(super) fn read(value: &Json) -> Result<Option<Template>, LoadError> {
    let mut template = None;
    collect(value, "post_processor".to_owned(), &mut template)?;
    Ok(template)
}

/// The depth of the tree is bounded by the JSON reader.
fn collect(value: &Json, place: String, found: &mut Option<Template>) -> Result<(), LoadError> {
    if *value == Json::Null {
        return Ok(());
    }
    let object = Object::new(value, place)?;
    match object.string("type")? {
        "Sequence" => {
            object.only(&["type", "processors"])?;
            for (index, step) in object.array("processors")?.iter().enumerate() {
                collect(step, format!("{}.processors[{index}]", object.place), found)?;
            }
            Ok(())
        }
        "ByteLevel" => object.only(&["type", "add_prefix_space", "trim_offsets", "use_regex"]),
        "TemplateProcessing" => {
            object.only(&["type", "single", "pair", "special_tokens"])?;
            let read = template(&object)?;
            if found.replace(read).is_some() {
                return Err(unsupported(object.place, "a second TemplateProcessing"));
            }
            Ok(())
        }
        other => Err(unsupported(object.place, format!("the post-processor {}", quoted(other)))),
    }
}

fn template(object: &Object<'_>) -> Result<Template, LoadError> {
    let special = object.object("special_tokens")?;
    Ok(Template {
        single: pieces(object, "single", &special)?,
        pair: pieces(object, "pair", &special)?,
    })
}

fn pieces(
    object: &Object<'_>,
    field: &str,
    special: &Object<'_>,
) -> Result<Vec<TemplatePiece>, LoadError> {
    let items = object.array(field)?;
    if items.len() > MAX_PIECES {
        return Err(format(object.path(field), format!("has more than {MAX_PIECES} pieces")));
    }
    let items = items.iter().enumerate();
    items
        .map(|(index, item)| piece(item, format!("{}[{index}]", object.path(field)), special))
        .collect()
}

fn piece(value: &Json, place: String, special: &Object<'_>) -> Result<TemplatePiece, LoadError> {
    let object = Object::new(value, place)?;
    let wrong = || {
        format(
            object.place.clone(),
            "must be {\"Sequence\": {\"id\": \"A\" or \"B\", \"type_id\": 0}} or \
             {\"SpecialToken\": {\"id\": \"...\", \"type_id\": 0}}",
        )
    };
    let mut fields = object.fields();
    let (Some((kind, _)), None) = (fields.next(), fields.next()) else {
        return Err(wrong());
    };
    let inner = object.object(kind)?;
    inner.only(&["id", "type_id"])?;
    let (id, type_id) = (inner.string("id")?, inner.u32("type_id")?);
    match (kind, id) {
        ("Sequence", "A") => Ok(TemplatePiece::A(type_id)),
        ("Sequence", "B") => Ok(TemplatePiece::B(type_id)),
        ("SpecialToken", name) => Ok(TemplatePiece::Special {
            name: name.to_owned(),
            tokens: named(special, name)?,
            type_id,
        }),
        _ => Err(wrong()),
    }
}

/// The ids that a template's special token stands for.
fn named(special: &Object<'_>, name: &str) -> Result<Vec<(u32, String)>, LoadError> {
    let entry = special.object(name)?;
    entry.only(&["id", "ids", "tokens"])?;
    let (ids, texts) = (entry.array("ids")?, entry.array("tokens")?);
    if ids.len() != texts.len() {
        return Err(format(entry.place, "ids and tokens must be of the same length"));
    }
    if ids.len() > MAX_IDS || name.len() > MAX_TEXT {
        return Err(format(
            entry.place,
            format!("has more than {MAX_IDS} ids, or a name of more than {MAX_TEXT} bytes"),
        ));
    }
    let pairs = ids.iter().zip(texts).enumerate();
    pairs
        .map(|(index, pair)| match pair {
            (Json::Unsigned(id), Json::String(text))
                if u32::try_from(*id).is_ok() && text.len() <= MAX_TEXT =>
            {
                Ok((u32::try_from(*id).unwrap_or(u32::MAX), text.clone()))
            }
            _ => Err(format(
                format!("{}.ids[{index}]", entry.place),
                "must be a whole number from 0 to 4294967295, and its token a short string",
            )),
        })
        .collect()
}
