//! A batch as an Arrow array: `Ragged.__arrow_c_array__`.
//!
//! The structures are those of the Arrow C data interface
//! (<https://arrow.apache.org/docs/format/CDataInterface.html>). They point
//! into the NumPy arrays of the batch, which they keep alive. This is done
//! here rather than in Python because a consumer may call a release callback
//! on any thread, without the GIL, and while an exception is on its way.

use std::ffi::{CStr, c_char, c_void};
use std::ptr::{null, null_mut};

use numpy::{PyArray1, PyArrayMethods, PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyCapsule;

/// `struct ArrowSchema`.
#[repr(C)]
struct Schema {
    format: *const c_char,
    name: *const c_char,
    metadata: *const c_char,
    flags: i64,
    n_children: i64,
    children: *mut *mut Schema,
    dictionary: *mut Schema,
    release: Option<unsafe extern "C" fn(*mut Schema)>,
    private_data: *mut c_void,
}

/// `struct ArrowArray`.
#[repr(C)]
struct Array {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut *const c_void,
    children: *mut *mut Array,
    dictionary: *mut Array,
    release: Option<unsafe extern "C" fn(*mut Array)>,
    private_data: *mut c_void,
}

// SAFETY: the pointers lead to memory that the structure owns through
// `private_data` and that nobody changes; the interface lets a consumer
// release on any thread, and what is dropped then (boxes and `Py`) may be
// dropped on any thread, with or without the GIL.
unsafe impl Send for Schema {}
// SAFETY: as above.
unsafe impl Send for Array {}

/// What an exported schema owns. The vectors are never touched again, so
/// pointers into them hold.
struct SchemaOwner {
    /// At most one. A structure that is dropped releases itself, unless a
    /// consumer has moved it out.
    _child: Vec<Schema>,
    _children: Vec<*mut Schema>,
}

/// What an exported array owns.
struct ArrayOwner {
    _memory: Py<PyUntypedArray>,
    _buffers: Vec<*const c_void>,
    _child: Vec<Array>,
    _children: Vec<*mut Array>,
}

const NULLABLE: i64 = 2;

impl Schema {
    fn new(format: &'static CStr, name: &'static CStr, child: Option<Schema>) -> Schema {
        let mut child = Vec::from_iter(child);
        let mut children: Vec<*mut Schema> = child.iter_mut().map(|item| &raw mut *item).collect();
        let pointer = children.as_mut_ptr();
        let n_children = tokenseam_core::ids::offset(children.len());
        let owner = Box::new(SchemaOwner { _child: child, _children: children });
        Schema {
            format: format.as_ptr(),
            name: name.as_ptr(),
            metadata: null(),
            flags: NULLABLE,
            n_children,
            children: pointer,
            dictionary: null_mut(),
            release: Some(release_schema),
            private_data: Box::into_raw(owner).cast(),
        }
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: a structure that has its callback has not been released
            // or moved out, and this is it.
            unsafe { release(self) }
        }
    }
}

/// # Safety
/// `schema` points to a structure that [`Schema::new`] made, or to a bitwise
/// copy that replaces it (a consumer's move), and that is not yet released.
unsafe extern "C" fn release_schema(schema: *mut Schema) {
    // SAFETY: by the contract above `private_data` is the box of `new`, and
    // the callback is taken away so that nobody frees it twice.
    unsafe {
        (*schema).release = None;
        drop(Box::from_raw((*schema).private_data.cast::<SchemaOwner>()));
    }
}

impl Array {
    fn new(
        length: usize,
        data: *const c_void,
        memory: Py<PyUntypedArray>,
        child: Option<Array>,
    ) -> Array {
        // No validity bitmap: nothing is null.
        let mut buffers = vec![null(), data];
        let mut child = Vec::from_iter(child);
        let mut children: Vec<*mut Array> = child.iter_mut().map(|item| &raw mut *item).collect();
        let pointers = (buffers.as_mut_ptr(), children.as_mut_ptr());
        let n_children = tokenseam_core::ids::offset(children.len());
        let owner = Box::new(ArrayOwner {
            _memory: memory,
            _buffers: buffers,
            _child: child,
            _children: children,
        });
        Array {
            length: tokenseam_core::ids::offset(length),
            null_count: 0,
            offset: 0,
            n_buffers: 2,
            n_children,
            buffers: pointers.0,
            children: pointers.1,
            dictionary: null_mut(),
            release: Some(release_array),
            private_data: Box::into_raw(owner).cast(),
        }
    }
}

