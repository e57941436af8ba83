//! `tokenseam.StreamDecoder`.

use std::sync::{Mutex, PoisonError};

use pyo3::prelude::*;
use pyo3::types::PyInt;
use tokenseam_core::decode::StreamDecoder;

use crate::tokenizer::PyTokenizer;
use crate::{convert, error};

/// Decodes ids as they come and never returns half a character.
#[pyclass(name = "StreamDecoder", module = "tokenseam._core", frozen)]
pub(crate) struct PyStreamDecoder {
    tokenizer: Py<PyTokenizer>,
    state: Mutex<StreamDecoder>,
}

#[pymethods]
impl PyStreamDecoder {
    #[new]
    fn new(tokenizer: Py<PyTokenizer>) -> PyStreamDecoder {
        PyStreamDecoder { tokenizer, state: Mutex::default() }
    }

    fn push(&self, py: Python<'_>, ids: &Bound<'_, PyAny>) -> PyResult<String> {
        let ids = if ids.is_instance_of::<PyInt>() {
            vec![convert::id(ids, 0)?]
        } else {
            convert::ids(ids)?
        };
        let decoder = self.tokenizer.get().inner.decoder();
        py.detach(|| self.lock().push(decoder, &ids)).map_err(error::decode)
    }

    fn finish(&self) -> String {
        self.lock().finish(self.tokenizer.get().inner.decoder())
    }
}

impl PyStreamDecoder {
    fn lock(&self) -> std::sync::MutexGuard<'_, StreamDecoder> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
