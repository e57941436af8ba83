"""tokenseam.io: documents out of files."""

from __future__ import annotations

import gzip
import io
import json
import random
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from tokenseam.errors import DocumentError
from tokenseam.io import Document, documents, format_of

RAW = "naïve\r\n\n日本語 \x00 end".encode() + b"\xff\n"


@pytest.fixture
def write(tmp_path):
    def write(name: str, data: bytes):
        if name.endswith(".gz"):
            data = gzip.compress(data)
        elif name.endswith(".zst"):
            data = pytest.importorskip("zstandard").compress(data)
        path = tmp_path / name
        path.write_bytes(data)
        return path

    return write


def texts(*args: Any, **kwargs: Any) -> list[str | bytes]:
    return [document.text for document in documents(*args, **kwargs)]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.txt", "text"),
        ("README", "text"),
        ("a.jsonl", "jsonl"),
        ("A.NDJSON.gz", "jsonl"),
        ("a.jsonl.zst", "jsonl"),
        ("a.parquet", "parquet"),
        ("-", "text"),
        ("a.md.gz", "text"),
    ],
)
def test_names_tell_formats(name, expected):
    assert format_of(name) == expected


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_text_is_byte_for_byte(write, ending):
    path = write("a.txt" + ending, RAW)
    assert list(documents(path)) == [Document(RAW, str(path), 0)]
    assert texts(path, format="lines") == [
        "naïve".encode(),
        b"",
        "日本語 \x00 end".encode() + b"\xff",
    ]
    assert [document.position for document in documents(path, format="lines")] == [1, 2, 3]


@pytest.mark.parametrize("ending", ["", ".gz", ".zst"])
def test_json_lines(write, ending):
    rows = [{"text": "a\nb"}, {"x": 1, "text": "日本"}, {"text": ""}]
    data = "\n\n".join(json.dumps(row) for row in rows).encode()
    path = write("a.jsonl" + ending, data)
    assert texts(path) == ["a\nb", "日本", ""]
    assert [document.place for document in documents(path)] == [f"{path}:{n}" for n in (1, 3, 5)]


def test_several_files_and_another_field(write):
    one = write("one.jsonl", b'{"body": "1"}\n')
    two = write("two.txt", b"2")
    assert texts([one, str(two), one], field="body") == ["1", b"2", "1"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b"{", r"a.jsonl:2: not JSON: .* at column 2"),
        (b'{"text": "\xff"}', "a.jsonl:2: not UTF-8 at byte 10"),
        (b"[1]", "a.jsonl:2: expected a JSON object, not an array"),
        (b'{"body": "x", "id": 1}', "a.jsonl:2: no field 'text'; there is 'body', 'id'"),
        (b'{"text": null}', "a.jsonl:2: field 'text' is not a string but null"),
        (b'{"text": 5}', "a.jsonl:2: field 'text' is not a string but a number"),
        (b"[" * 200_000, "a.jsonl:2: not JSON that can be read"),
        (b"9" * 10_000, "a.jsonl:2: not JSON that can be read"),
        (b"{}", "a.jsonl:2: no field 'text'; there is none"),
    ],
)
def test_bad_json_lines_name_file_and_line(write, line, message):
    path = write("a.jsonl", b'{"text": "fine"}\n' + line + b"\n")
    found = documents(path)
    assert next(found).text == "fine"
    with pytest.raises(DocumentError, match=message):
        next(found)


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("cut", [1, 10, 2000])
def test_files_cut_off_are_an_error(write, ending, cut):
    path = write("a.txt" + ending, random.Random(0).randbytes(100_000))
    path.write_bytes(path.read_bytes()[:-cut])
    with pytest.raises(DocumentError, match=f"a.txt{ending}: damaged or cut off"):
        texts(path)


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_files_that_are_not_compressed_are_an_error(write, tmp_path, ending):
    path = tmp_path / f"a.txt{ending}"
    path.write_bytes(b"plain text")
    with pytest.raises(DocumentError, match=f"a.txt{ending}: damaged"):
        texts(path)


