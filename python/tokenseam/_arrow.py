"""Reads Arrow arrays through the PyCapsule interface, without pyarrow.

The structures are those of the Arrow C data interface and C stream interface
(https://arrow.apache.org/docs/format/CDataInterface.html). An array that came
as a capsule is released by the capsule; one that came out of a stream is
released by us. Either way every NumPy view of the memory holds an
:class:`_Owner`, and so the memory lives as long as any view.

Only reading is done here: a release callback in Python could be called while
an exception is on its way, which Python code does not survive. The compiled
engine exports.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["integer_lists", "is_arrow", "texts"]

Bytes = npt.NDArray[np.uint8]
Offsets = npt.NDArray[np.int64]


class _Schema(ctypes.Structure):
    pass


class _Array(ctypes.Structure):
    pass


class _Stream(ctypes.Structure):
    pass


_ReleaseSchema = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Schema))
_ReleaseArray = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Array))
_ReleaseStream = ctypes.CFUNCTYPE(None, ctypes.POINTER(_Stream))

_Schema._fields_ = [
    ("format", ctypes.c_char_p),
    ("name", ctypes.c_char_p),
    ("metadata", ctypes.c_void_p),
    ("flags", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("children", ctypes.POINTER(ctypes.POINTER(_Schema))),
    ("dictionary", ctypes.POINTER(_Schema)),
    ("release", _ReleaseSchema),
    ("private_data", ctypes.c_void_p),
]
_Array._fields_ = [
    ("length", ctypes.c_int64),
    ("null_count", ctypes.c_int64),
    ("offset", ctypes.c_int64),
    ("n_buffers", ctypes.c_int64),
    ("n_children", ctypes.c_int64),
    ("buffers", ctypes.POINTER(ctypes.c_void_p)),
    ("children", ctypes.POINTER(ctypes.POINTER(_Array))),
    ("dictionary", ctypes.POINTER(_Array)),
    ("release", _ReleaseArray),
    ("private_data", ctypes.c_void_p),
]
_Stream._fields_ = [
    (
        "get_schema",
        ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Schema)),
    ),
    ("get_next", ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(_Stream), ctypes.POINTER(_Array))),
    ("get_last_error", ctypes.CFUNCTYPE(ctypes.c_char_p, ctypes.POINTER(_Stream))),
    ("release", _ReleaseStream),
    ("private_data", ctypes.c_void_p),
]

# A function object of our own: the attributes of ctypes.pythonapi are shared,
# and other libraries set other argument types on them.
_capsule_pointer = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.py_object, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", ctypes.pythonapi)
)


class _Owner:
    """Keeps an Arrow array's memory alive for the views that hold this."""

    def __init__(self, array: _Array, capsule: object = None) -> None:
        self.array = array
        self.capsule = capsule

    def view(self, address: int | None, count: int, kind: str) -> npt.NDArray[Any]:
        """`count` numbers of a NumPy type at an address, read-only."""
        if count < 0:
            raise ValueError("the Arrow array has a negative length")
        if not count or not address:
            if count:
                raise ValueError("the Arrow array has no buffer where it needs one")
            return np.empty(0, kind)
        return np.asarray(_Memory(self, address, count, kind))

    def __del__(self) -> None:
        # A capsule releases what it holds by itself.
        if self.capsule is None and self.array.release:
            self.array.release(ctypes.byref(self.array))


class _Memory:
    """What NumPy makes a view of; the view's base is this object."""

    def __init__(self, owner: _Owner, address: int, count: int, kind: str) -> None:
        self.owner = owner
        self.__array_interface__ = {
            "version": 3,
            "data": (address, True),
            "shape": (count,),
            "typestr": np.dtype(kind).str,
        }


def is_arrow(data: object) -> bool:
    """Whether an object offers its data through the PyCapsule interface."""
    return hasattr(data, "__arrow_c_array__") or hasattr(data, "__arrow_c_stream__")


