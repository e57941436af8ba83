//! `tokenseam.Spec`.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict};
use tokenseam_core::{Spec, load, save};

use crate::error;

/// A tokenizer as plain data: what loaders produce and savers consume.
#[pyclass(name = "Spec", module = "tokenseam._core", frozen)]
pub(crate) struct PySpec {
    pub(crate) spec: Arc<Spec>,
}

impl From<Spec> for PySpec {
    fn from(spec: Spec) -> Self {
        PySpec { spec: Arc::new(spec) }
    }
}

fn options(
    pattern: Option<String>,
    special_tokens: Option<&Bound<'_, PyAny>>,
) -> PyResult<load::Options> {
    let special_tokens = special_tokens.map(special_list).transpose()?;
    Ok(load::Options { pattern, special_tokens })
}

/// A mapping from text to id, in the order of the mapping.
fn special_list(mapping: &Bound<'_, PyAny>) -> PyResult<Vec<(String, u32)>> {
    let items = mapping.call_method0("items")?;
    items
        .try_iter()?
        .map(|item| {
            let (text, id): (String, Bound<'_, PyAny>) = item?.extract()?;
            let id = id.extract::<u32>().map_err(|_| {
                error::raise(
                    "VocabularyError",
                    format!("special_tokens: the id of {text:?} is not an int from 0 to 2^32 - 1"),
                )
            })?;
            Ok((text, id))
        })
        .collect()
}

#[pymethods]
impl PySpec {
    #[staticmethod]
    #[pyo3(signature = (path, *, pattern = None, special_tokens = None))]
    fn from_file(
        py: Python<'_>,
        path: PathBuf,
        pattern: Option<String>,
        special_tokens: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PySpec> {
        let options = options(pattern, special_tokens)?;
        let spec = py.detach(|| load::from_path(&path, &options)).map_err(error::load)?;
        Ok(spec.into())
    }

    #[staticmethod]
    #[pyo3(signature = (data, *, pattern = None, special_tokens = None))]
    fn from_buffer(
        py: Python<'_>,
        data: &Bound<'_, PyBytes>,
        pattern: Option<String>,
        special_tokens: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PySpec> {
        let options = options(pattern, special_tokens)?;
        let data = data.as_bytes();
        let spec = py.detach(|| load::from_bytes(data, &options)).map_err(error::load)?;
        Ok(spec.into())
    }

    #[staticmethod]
    #[pyo3(signature = (ranks, *, pattern, special_tokens = None, name = ""))]
    fn from_ranks(
        py: Python<'_>,
        ranks: &Bound<'_, PyAny>,
        pattern: String,
        special_tokens: Option<&Bound<'_, PyAny>>,
        name: &str,
    ) -> PyResult<PySpec> {
        let special = special_tokens.map(special_list).transpose()?.unwrap_or_default();
        let items = ranks.call_method0("items")?;
        let ranks = items
            .try_iter()?
            .map(|item| {
                let (token, rank): (Bound<'_, PyBytes>, Bound<'_, PyAny>) = item?.extract()?;
                let rank = rank.extract::<u32>().map_err(|_| {
                    error::raise(
                        "VocabularyError",
                        format!("ranks: the rank of {token} is not an int from 0 to 2^32 - 1"),
                    )
                })?;
                Ok((token.as_bytes().to_vec(), rank))
            })
            .collect::<PyResult<Vec<_>>>()?;
        let spec =
            py.detach(|| load::from_ranks(ranks, &pattern, &special, name)).map_err(error::load)?;
        Ok(spec.into())
    }

    #[staticmethod]
    fn from_bytes(py: Python<'_>, data: &Bound<'_, PyBytes>) -> PyResult<PySpec> {
        let data = data.as_bytes();
        let spec = py.detach(|| Spec::from_canonical_bytes(data)).map_err(error::load)?;
        Ok(spec.into())
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.spec.canonical_bytes()))
    }

    fn to_tokenizer_json<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let json = py.detach(|| save::to_tokenizer_json(&self.spec)).map_err(error::save)?;
        Ok(PyBytes::new(py, &json))
    }

    fn to_tiktoken<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let ranks = py.detach(|| save::to_tiktoken(&self.spec)).map_err(error::save)?;
        Ok(PyBytes::new(py, &ranks))
    }

    /// The regular expression of the pre-tokenizer, if it is a single one.
    #[getter]
    fn pattern(&self) -> Option<&str> {
        self.spec.pattern()
    }

    /// Everything but the tokens and the merges, as JSON.
    fn outline(&self) -> String {
        self.spec.outline()
    }

    fn with_name(&self, name: String) -> PySpec {
        Spec { name, ..Spec::clone(&self.spec) }.into()
    }

    #[getter]
    fn name(&self) -> &str {
        &self.spec.name
    }

    #[getter]
    fn content_hash<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, &py.detach(|| self.spec.content_hash()))
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PySpec>().is_ok_and(|other| other.get().spec == self.spec)
    }

    fn __hash__(&self) -> u64 {
        hash_of(&self.spec)
    }

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyAny>, (Bound<'py, PyBytes>,))> {
        let py = slf.py();
        Ok((slf.get_type().getattr("from_bytes")?, (slf.get().to_bytes(py),)))
    }

    fn __repr__(&self) -> String {
        let tokens = self.spec.model.tokens.len();
        let added = self.spec.added_tokens.len();
        format!("<Spec {:?}: {tokens} tokens, {added} added>", self.spec.name)
    }
}

/// A hash by content, the same in every process.
pub(crate) fn hash_of(spec: &Spec) -> u64 {
    let mut hasher = DefaultHasher::new();
    spec.content_hash().hash(&mut hasher);
    hasher.finish()
}

/// A `dict` from names to ids, in the order of ids.
pub(crate) fn named<'py, 'a>(
    py: Python<'py>,
    tokens: impl Iterator<Item = (&'a String, &'a u32)>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut sorted: Vec<_> = tokens.collect();
    sorted.sort_by_key(|(name, id)| (**id, name.as_str()));
    let dict = PyDict::new(py);
    for (name, id) in sorted {
        dict.set_item(name, id)?;
    }
    Ok(dict)
}