def test_zstd_of_several_frames_and_of_none(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "a.txt.zst"
    path.write_bytes(b"".join(zstandard.compress(b"%d" % n * 100_000) for n in range(3)))
    assert texts(path) == [b"0" * 100_000 + b"1" * 100_000 + b"2" * 100_000]
    path.write_bytes(b"")
    assert texts(path) == [b""]


def test_missing_files_and_directories_are_errors(tmp_path):
    for name in ("absent.txt", "absent.jsonl.gz", "absent.parquet"):
        with pytest.raises(DocumentError, match=f"cannot read .*{name}"):
            texts(tmp_path / name)
    with pytest.raises(DocumentError, match="directory"):
        texts(tmp_path)
    with pytest.raises(ValueError, match="format must be one of"):
        texts(tmp_path, format="xml")


def test_standard_input(monkeypatch):
    def given(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    given(RAW)
    assert texts("-") == [RAW]
    given(b'{"text": "a"}\n{}\n')
    found = documents("-", format="jsonl")
    assert next(found).place == "standard input:1"
    with pytest.raises(DocumentError, match="standard input:2: no field"):
        next(found)


@pytest.mark.parametrize("kind", ["text", "lines", "jsonl"])
def test_documents_have_a_limit_also_when_they_are_bombs(write, kind):
    path = write("a.jsonl.gz", b" " * 50_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError, match=r"a\.jsonl\.gz.*more than 1000 bytes"):
            texts(path, format=kind, max_document_bytes=1000)
        assert tracemalloc.get_traced_memory()[1] < 2_000_000
    finally:
        tracemalloc.stop()
    assert texts(write("b.txt", b"x" * 1000), max_document_bytes=1000) == [b"x" * 1000]


def test_zstd_bombs_are_read_piece_by_piece(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "a.txt.zst"
    path.write_bytes(zstandard.compress(b"\0" * 300_000_000))
    tracemalloc.start()
    try:
        with pytest.raises(DocumentError, match="more than 1000 bytes"):
            texts(path, max_document_bytes=1000)
        assert tracemalloc.get_traced_memory()[1] < 150_000_000
    finally:
        tracemalloc.stop()


def test_lines_hold_one_line_at_a_time(write):
    path = write("a.txt.gz", b"".join(b"%d\n" % n * 100 for n in range(20_000)))
    tracemalloc.start()
    try:
        assert sum(1 for _ in documents(path, format="lines")) == 2_000_000
        assert tracemalloc.get_traced_memory()[1] < 3_000_000
    finally:
        tracemalloc.stop()


class TestParquet:
    @pytest.fixture(autouse=True)
    def _libraries(self):
        self.pa = pytest.importorskip("pyarrow")
        self.pq = pytest.importorskip("pyarrow.parquet")

    def save(self, path: Path, **columns: Any) -> Path:
        self.pq.write_table(self.pa.table(columns), path, row_group_size=2)
        return path

    def test_columns(self, tmp_path):
        rows = ["a", "日本", "", "b\nc", "d"]
        path = self.save(
            tmp_path / "a.parquet",
            text=rows,
            raw=[row.encode() for row in rows],
            coded=self.pa.array(rows).dictionary_encode(),
        )
        assert list(documents(path)) == [Document(t, str(path), n) for n, t in enumerate(rows)]
        assert texts(path, field="raw") == [row.encode() for row in rows]
        assert texts(path, field="coded") == rows

    def test_errors_name_the_place(self, tmp_path):
        path = self.save(tmp_path / "a.parquet", text=["a", "b", None], n=[1, 2, 3])
        with pytest.raises(DocumentError, match="row 2 of column 'text' is null"):
            texts(path)
        with pytest.raises(DocumentError, match="no column 'body'; there is 'text', 'n'"):
            texts(path, field="body")
        with pytest.raises(DocumentError, match="column 'n' holds int64, not strings"):
            texts(path, field="n")

    def test_damaged_files(self, tmp_path):
        path = self.save(tmp_path / "a.parquet", text=["a" * 1000, "b"])
        whole = path.read_bytes()
        for data in (b"", b"not parquet", whole[:-10], whole[:100], whole[20:]):
            path.write_bytes(data)
            with pytest.raises(DocumentError, match=r"a\.parquet"):
                texts(path)

    def test_standard_input(self, tmp_path, monkeypatch):
        path = self.save(tmp_path / "a.parquet", text=["a", "b"])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(path.read_bytes())))
        assert texts("-", format="parquet") == ["a", "b"]
