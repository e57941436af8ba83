//! `tokenseam._core.Tokenizer`, the base of `tokenseam.Tokenizer`.

use std::borrow::Cow;

use numpy::{PyArray1, PyArray2, PyArrayMethods, PyReadonlyArray1};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyString};
use tokenseam_core::special::Specials;
use tokenseam_core::tokenizer::{EncodeOptions, Tokenizer};
use tokenseam_core::{Ragged, TokenId};

use crate::spec::{PySpec, hash_of, named};
use crate::{convert, error};

/// The compiled engine of a tokenizer; see `tokenseam.Tokenizer`.
#[pyclass(name = "Tokenizer", module = "tokenseam._core", frozen, subclass)]
pub(crate) struct PyTokenizer {
    pub(crate) inner: Tokenizer,
}

type Values<'py> = Bound<'py, PyArray1<u32>>;
type Offsets<'py> = Bound<'py, PyArray1<i64>>;

/// The options of a call, owned.
struct Options {
    allowed: Option<Vec<String>>,
    disallowed: Option<Vec<String>>,
    add_special_tokens: bool,
}

impl Options {
    fn new(
        allowed: Option<&Bound<'_, PyAny>>,
        disallowed: Option<&Bound<'_, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<Options> {
        Ok(Options {
            allowed: allowed.map_or(Ok(Some(Vec::new())), names)?,
            disallowed: disallowed.map_or(Ok(None), names)?,
            add_special_tokens,
        })
    }

    fn borrow(&self) -> EncodeOptions<'_> {
        EncodeOptions {
            allowed: specials(self.allowed.as_deref()),
            disallowed: specials(self.disallowed.as_deref()),
            add_special_tokens: self.add_special_tokens,
        }
    }
}

fn specials(names: Option<&[String]>) -> Specials<'_> {
    match names {
        None => Specials::All,
        Some(names) => Specials::These(names),
    }
}

