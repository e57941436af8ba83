//! [`Spec`] to file formats.
//!
//! A saved file gives the owner's library the same ids. What a form cannot
//! express is an error that says why.

mod components;
mod derive;
mod file;
mod hf_json;
mod pattern;
mod tiktoken;

use crate::error::SaveError;

pub use file::write;
pub use hf_json::to_tokenizer_json;
pub use tiktoken::{to_tiktoken, to_tiktoken_companion};

const JSON: &str = "tokenizer.json";
const TIKTOKEN: &str = "tiktoken";

fn inexpressible(form: &'static str, why: impl Into<String>) -> SaveError {
    SaveError::Inexpressible { form, why: why.into() }
}
