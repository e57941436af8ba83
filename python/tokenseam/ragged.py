"""A batch of sequences of different lengths, in two arrays."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Literal, SupportsIndex, final, overload

import numpy as np
import numpy.typing as npt

__all__ = ["Ragged"]

Integers = np.dtype[np.integer[Any]]
IntegerArray = npt.NDArray[np.integer[Any]]


@final
class Ragged:
    """Sequences of integers of different lengths, stored back to back.

    Sequence ``i`` is ``values[offsets[i]:offsets[i + 1]]``. Indexing and
    slicing give views of ``values``: nothing is copied, so a slice's offsets
    need not start at 0.

    Args:
        values: integers, shape ``(m,)``, of any integer dtype; token ids are
            uint32.
        offsets: shape ``(n + 1,)``, ascending, within ``0..m``; converted to
            int64.

    Raises:
        ValueError: the arrays do not describe a batch.
        TypeError: ``values`` or ``offsets`` are not integers.

    >>> batch = Ragged.from_lists([[5, 6], [], [7]])
    >>> len(batch), batch[0].tolist(), batch[1:].tolist()
    (3, [5, 6], [[], [7]])
    """

    __slots__ = ("_offsets", "_values")

    _values: IntegerArray
    _offsets: npt.NDArray[np.int64]

    def __init__(self, values: npt.ArrayLike, offsets: npt.ArrayLike) -> None:
        values = _integers(values, "values")
        offsets = _integers(offsets, "offsets").astype(np.int64, copy=False)
        if not len(offsets):
            raise ValueError("offsets is empty; it has one entry more than there are sequences")
        if offsets[0] < 0 or offsets[-1] > len(values) or bool((np.diff(offsets) < 0).any()):
            raise ValueError(
                f"offsets must ascend within 0 and the number of values, {len(values)}; "
                f"they go from {offsets[0]} to {offsets[-1]}"
                + ("" if offsets[0] < 0 or offsets[-1] > len(values) else " but not upwards")
            )
        self._values = values
        self._offsets = offsets

    @classmethod
    def _of(cls, values: IntegerArray, offsets: npt.NDArray[np.int64]) -> Ragged:
        """From arrays that are known to describe a batch."""
        batch = object.__new__(cls)
        batch._values = values
        batch._offsets = offsets
        return batch

    @classmethod
    def from_lists(
        cls, lists: Iterable[Sequence[int] | IntegerArray], dtype: npt.DTypeLike = np.uint32
    ) -> Ragged:
        """A batch from an iterable of sequences of ints.

        Args:
            lists: the sequences; each may be a list, a tuple or an array.
            dtype: the integer dtype of the values.

        Raises:
            ValueError: a number does not fit ``dtype``; nothing is wrapped.
            TypeError: an element is not an integer.
        """
        kind: np.dtype[Any] = np.dtype(dtype)
        if kind.kind not in "iu":
            raise TypeError(f"dtype must be an integer type, not {kind}")
        rows = [_row(row, index, kind) for index, row in enumerate(lists)]
        offsets = np.zeros(len(rows) + 1, np.int64)
        np.cumsum([len(row) for row in rows], out=offsets[1:])
        return cls._of(np.concatenate([np.empty(0, kind), *rows], dtype=kind), offsets)

    @classmethod
    def from_arrow(cls, array: object) -> Ragged:
        """A batch from an Arrow array of lists of integers.

        Takes what offers ``__arrow_c_array__`` or ``__arrow_c_stream__`` with
        the type List or LargeList (a pyarrow, polars or arro3 array, a chunked
        array). A single chunk's values are not copied.

        Raises:
            TypeError: not an Arrow array of lists of integers.
            ValueError: a list or a number is null; the message names the row.
        """
        from tokenseam._arrow import integer_lists

        batches = [cls(values, offsets) for values, offsets in integer_lists(array)]
        return batches[0] if len(batches) == 1 else cls.concatenate(batches)

    @classmethod
    def concatenate(cls, batches: Iterable[Ragged]) -> Ragged:
        """All sequences of the batches, in order, in new arrays."""
        parts = list(batches)
        values = [part._flat() for part in parts]
        ends = [part.lengths for part in parts]
        offsets = np.zeros(sum(map(len, ends)) + 1, np.int64)
        if parts:
            np.cumsum(np.concatenate(ends), out=offsets[1:])
        return cls._of(np.concatenate(values) if parts else np.empty(0, np.uint32), offsets)

    @property
    def values(self) -> IntegerArray:
        """All values back to back, shape ``(m,)``. Of a slice: those of the
        batch that it was taken from."""
        return self._values

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """Where each sequence starts in :attr:`values`, and the end of the
        last; shape ``(len(self) + 1,)``, int64."""
        return self._offsets

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """The length of each sequence, shape ``(len(self),)``, int64."""
        return np.diff(self._offsets)

    @property
    def dtype(self) -> Integers:
        """The dtype of the values."""
        return self._values.dtype

    @property
    def size(self) -> int:
        """How many values the sequences have together."""
        return int(self._offsets[-1] - self._offsets[0])

    def __len__(self) -> int:
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: SupportsIndex) -> IntegerArray: ...
    @overload
    def __getitem__(self, index: slice) -> Ragged: ...
    def __getitem__(self, index: SupportsIndex | slice) -> IntegerArray | Ragged:
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step != 1:
                return self.take(np.arange(start, stop, step))
            return Ragged._of(self._values, self._offsets[start : max(start, stop) + 1])
        at = operator.index(index)
        if at < 0:
            at += len(self)
        if not 0 <= at < len(self):
            raise IndexError(f"index {index} is out of range for {len(self)} sequences")
        return self._values[self._offsets[at] : self._offsets[at + 1]]

    def __iter__(self) -> Iterator[IntegerArray]:
        values = self._values
        bounds = self._offsets.tolist()
        for start, end in pairwise(bounds):
            yield values[start:end]

    def __eq__(self, other: object) -> bool:
        """Whether both hold the same sequences, whatever their dtypes. A list
        of lists of ints is compared as well."""
        if isinstance(other, list | tuple):
            try:
                other = Ragged.from_lists(other, np.int64)
            except (TypeError, ValueError):
                return False
        if not isinstance(other, Ragged):
            return NotImplemented
        return np.array_equal(self.lengths, other.lengths) and np.array_equal(
            self._flat(), other._flat()
        )

    __hash__ = None  # type: ignore[assignment]  # the values may change

    def __repr__(self) -> str:
        shown = [_shortened(row) for row in self[:3]]
        more = ", ..." if len(self) > 3 else ""
        noun = "sequence" if len(self) == 1 else "sequences"
        return (
            f"<Ragged: {len(self)} {noun}, {self.size} values, {self.dtype}: "
            f"[{', '.join(shown)}{more}]>"
        )

    def tolist(self) -> list[list[int]]:
        """The sequences as lists of Python ints."""
        base = int(self._offsets[0])
        values = self._flat().tolist()
        bounds = (self._offsets - base).tolist()
        return [values[start:end] for start, end in pairwise(bounds)]

    def take(self, indices: npt.ArrayLike) -> Ragged:
        """The sequences at the indices, in their order, in new arrays.

        Args:
            indices: integers, shape ``(k,)``; negative ones count from the end.

        Raises:
            IndexError: an index is out of range.
        """
        at = _integers(indices, "indices").astype(np.int64, copy=False)
        wrong = (at < -len(self)) | (at >= len(self))
        if wrong.any():
            raise IndexError(
                f"index {at[wrong.argmax()]} is out of range for {len(self)} sequences"
            )
        at = np.where(at < 0, at + len(self), at)
        lengths = self.lengths[at]
        offsets = np.zeros(len(at) + 1, np.int64)
        np.cumsum(lengths, out=offsets[1:])
        source = np.repeat(self._offsets[at] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return Ragged._of(self._values[source], offsets)

    def compact(self) -> Ragged:
        """The same sequences with offsets that start at 0 and no values
        besides theirs; copies only if there are."""
        if self._offsets[0] == 0 and self._offsets[-1] == len(self._values):
            return self
        return Ragged._of(self._flat().copy(), self._offsets - self._offsets[0])

    def padded(
        self, pad: int, *, length: int | None = None, side: Literal["left", "right"] = "right"
    ) -> IntegerArray:
        """The sequences as the rows of one array, filled up with ``pad``.

        Args:
            pad: the value to fill up with.
            length: the number of columns; the longest sequence's by default.
            side: where the filling goes.

        Returns:
            shape ``(len(self), length)``, of the values' dtype.

        Raises:
            ValueError: a sequence is longer than ``length`` (nothing is cut),
                or ``pad`` does not fit the dtype.
        """
        if side not in ("left", "right"):
            raise ValueError(f'side must be "left" or "right", not {side!r}')
        lengths = self.lengths
        longest = int(lengths.max(initial=0))
        if length is None:
            length = longest
        elif longest > length:
            raise ValueError(
                f"sequence {int(lengths.argmax())} has {longest} values, more than "
                f"length={length}; cut the sequences first"
            )
        limits = np.iinfo(self.dtype)
        if not limits.min <= pad <= limits.max:
            raise ValueError(f"pad={pad} does not fit {self.dtype}")
        rows = np.full((len(self), length), pad, self.dtype)
        column = np.arange(length)
        if side == "right":
            rows[column < lengths[:, None]] = self._flat()
        else:
            rows[column >= length - lengths[:, None]] = self._flat()
        return rows

    def __reduce__(self) -> tuple[Any, ...]:
        # Bytes in one order, so that equal batches have equal pickles.
        values, offsets = self._flat(), self._offsets - self._offsets[0]
        kind = self.dtype.newbyteorder("<")
        return _restored, (
            kind.str,
            values.astype(kind, copy=False).tobytes(),
            offsets.astype("<i8", copy=False).tobytes(),
        )

    def __copy__(self) -> Ragged:
        return self

    def __arrow_c_schema__(self) -> object:
        """The Arrow type LargeList of the values' type, as a PyCapsule."""
        return self.__arrow_c_array__()[0]

    def __arrow_c_array__(self, requested_schema: object = None) -> tuple[object, object]:
        """The batch as an Arrow LargeList array, by two PyCapsules and without
        a copy: ``pyarrow.array(batch)`` and its like take it.

        The Arrow array keeps the memory alive; its consumers must not see the
        values change, so leave them alone while it lives.
        """
        from tokenseam._core import export_lists

        return export_lists(self._values, self._offsets)

    def _flat(self) -> IntegerArray:
        """The values of these sequences, as a view."""
        return self._values[self._offsets[0] : self._offsets[-1]]


