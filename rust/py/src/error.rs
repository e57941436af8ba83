//! Core errors to the exception classes of `tokenseam.errors`.

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::PyType;
use tokenseam_core::error::{DecodeError, EncodeError, LoadError, SaveError};

/// Builds an exception of a class of `tokenseam.errors`.
pub(crate) fn raise(class: &'static str, message: String) -> PyErr {
    Python::attach(|py| match lookup(py, class) {
        Ok(class) => PyErr::from_type(class, (message,)),
        Err(error) => error,
    })
}

fn lookup<'py>(py: Python<'py>, class: &'static str) -> PyResult<Bound<'py, PyType>> {
    static MODULE: PyOnceLock<Py<PyModule>> = PyOnceLock::new();
    let module =
        MODULE.get_or_try_init(py, || py.import("tokenseam.errors").map(Bound::unbind))?.bind(py);
    Ok(module.getattr(class)?.cast_into::<PyType>()?)
}

pub(crate) fn load(error: LoadError) -> PyErr {
    let class = match &error {
        LoadError::Read { missing: true, .. } => "MissingFileError",
        LoadError::Read { .. } => "ReadError",
        LoadError::Format { .. } => "FormatError",
        LoadError::Unsupported { .. } => "UnsupportedError",
        LoadError::Vocabulary { .. } => "VocabularyError",
        LoadError::Pattern { .. } => "PatternError",
        _ => "LoadError",
    };
    raise(class, error.to_string())
}

pub(crate) fn encode(error: EncodeError) -> PyErr {
    raise(encode_class(&error), error.to_string())
}

/// As [`encode`], naming which text of a batch.
pub(crate) fn encode_at(index: usize, error: EncodeError) -> PyErr {
    raise(encode_class(&error), format!("text {index} of the batch: {error}"))
}

fn encode_class(error: &EncodeError) -> &'static str {
    match error {
        EncodeError::DisallowedSpecial { .. } => "DisallowedSpecialError",
        EncodeError::UnknownSpecial { .. } => "UnknownSpecialError",
        EncodeError::PatternLimit { .. } => "PatternLimitError",
        _ => "EncodeError",
    }
}

pub(crate) fn decode(error: DecodeError) -> PyErr {
    raise("UnknownTokenError", error.to_string())
}

pub(crate) fn save(error: SaveError) -> PyErr {
    let class = match &error {
        SaveError::Inexpressible { .. } => "InexpressibleError",
        _ => "SaveError",
    };
    raise(class, error.to_string())
}