/// `"all"` or a collection of names; `None` stands for all.
fn names(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<String>>> {
    if let Ok(text) = object.cast::<PyString>() {
        if text.to_str()? == "all" {
            return Ok(None);
        }
        return Err(pyo3::exceptions::PyTypeError::new_err(
            "allowed_special and disallowed_special take \"all\" or a collection of special \
             tokens, not a single one; write {\"...\"}",
        ));
    }
    object.try_iter()?.map(|name| name?.extract()).collect::<PyResult<_>>().map(Some)
}

fn ragged(py: Python<'_>, ragged: Ragged) -> (Values<'_>, Offsets<'_>) {
    let (values, offsets) = ragged.into_parts();
    (PyArray1::from_vec(py, values), PyArray1::from_vec(py, offsets))
}

#[pymethods]
impl PyTokenizer {
    #[new]
    #[pyo3(signature = (spec, *, cache_bytes = None))]
    fn new(py: Python<'_>, spec: &PySpec, cache_bytes: Option<usize>) -> PyResult<PyTokenizer> {
        let spec = spec.spec.clone();
        let inner = py
            .detach(|| match cache_bytes {
                Some(bytes) => Tokenizer::with_cache(spec, bytes),
                None => Tokenizer::new(spec),
            })
            .map_err(error::load)?;
        Ok(PyTokenizer { inner })
    }

    #[getter]
    fn spec(&self) -> PySpec {
        PySpec { spec: self.inner.spec().clone() }
    }

    #[getter]
    fn name(&self) -> &str {
        &self.inner.spec().name
    }

    #[getter]
    fn n_vocab(&self) -> usize {
        self.inner.vocabulary().rows()
    }

    #[getter]
    fn n_tokens(&self) -> usize {
        self.inner.vocabulary().len()
    }

    #[getter]
    fn special_tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        named(py, self.inner.vocabulary().special().iter())
    }

    #[getter]
    fn added_tokens<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        named(py, self.inner.vocabulary().added().iter())
    }

    #[getter]
    fn pattern_family(&self) -> Option<&'static str> {
        self.inner.splitter().family().map(|family| family.name())
    }

    #[getter]
    fn cache_bytes(&self) -> usize {
        self.inner.cache_bytes()
    }

    #[pyo3(signature = (text, *, allowed_special = None, disallowed_special = None,
                        add_special_tokens = false),
           text_signature = "($self, text, *, allowed_special=(), disallowed_special='all', \
                             add_special_tokens=False)")]
    fn encode<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyAny>,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<Bound<'py, PyList>> {
        let options = Options::new(allowed_special, disallowed_special, add_special_tokens)?;
        PyList::new(py, self.ids(py, text, &options)?)
    }

    fn encode_ordinary<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let text = convert::text(text)?;
        let ids = py
            .detach(|| self.inner.encode(&text, &EncodeOptions::ORDINARY))
            .map_err(error::encode)?;
        PyList::new(py, ids)
    }

    #[pyo3(signature = (text, *, allowed_special = None, disallowed_special = None,
                        add_special_tokens = false),
           text_signature = "($self, text, *, allowed_special=(), disallowed_special='all', \
                             add_special_tokens=False)")]
    fn encode_to_numpy<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyAny>,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<Values<'py>> {
        let options = Options::new(allowed_special, disallowed_special, add_special_tokens)?;
        Ok(PyArray1::from_vec(py, self.ids(py, text, &options)?))
    }

    #[pyo3(signature = (texts, *, num_threads = None, allowed_special = None,
                        disallowed_special = None, add_special_tokens = false),
           text_signature = "($self, texts, *, num_threads=None, allowed_special=(), \
                             disallowed_special='all', add_special_tokens=False)")]
    fn encode_batch_parts<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        num_threads: Option<usize>,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<(Values<'py>, Offsets<'py>)> {
        let options = Options::new(allowed_special, disallowed_special, add_special_tokens)?;
        let threads = convert::threads(num_threads)?;
        let objects = convert::texts(texts)?;
        let texts = each_text(&objects)?;
        let result = py.detach(|| self.inner.encode_batch(&texts, &options.borrow(), threads));
        Ok(ragged(py, result.map_err(|bad| error::encode_at(bad.index, bad.error))?))
    }

    /// As `encode_batch_parts` for texts in one buffer (Arrow's layout).
    #[pyo3(signature = (data, offsets, *, num_threads = None, allowed_special = None,
                        disallowed_special = None, add_special_tokens = false),
           text_signature = "($self, data, offsets, *, num_threads=None, allowed_special=(), \
                             disallowed_special='all', add_special_tokens=False)")]
    #[allow(clippy::too_many_arguments)]
    fn encode_buffers<'py>(
        &self,
        py: Python<'py>,
        data: PyReadonlyArray1<'py, u8>,
        offsets: PyReadonlyArray1<'py, i64>,
        num_threads: Option<usize>,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<(Values<'py>, Offsets<'py>)> {
        let options = Options::new(allowed_special, disallowed_special, add_special_tokens)?;
        let threads = convert::threads(num_threads)?;
        let texts = convert::slices(data.as_slice()?, offsets.as_slice()?)?;
        let result = py.detach(|| self.inner.encode_batch(&texts, &options.borrow(), threads));
        Ok(ragged(py, result.map_err(|bad| error::encode_at(bad.index, bad.error))?))
    }

    #[pyo3(signature = (text, *, allowed_special = None, disallowed_special = None,
                        add_special_tokens = false),
           text_signature = "($self, text, *, allowed_special=(), disallowed_special='all', \
                             add_special_tokens=False)")]
    #[allow(clippy::type_complexity)]
    fn encode_with_offsets_parts<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyAny>,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<(Values<'py>, Bound<'py, PyArray2<i64>>, Bound<'py, PyArray2<i64>>)> {
        let options = Options::new(allowed_special, disallowed_special, add_special_tokens)?;
        let text = convert::text(text)?;
        let (ids, bytes, characters) = py
            .detach(|| {
                let located = self.inner.encode_with_offsets(&text, &options.borrow())?;
                let ids: Vec<u32> = located.iter().map(|token| token.id).collect();
                let ranges: Vec<(usize, usize)> =
                    located.iter().map(|token| (token.start, token.end)).collect();
                let characters = tokenseam_core::decode::character_ranges(&text, &ranges);
                Ok((ids, flat(&ranges), flat(&characters)))
            })
            .map_err(error::encode)?;
        let rows = ids.len();
        let pairs = |values: Vec<i64>| PyArray1::from_vec(py, values).reshape([rows, 2]);
        Ok((PyArray1::from_vec(py, ids), pairs(bytes)?, pairs(characters)?))
    }

    #[pyo3(signature = (text, *, allowed_special = None, disallowed_special = None,
                        add_special_tokens = false),
           text_signature = "($self, text, *, allowed_special=(), disallowed_special='all', \
                             add_special_tokens=False)")]
    fn count<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyAny>,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<usize> {
        let options = Options::new(allowed_special, disallowed_special, add_special_tokens)?;
        let text = convert::text(text)?;
        py.detach(|| self.inner.count(&text, &options.borrow())).map_err(error::encode)
    }

    #[pyo3(signature = (texts, *, num_threads = None, allowed_special = None,
                        disallowed_special = None, add_special_tokens = false),
           text_signature = "($self, texts, *, num_threads=None, allowed_special=(), \
                             disallowed_special='all', add_special_tokens=False)")]
    fn count_batch_parts<'py>(
        &self,
        py: Python<'py>,
        texts: &Bound<'py, PyAny>,
        num_threads: Option<usize>,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<Offsets<'py>> {
        let options = Options::new(allowed_special, disallowed_special, add_special_tokens)?;
        let threads = convert::threads(num_threads)?;
        let objects = convert::texts(texts)?;
        let texts = each_text(&objects)?;
        let result = py.detach(|| self.inner.count_batch(&texts, &options.borrow(), threads));
        Ok(PyArray1::from_vec(py, result.map_err(|bad| error::encode_at(bad.index, bad.error))?))
    }

    /// As `count_batch_parts` for texts in one buffer (Arrow's layout).
    #[pyo3(signature = (data, offsets, *, num_threads = None, allowed_special = None,
                        disallowed_special = None, add_special_tokens = false),
           text_signature = "($self, data, offsets, *, num_threads=None, allowed_special=(), \
                             disallowed_special='all', add_special_tokens=False)")]
    #[allow(clippy::too_many_arguments)]
    fn count_buffers<'py>(
        &self,
        py: Python<'py>,
        data: PyReadonlyArray1<'py, u8>,
        offsets: PyReadonlyArray1<'py, i64>,
        num_threads: Option<usize>,
        allowed_special: Option<&Bound<'py, PyAny>>,
        disallowed_special: Option<&Bound<'py, PyAny>>,
        add_special_tokens: bool,
    ) -> PyResult<Offsets<'py>> {
        let options = Options::new(allowed_special, disallowed_special, add_special_tokens)?;
        let threads = convert::threads(num_threads)?;
        let texts = convert::slices(data.as_slice()?, offsets.as_slice()?)?;
        let result = py.detach(|| self.inner.count_batch(&texts, &options.borrow(), threads));
        Ok(PyArray1::from_vec(py, result.map_err(|bad| error::encode_at(bad.index, bad.error))?))
    }

    fn pretokenize<'py>(
        &self,
        py: Python<'py>,
        text: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyList>> {
        let text = convert::text(text)?;
        let pieces = py.detach(|| self.inner.pretokenize(&text)).map_err(error::encode)?;
        PyList::new(py, pieces.iter().map(|piece| PyBytes::new(py, piece)))
    }

    #[pyo3(signature = (ids, errors = "replace"))]
    fn decode<'py>(
        &self,
        py: Python<'py>,
        ids: &Bound<'py, PyAny>,
        errors: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ids = convert::ids(ids)?;
        if errors == "replace" {
            let text =
                py.detach(|| self.inner.decoder().decode_lossy(&ids)).map_err(error::decode)?;
            return Ok(PyString::new(py, &text).into_any());
        }
        let bytes = py.detach(|| self.inner.decode_bytes(&ids)).map_err(error::decode)?;
        PyBytes::new(py, &bytes).call_method1("decode", ("utf-8", errors))
    }

    fn decode_bytes<'py>(
        &self,
        py: Python<'py>,
        ids: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let ids = convert::ids(ids)?;
        let bytes = py.detach(|| self.inner.decode_bytes(&ids)).map_err(error::decode)?;
        Ok(PyBytes::new(py, &bytes))
    }

    fn token_bytes<'py>(
        &self,
        py: Python<'py>,
        id: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let id = TokenId(convert::id(id, 0)?);
        Ok(PyBytes::new(py, self.inner.token_bytes(id).map_err(error::decode)?))
    }

    fn id_of(&self, token: &Bound<'_, PyAny>) -> PyResult<u32> {
        let bytes = convert::text(token)?;
        match self.inner.vocabulary().id_of(&bytes) {
            Some(id) => Ok(id.0),
            None => Err(error::decode(tokenseam_core::error::DecodeError::UnknownBytes {
                bytes: format!("b\"{}\"", bytes.escape_ascii()),
            })),
        }
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PyTokenizer>().is_ok_and(|other| other.get().inner.spec() == self.inner.spec())
    }

    fn __hash__(&self) -> u64 {
        hash_of(self.inner.spec())
    }
}

impl PyTokenizer {
    fn ids(
        &self,
        py: Python<'_>,
        text: &Bound<'_, PyAny>,
        options: &Options,
    ) -> PyResult<Vec<u32>> {
        let text = convert::text(text)?;
        py.detach(|| self.inner.encode(&text, &options.borrow())).map_err(error::encode)
    }
}

fn each_text<'a>(objects: &'a [Bound<'_, PyAny>]) -> PyResult<Vec<Cow<'a, [u8]>>> {
    objects.iter().map(convert::text).collect()
}

fn flat(ranges: &[(usize, usize)]) -> Vec<i64> {
    ranges.iter().flat_map(|&(start, end)| [start, end]).map(tokenseam_core::ids::offset).collect()
}