impl Drop for Array {
    fn drop(&mut self) {
        if let Some(release) = self.release {
            // SAFETY: as for `Schema`.
            unsafe { release(self) }
        }
    }
}

/// # Safety
/// As for [`release_schema`], with [`Array::new`].
unsafe extern "C" fn release_array(array: *mut Array) {
    // SAFETY: as for `release_schema`.
    let owner = unsafe {
        (*array).release = None;
        Box::from_raw((*array).private_data.cast::<ArrayOwner>())
    };
    // Attached, the memory is given back at once; when the interpreter is
    // going away, it goes with it.
    let mut owner = Some(owner);
    if Python::try_attach(|_| drop(owner.take())).is_none() {
        std::mem::forget(owner);
    }
}

/// The Arrow name of an array's type, and where its numbers are.
fn numbers(values: &Bound<'_, PyUntypedArray>) -> PyResult<(&'static CStr, *const c_void)> {
    macro_rules! of {
        ($($type:ty => $format:literal),*) => {$(
            if let Ok(array) = values.cast::<PyArray1<$type>>() {
                return Ok(($format, array.data().cast_const().cast()));
            }
        )*};
    }
    of!(u32 => c"I", i64 => c"l", u16 => c"S", i32 => c"i", u8 => c"C", u64 => c"L", i16 => c"s", i8 => c"c");
    Err(PyTypeError::new_err(format!(
        "values must be an integer array of one dimension in the machine's byte order, not {}",
        values.dtype()
    )))
}

/// The lists `values[offsets[i]..offsets[i + 1]]` as an Arrow LargeList array:
/// the capsules of its schema and of the array. `values` and `offsets` are
/// contiguous arrays of one dimension.
#[pyfunction]
pub(crate) fn export_lists<'py>(
    py: Python<'py>,
    values: &Bound<'py, PyUntypedArray>,
    offsets: &Bound<'py, PyArray1<i64>>,
) -> PyResult<(Bound<'py, PyCapsule>, Bound<'py, PyCapsule>)> {
    let (format, data) = numbers(values)?;
    if !values.is_c_contiguous() || !offsets.is_c_contiguous() {
        return Err(PyValueError::new_err("values and offsets must be contiguous arrays"));
    }
    check(offsets, values.len())?;
    let lists = offsets.len().saturating_sub(1);
    let bounds: *const c_void = offsets.data().cast_const().cast();
    let item = Array::new(values.len(), data, values.clone().unbind(), None);
    let array = Array::new(lists, bounds, offsets.as_untyped().clone().unbind(), Some(item));
    let schema = Schema::new(c"+L", c"", Some(Schema::new(format, c"item", None)));
    let schema = PyCapsule::new_with_value(py, schema, c"arrow_schema")?;
    let array = PyCapsule::new_with_value(py, array, c"arrow_array")?;
    Ok((schema, array))
}

/// Whether the offsets ascend within the values: a consumer trusts them.
fn check(offsets: &Bound<'_, PyArray1<i64>>, values: usize) -> PyResult<()> {
    let offsets = offsets.try_readonly()?;
    let offsets = offsets.as_slice()?;
    let ascend = offsets.array_windows::<2>().all(|&[start, end]| start <= end);
    let first = offsets.first().is_some_and(|&first| first >= 0);
    let last = offsets.last().is_some_and(|&last| last <= tokenseam_core::ids::offset(values));
    if ascend && first && last {
        return Ok(());
    }
    Err(PyValueError::new_err("offsets must ascend within 0 and the number of values"))
}
