"""tokenseam.Ragged against plain lists of lists."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenseam import Ragged

ids = st.integers(0, 2**32 - 1)
lists = st.lists(st.lists(ids, max_size=6), max_size=6)


@given(lists)
def test_is_the_lists_it_was_made_of(rows):
    batch = Ragged.from_lists(rows)
    assert len(batch) == len(rows)
    assert batch.tolist() == rows
    assert [row.tolist() for row in batch] == rows
    assert batch.values.dtype == np.uint32
    assert batch.offsets.dtype == np.int64
    assert batch.offsets.tolist() == np.cumsum([0, *map(len, rows)]).tolist()
    assert batch.lengths.tolist() == [len(row) for row in rows]
    assert batch.size == sum(map(len, rows))
    assert batch == rows
    assert batch == Ragged.from_lists(rows, np.int64)


@given(lists, st.slices(6))
def test_slices_like_a_list(rows, cut):
    batch = Ragged.from_lists(rows)
    part = batch[cut]
    assert part.tolist() == rows[cut]
    assert part[cut].tolist() == rows[cut][cut]
    assert part.compact().tolist() == rows[cut]
    assert part.compact().offsets[0] == 0
    if cut.step in (None, 1):
        assert part.values is batch.values


@given(lists, st.integers(-8, 8))
def test_indexes_like_a_list(rows, index):
    batch = Ragged.from_lists(rows)
    try:
        expected = rows[index]
    except IndexError:
        with pytest.raises(IndexError, match="out of range"):
            batch[index]
        return
    row = batch[index]
    assert row.tolist() == expected
    assert not expected or np.shares_memory(row, batch.values)


@given(st.lists(lists, max_size=4))
def test_concatenates(batches):
    whole = Ragged.concatenate(Ragged.from_lists(rows)[:] for rows in batches)
    assert whole.tolist() == [row for rows in batches for row in rows]
    # Slices carry values besides their own.
    cut = Ragged.concatenate(Ragged.from_lists(rows)[1:-1] for rows in batches)
    assert cut.tolist() == [row for rows in batches for row in rows[1:-1]]


@given(lists, st.data())
def test_takes(rows, data):
    at = data.draw(
        st.lists(st.integers(-len(rows), len(rows) - 1), max_size=8) if rows else st.just([])
    )
    assert Ragged.from_lists(rows)[:].take(at).tolist() == [rows[index] for index in at]


@given(lists, st.sampled_from(["left", "right"]), st.integers(0, 2))
def test_pads(rows, side, extra):
    batch = Ragged.from_lists([[], *rows])[1:]
    longest = max(map(len, rows), default=0)
    padded = batch.padded(7, length=longest + extra, side=side)
    assert padded.shape == (len(rows), longest + extra)
    for row, expected in zip(padded.tolist(), rows, strict=True):
        filling = [7] * (longest + extra - len(expected))
        assert row == (expected + filling if side == "right" else filling + expected)


@given(lists)
def test_equal_batches_have_equal_pickles(rows):
    batch = Ragged.from_lists(rows)
    slice_of_more = Ragged.from_lists([[1, 2], *rows, [3]])[1:-1]
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        dumped = pickle.dumps(batch, protocol)
        assert pickle.dumps(slice_of_more, protocol) == dumped
        again = pickle.loads(dumped)
        assert again == batch
        assert again.dtype == batch.dtype
        assert pickle.dumps(again, protocol) == dumped
        again.values[:] = 0  # as writable as any array


def test_unequal_batches_are_unequal():
    batch = Ragged.from_lists([[1, 2], [3]])
    assert batch != Ragged.from_lists([[1], [2, 3]])
    assert batch != Ragged.from_lists([[1, 2], [4]])
    assert batch != [[1, 2]]
    assert batch != [[1, 2], ["a"]]
    assert batch != "text"
    with pytest.raises(TypeError):
        hash(batch)


def test_copies():
    batch = Ragged.from_lists([[1]])
    assert copy.copy(batch) is batch
    deep = copy.deepcopy(batch)
    deep.values[0] = 5
    assert batch.tolist() == [[1]]


def test_repr_stays_short():
    text = repr(Ragged.from_lists([list(range(1000))] * 1000))
    assert text.startswith("<Ragged: 1000 sequences, 1000000 values, uint32: [[0, 1, 2, 3, 4, ...]")
    assert len(text) < 150
    assert repr(Ragged.from_lists([])) == "<Ragged: 0 sequences, 0 values, uint32: []>"


@pytest.mark.parametrize("dtype", [np.uint16, np.int32, np.uint32, np.int64, np.uint8])
def test_ids_that_do_not_fit_are_an_error_and_never_wrapped(dtype):
    top = int(np.iinfo(dtype).max)
    assert Ragged.from_lists([[top]], dtype).tolist() == [[top]]
    for wrong in (top + 1, -1 if np.dtype(dtype).kind == "u" else -top - 2, 2**70):
        with pytest.raises(ValueError, match=rf"sequence 1, position 2: {wrong} does not fit"):
            Ragged.from_lists([[1], [0, 0, wrong]], dtype)
    with pytest.raises(ValueError, match="sequence 0, position 1: 70000 does not fit uint16"):
        Ragged.from_lists([np.array([1, 70000])], np.uint16)


@pytest.mark.parametrize(
    "row", [[1.5], ["a"], [None], [1, 2.0], "text", 3, [[1]], [b"a"], [[1], [2, 3]]]
)
def test_what_is_no_int_is_an_error(row):
    with pytest.raises(TypeError, match="sequence 1"):
        Ragged.from_lists([[1], row])


@pytest.mark.parametrize(
    ("values", "offsets", "error"),
    [
        ([1, 2], [], ValueError),
        ([1, 2], [0, 3], ValueError),
        ([1, 2], [-1, 2], ValueError),
        ([1, 2], [0, 2, 1], ValueError),
        ([1.0], [0, 1], TypeError),
        ([1], [0.0, 1.0], TypeError),
        ([[1]], [0, 1], ValueError),
    ],
)
def test_arrays_that_are_no_batch_are_an_error(values, offsets, error):
    with pytest.raises(error):
        Ragged(values, offsets)


def test_arrays_are_kept_without_a_copy():
    values = np.arange(10, dtype=np.uint32)
    offsets = np.array([2, 2, 7])
    batch = Ragged(values, offsets)
    assert batch.values is values
    assert batch.offsets is offsets
    assert batch.tolist() == [[], [2, 3, 4, 5, 6]]


def test_attributes_cannot_be_set():
    batch = Ragged.from_lists([[1]])
    with pytest.raises(AttributeError):
        batch.values = batch.values  # type: ignore[misc]
    with pytest.raises(AttributeError):
        batch.other = 1  # type: ignore[attr-defined]


def test_padding_cuts_nothing():
    batch = Ragged.from_lists([[1], [1, 2, 3]])
    with pytest.raises(ValueError, match="sequence 1 has 3 values"):
        batch.padded(0, length=2)
    with pytest.raises(ValueError, match="does not fit"):
        batch.padded(-100)
    with pytest.raises(ValueError, match="side"):
        batch.padded(0, side="top")  # type: ignore[arg-type]
    with pytest.raises(IndexError):
        batch.take([2])


class TestArrow:
    """pyarrow as the other side of the PyCapsule interface."""

    @given(lists, st.sampled_from([np.uint32, np.int64, np.uint8]))
    def test_there_and_back(self, rows, dtype):
        pa = pytest.importorskip("pyarrow")
        rows = [[number % 256 for number in row] for row in rows]
        batch = Ragged.from_lists([[1], *rows], dtype)[1:]
        array = pa.array(batch)
        array.validate(full=True)
        assert array.type == pa.large_list(pa.from_numpy_dtype(dtype))
        assert array.to_pylist() == rows
        again = Ragged.from_arrow(array)
        assert again.tolist() == rows
        assert again.dtype == dtype

    def test_nothing_is_copied(self):
        pa = pytest.importorskip("pyarrow")
        batch = Ragged.from_lists([[1, 2], [3]])
        array = pa.array(batch)
        assert array.flatten().buffers()[1].address == batch.values.ctypes.data
        assert np.shares_memory(Ragged.from_arrow(array).values, batch.values)

    def test_memory_lives_as_long_as_the_arrow_array_and_no_longer(self):
        pa = pytest.importorskip("pyarrow")
        values = np.arange(1000, dtype=np.uint32)
        count = sys.getrefcount(values)
        array = pa.array(Ragged(values, [0, 1000]))
        flat = array.flatten()
        del array
        assert flat.to_pylist()[:3] == [0, 1, 2]
        assert sys.getrefcount(values) > count
        del flat
        assert sys.getrefcount(values) == count
        Ragged(values, [0, 1000]).__arrow_c_array__()  # never taken over
        assert sys.getrefcount(values) == count

    def test_an_error_on_its_way_is_not_lost_in_the_release(self):
        batch = Ragged.from_lists([[1]])
        takes_one: Any = len
        with pytest.raises(TypeError, match="len"):
            takes_one(*batch.__arrow_c_array__())

    @pytest.mark.parametrize("kind", ["list_", "large_list"])
    def test_lists_of_other_integers_chunked_and_sliced(self, kind):
        pa = pytest.importorskip("pyarrow")
        array = pa.array([[1, 2], [], [3]], getattr(pa, kind)(pa.int16()))
        assert Ragged.from_arrow(array[1:]) == [[], [3]]
        chunked = pa.chunked_array([array, array[:0], array[2:]])
        assert Ragged.from_arrow(chunked) == [[1, 2], [], [3], [3]]
        assert Ragged.from_arrow(pa.chunked_array([], array.type)) == []

    def test_views_outlive_the_arrow_object(self):
        pa = pytest.importorskip("pyarrow")
        for make in (pa.array, lambda rows: pa.chunked_array([rows])):
            batch = Ragged.from_arrow(make([[7] * 100_000]))
            row = batch[0]
            del batch
            assert row.tolist() == [7] * 100_000

    @pytest.mark.parametrize(
        ("rows", "error", "message"),
        [
            ([[1], None], ValueError, "row 1 is null"),
            ([[1], [], [2, None]], ValueError, "row 2 holds a null"),
            ([["a"]], TypeError, "list of string"),
            ([1, 2], TypeError, "int64"),
        ],
    )
    def test_what_is_no_batch_is_an_error(self, rows, error, message):
        pa = pytest.importorskip("pyarrow")
        for array in (pa.array(rows), pa.chunked_array([rows])):
            with pytest.raises(error, match=message):
                Ragged.from_arrow(array)
        with pytest.raises(TypeError, match="expected an Arrow array"):
            Ragged.from_arrow(rows)

    def test_arrow_arrays_may_outlive_the_interpreter(self):
        pytest.importorskip("pyarrow")
        code = (
            "import builtins, threading, time, pyarrow as pa\n"
            "from tokenseam import Ragged\n"
            "builtins.kept = pa.array(Ragged.from_lists([[1, 2]] * 1000))\n"
            "capsules = Ragged.from_lists([[1]]).__arrow_c_array__()\n"
            "def make():\n"
            "    while True: pa.array(Ragged.from_lists([[1]]))\n"
            "threading.Thread(target=make, daemon=True).start()\n"
            "time.sleep(0.2)\n"
        )
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
