//! Entries of `added_tokens`.

use crate::error::LoadError;
use crate::load::json::{Json, Object};
use crate::spec::AddedToken;

/// Reads one entry.
pub(super) fn added_token(value: &Json, place: String) -> Result<AddedToken, LoadError> {
    let object = Object::new(value, place)?;
    object.only(&["id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"])?;
    Ok(AddedToken {
        id: object.u32("id")?,
        content: object.string("content")?.to_owned(),
        special: object.bool("special")?,
        lstrip: object.bool("lstrip")?,
        rstrip: object.bool("rstrip")?,
        single_word: object.bool("single_word")?,
        normalized: object.bool("normalized")?,
    })
}