def texts(data: Any) -> Iterator[tuple[Bytes, Offsets]]:
    """The texts of an Arrow array of strings or binaries, chunk by chunk.

    Args:
        data: offers ``__arrow_c_array__`` or ``__arrow_c_stream__``; of type
            string, large_string, string_view, or their binary counterparts.

    Yields:
        for each chunk all bytes, shape ``(m,)`` uint8, and the offsets, shape
        ``(n + 1,)`` int64: text ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
        The bytes are a read-only view without a copy, except that of
        string_view arrays, which have no common buffer. Offsets need not start
        at 0.

    Raises:
        TypeError: of another type.
        ValueError: a text is null; the message names the row.
    """
    row = 0
    for schema, array, owner in _chunks(_decoded(data)):
        form = _form(schema)
        _refuse_nulls(array, owner, row)
        if form in ("u", "z"):
            yield _sliced(array, owner, "<i4")
        elif form in ("U", "Z"):
            yield _sliced(array, owner, "<i8")
        elif form in ("vu", "vz"):
            yield _gathered(array, owner)
        else:
            raise TypeError(
                f"expected an Arrow array of strings or binaries, not of {_type_name(form)}"
                + ("; choose one column" if form == "+s" else "")
            )
        row += array.length


def integer_lists(data: Any) -> Iterator[tuple[npt.NDArray[np.integer[Any]], Offsets]]:
    """The values and offsets of an Arrow array of lists of integers, chunk by
    chunk; see :func:`texts`. A chunk without lists is yielded as well; for
    a stream without chunks an empty one is."""
    found = False
    row = 0
    kind = "<u4"
    for schema, array, owner in _chunks(data):
        form = _form(schema)
        item = _form(schema.children[0].contents) if schema.n_children == 1 else "?"
        known = {"C": "|u1", "c": "|i1", "S": "<u2", "s": "<i2"}
        known |= {"I": "<u4", "i": "<i4", "L": "<u8", "l": "<i8"}
        if form not in ("+l", "+L") or item not in known:
            raise TypeError(
                "expected an Arrow array of lists of integers, not of "
                + _type_name(form)
                + (f" of {_type_name(item)}" if form in ("+l", "+L") else "")
            )
        kind = known[item]
        _refuse_nulls(array, owner, row)
        offsets = _offsets(array, owner, "<i4" if form == "+l" else "<i8")
        child = array.children[0].contents
        base, end = int(offsets[0]), int(offsets[-1])
        if base < 0 or end > child.length:
            raise ValueError("the Arrow array's offsets exceed its values")
        null = _first_null(child, owner, base, end - base)
        if null is not None:
            within = int(np.searchsorted(offsets, base + null, side="right")) - 1
            raise ValueError(f"row {row + within} holds a null; fill or drop nulls first")
        address = child.buffers[1] if child.n_buffers > 1 else None
        values = owner.view(address, child.offset + child.length, kind)[child.offset :]
        found = True
        yield values, offsets
        row += array.length
    if not found:
        yield np.empty(0, kind), np.zeros(1, np.int64)


def _decoded(data: Any) -> Any:
    """`data`, with dictionary-encoded texts written out by pyarrow."""
    if not _is_dictionary(data):
        return data
    try:
        import pyarrow as pa
    except ImportError:
        raise TypeError(
            "dictionary-encoded Arrow arrays need pyarrow to be decoded: pip install pyarrow, "
            "or decode the array first"
        ) from None
    if hasattr(data, "__arrow_c_array__"):
        encoded: Any = pa.array(data)
        return encoded.dictionary_decode()
    chunked: Any = pa.chunked_array(data)
    chunks = [chunk.dictionary_decode() for chunk in chunked.chunks]
    return pa.chunked_array(chunks, chunked.type.value_type)


def _is_dictionary(data: object) -> bool:
    """Whether an Arrow object that tells its type apart from its data is
    dictionary-encoded."""
    # A chunked array has none of its own; pyarrow's keeps its type at hand.
    source = data if hasattr(data, "__arrow_c_schema__") else getattr(data, "type", None)
    if not hasattr(source, "__arrow_c_schema__"):
        return False
    capsule = source.__arrow_c_schema__()
    schema = _Schema.from_address(_capsule_pointer(capsule, b"arrow_schema"))
    return bool(schema.dictionary)