def _restored(kind: str, values: bytes, offsets: bytes) -> Ragged:
    """A batch from its pickle."""
    native = np.dtype(kind).newbyteorder("=")
    return Ragged(
        np.frombuffer(bytearray(values), kind).astype(native, copy=False),
        np.frombuffer(bytearray(offsets), "<i8").astype(np.int64, copy=False),
    )


def _integers(array: npt.ArrayLike, what: str) -> IntegerArray:
    """An integer array of one dimension in one run of memory."""
    given = np.asarray(array)
    if not given.size and given.dtype.kind == "f":  # np.asarray([])
        given = given.astype(np.int64)
    if given.dtype.kind not in "iu":
        raise TypeError(f"{what} must be integers, not {given.dtype}")
    if given.ndim != 1:
        raise ValueError(f"{what} must have one dimension, not {given.ndim}")
    if not given.dtype.isnative:
        given = given.astype(given.dtype.newbyteorder("="))
    return np.ascontiguousarray(given)


def _row(row: Sequence[int] | IntegerArray, index: int, kind: Integers) -> IntegerArray:
    """One sequence of :meth:`Ragged.from_lists`, each number checked."""
    try:
        given = np.asarray(row)
    except (ValueError, OverflowError) as error:
        raise TypeError(f"sequence {index} is not a sequence of ints: {error}") from error
    if given.ndim != 1:
        raise TypeError(f"sequence {index} is not a sequence of ints: {row!r:.100}")
    if not given.size:
        return np.empty(0, kind)
    if given.dtype.kind not in "iu":
        # Also what NumPy makes of ints that are too large: float64 or object.
        for position, value in enumerate(row):
            if isinstance(value, bool) or not hasattr(value, "__index__"):
                raise TypeError(
                    f"sequence {index}, position {position}: expected an int, "
                    f"not {type(value).__name__}"
                )
        given = np.asarray([operator.index(value) for value in row], object)
    limits = np.iinfo(kind)
    wrong = (given < limits.min) | (given > limits.max)
    if wrong.any():
        position = int(wrong.argmax())
        raise ValueError(
            f"sequence {index}, position {position}: {given[position]} does not fit {kind}, "
            f"which holds {limits.min} to {limits.max}"
        )
    return given.astype(kind, copy=False)


def _shortened(row: IntegerArray) -> str:
    return str(row.tolist()) if len(row) <= 6 else f"[{', '.join(map(str, row[:5]))}, ...]"
