//! Python objects to what the core takes.

use std::borrow::Cow;

use numpy::{PyArray1, PyArrayMethods, PyReadonlyArray1};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyTypeError, PyUnicodeEncodeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyString, PyTuple};

use crate::error::raise;

/// The UTF-8 of a `str`, or the bytes of a bytes-like object. Borrowed from
/// `str` and `bytes`, which cannot change; copied from anything else.
pub(crate) fn text<'a>(object: &'a Bound<'_, PyAny>) -> PyResult<Cow<'a, [u8]>> {
    if let Ok(string) = object.cast::<PyString>() {
        return match string.to_str() {
            Ok(text) => Ok(Cow::Borrowed(text.as_bytes())),
            Err(error) => Err(surrogate(object.py(), &error)),
        };
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Cow::Borrowed(bytes.as_bytes()));
    }
    match PyBuffer::<u8>::get(object) {
        Ok(buffer) => Ok(Cow::Owned(buffer.to_vec(object.py())?)),
        Err(_) => Err(PyTypeError::new_err(format!(
            "expected str or a bytes-like object, not {}",
            object.get_type().name()?
        ))),
    }
}

/// The error for a `str` that is not Unicode text.
fn surrogate(py: Python<'_>, error: &PyErr) -> PyErr {
    if !error.is_instance_of::<PyUnicodeEncodeError>(py) {
        return error.clone_ref(py);
    }
    let place = error.value(py).getattr("start").and_then(|start| start.extract::<usize>());
    let place = place.map_or_else(|_| String::new(), |start| format!(" at character {start}"));
    raise(
        "SurrogateError",
        format!(
            "the text has a lone surrogate{place}, which is no character and has no UTF-8; \
             replace it first, e.g. with text.encode('utf-16', 'surrogatepass')\
             .decode('utf-16', 'replace')"
        ),
    )
}

/// All items of an iterable of texts; the objects keep the bytes alive.
pub(crate) fn texts<'py>(object: &Bound<'py, PyAny>) -> PyResult<Vec<Bound<'py, PyAny>>> {
    if object.is_instance_of::<PyString>() || object.is_instance_of::<PyBytes>() {
        return Err(PyTypeError::new_err(
            "expected an iterable of texts, not a single text; use encode for one",
        ));
    }
    object.try_iter()?.collect()
}

/// Token ids from a sequence of ints or an integer array of one dimension.
pub(crate) fn ids(object: &Bound<'_, PyAny>) -> PyResult<Vec<u32>> {
    if let Ok(array) = object.cast::<PyArray1<u32>>() {
        return Ok(whole(&array.readonly()));
    }
    if let Ok(list) = object.cast::<PyList>() {
        return list.iter().enumerate().map(|(at, item)| id(&item, at)).collect();
    }
    if let Ok(tuple) = object.cast::<PyTuple>() {
        return tuple.iter().enumerate().map(|(at, item)| id(&item, at)).collect();
    }
    if let Some(ids) = integers(object)? {
        return Ok(ids);
    }
    let items = object.try_iter().map_err(|_| not_ids(object))?;
    items.enumerate().map(|(at, item)| id(&item?, at)).collect()
}

fn whole(array: &PyReadonlyArray1<'_, u32>) -> Vec<u32> {
    match array.as_slice() {
        Ok(slice) => slice.to_vec(),
        Err(_) => array.as_array().iter().copied().collect(),
    }
}

/// The ids of an array of any other integer type.
fn integers(object: &Bound<'_, PyAny>) -> PyResult<Option<Vec<u32>>> {
    macro_rules! from {
        ($($type:ty),*) => {$(
            if let Ok(array) = object.cast::<PyArray1<$type>>() {
                let array = array.readonly();
                let array = array.as_array();
                let ids = array.iter().enumerate().map(|(at, value)| {
                    u32::try_from(*value).map_err(|_| out_of_range(&value.to_string(), at))
                });
                return ids.collect::<PyResult<_>>().map(Some);
            }
        )*};
    }
    from!(i64, i32, u16, u64, u8, i16, i8);
    Ok(None)
}

/// One token id.
pub(crate) fn id(item: &Bound<'_, PyAny>, position: usize) -> PyResult<u32> {
    if let Ok(id) = item.extract::<u32>() {
        return Ok(id);
    }
    match item.call_method0("__index__") {
        Ok(value) => value.extract::<u32>().map_err(|_| {
            out_of_range(&value.str().map_or_else(|_| "?".into(), |s| s.to_string()), position)
        }),
        Err(_) => Err(PyTypeError::new_err(format!(
            "expected an int as token id at position {position}, not {}",
            item.get_type().name()?
        ))),
    }
}

fn out_of_range(value: &str, position: usize) -> PyErr {
    raise(
        "UnknownTokenError",
        format!("id {value} at position {position} is not a token: ids are from 0 to 2^32 - 1"),
    )
}

fn not_ids(object: &Bound<'_, PyAny>) -> PyErr {
    let name = object.get_type().name().map_or_else(|_| "?".into(), |name| name.to_string());
    PyTypeError::new_err(format!(
        "expected token ids (a sequence of ints or an integer array of one dimension), not {name}"
    ))
}

/// The `num_threads` argument; `None` means one for each processor.
pub(crate) fn threads(num_threads: Option<usize>) -> PyResult<usize> {
    match num_threads {
        None => Ok(tokenseam_core::batch::default_threads()),
        Some(0) => Err(pyo3::exceptions::PyValueError::new_err(
            "num_threads must be at least 1, or None for one thread a processor",
        )),
        Some(threads) => Ok(threads),
    }
}

/// The texts of an Arrow-style pair of buffers, checked.
pub(crate) fn slices<'a>(data: &'a [u8], offsets: &[i64]) -> PyResult<Vec<&'a [u8]>> {
    let bad = |index: usize| {
        pyo3::exceptions::PyValueError::new_err(format!(
            "offsets {index} and {} do not bound a part of the {} data bytes; offsets must \
             ascend from 0 or more up to the data's length",
            index + 1,
            data.len()
        ))
    };
    if offsets.is_empty() {
        return Err(pyo3::exceptions::PyValueError::new_err(
            "offsets is empty; it must have one entry more than there are texts",
        ));
    }
    offsets
        .array_windows::<2>()
        .enumerate()
        .map(|(index, &[start, end])| {
            let start = usize::try_from(start).map_err(|_| bad(index))?;
            let end = usize::try_from(end).map_err(|_| bad(index))?;
            data.get(start..end).ok_or_else(|| bad(index))
        })
        .collect()
}