def _chunks(data: Any) -> Iterator[tuple[_Schema, _Array, _Owner]]:
    """Every array of an Arrow object, with its type and its owner."""
    if hasattr(data, "__arrow_c_array__"):
        schema_capsule, array_capsule = data.__arrow_c_array__()
        schema = _Schema.from_address(_capsule_pointer(schema_capsule, b"arrow_schema"))
        array = _Array.from_address(_capsule_pointer(array_capsule, b"arrow_array"))
        if not schema.release or not array.release:
            raise ValueError("the Arrow array has been consumed already")
        yield schema, array, _Owner(array, (schema_capsule, array_capsule))
        return
    if not hasattr(data, "__arrow_c_stream__"):
        raise TypeError(
            f"expected an Arrow array, which has __arrow_c_array__ or __arrow_c_stream__, "
            f"not {type(data).__name__}"
        )
    capsule = data.__arrow_c_stream__()
    stream = _Stream.from_address(_capsule_pointer(capsule, b"arrow_array_stream"))
    if not stream.release:
        raise ValueError("the Arrow stream has been consumed already")
    schema = _Schema()
    _check(stream, stream.get_schema(ctypes.byref(stream), ctypes.byref(schema)))
    try:
        while True:
            array = _Array()
            _check(stream, stream.get_next(ctypes.byref(stream), ctypes.byref(array)))
            if not array.release:
                break
            yield schema, array, _Owner(array)
    finally:
        if schema.release:
            schema.release(ctypes.byref(schema))
        del capsule  # which releases the stream


def _check(stream: _Stream, code: int) -> None:
    if code:
        message = stream.get_last_error(ctypes.byref(stream))
        reason = message.decode(errors="replace") if message else f"error {code}"
        raise ValueError(f"the Arrow stream failed: {reason}")


def _form(schema: _Schema) -> str:
    return (schema.format or b"").decode(errors="replace") if not schema.dictionary else "dict"


def _type_name(form: str) -> str:
    names = {
        "n": "null", "b": "bool", "c": "int8", "C": "uint8", "s": "int16", "S": "uint16",
        "i": "int32", "I": "uint32", "l": "int64", "L": "uint64", "e": "halffloat",
        "f": "float", "g": "double", "u": "string", "U": "large_string", "vu": "string_view",
        "z": "binary", "Z": "large_binary", "vz": "binary_view", "+l": "list",
        "+L": "large_list", "+s": "struct", "dict": "dictionary",
    }  # fmt: skip
    return names.get(form, f"the type {form!r}")


def _first_null(array: _Array, owner: _Owner, start: int, count: int) -> int | None:
    """The first null among `count` items from `start`, counted from there."""
    if array.null_count == 0 or not count or array.n_buffers < 1 or not array.buffers[0]:
        return None
    first = array.offset + start
    bits = owner.view(array.buffers[0], (first + count + 7) // 8, "|u1")[first // 8 :]
    valid = np.unpackbits(bits, bitorder="little")[first % 8 :][:count]
    at = int(valid.argmin())
    return None if valid[at] else at


def _refuse_nulls(array: _Array, owner: _Owner, row: int) -> None:
    null = _first_null(array, owner, 0, array.length)
    if null is not None:
        raise ValueError(
            f"row {row + null} is null; fill or drop nulls first (pyarrow: fill_null, drop_null)"
        )


def _offsets(array: _Array, owner: _Owner, kind: str) -> Offsets:
    if not array.length:  # the buffer may be absent then
        return np.zeros(1, np.int64)
    stored = owner.view(array.buffers[1], array.offset + array.length + 1, kind)
    return stored[array.offset :].astype(np.int64, copy=False)


def _sliced(array: _Array, owner: _Owner, kind: str) -> tuple[Bytes, Offsets]:
    """String and large_string: one buffer, which the offsets cut."""
    offsets = _offsets(array, owner, kind)
    return owner.view(array.buffers[2], int(offsets[-1]), "|u1"), offsets


def _gathered(array: _Array, owner: _Owner) -> tuple[Bytes, Offsets]:
    """String views: 16 bytes each, the length and either up to 12 bytes of
    text or a prefix, a buffer's number and an offset into it."""
    count = array.length
    raw = owner.view(array.buffers[1], 16 * (array.offset + count), "|u1")[16 * array.offset :]
    views = raw.reshape(count, 16).view("<i4")
    n_data = array.n_buffers - 3
    sizes = owner.view(array.buffers[array.n_buffers - 1], n_data, "<i8").tolist()
    buffers = [
        owner.view(array.buffers[2 + number], size, "|u1").data for number, size in enumerate(sizes)
    ]
    inline = raw.data
    parts: list[memoryview] = []
    for index, (length, _, number, offset) in enumerate(views.tolist()):
        if length <= 12:
            parts.append(inline[16 * index + 4 : 16 * index + 4 + length])
        else:
            parts.append(buffers[number][offset : offset + length])
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(views[:, 0], out=offsets[1:])
    data = np.frombuffer(b"".join(parts), np.uint8)
    if len(data) != offsets[-1]:
        raise ValueError("the Arrow array's string views exceed its buffers")
    return data, offsets
