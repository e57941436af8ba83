"""Documents out of files: plain text, JSON lines and Parquet.

:func:`documents` reads one file after the other and yields their documents,
holding one document (of Parquet, one batch of rows) at a time.

===========  ==========================  ====================================
format       recognised by               a document is
===========  ==========================  ====================================
``text``     any other name              the whole file, byte for byte
``lines``    never; ask for it           a line, without its ``\\n`` or ``\\r\\n``
``jsonl``    ``.jsonl``, ``.ndjson``     the string in one field of a line
``parquet``  ``.parquet``                the string in one column of a row
===========  ==========================  ====================================

All but Parquet may be compressed: ``.gz``, or ``.zst`` with the ``zstandard``
package (on Python >= 3.14 without it). ``-`` is the standard input.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, TypeAlias, get_args

from tokenseam.errors import DocumentError

__all__ = ["Document", "Format", "documents", "format_of"]

Format: TypeAlias = Literal["text", "lines", "jsonl", "parquet"]

#: The largest document that is read, in bytes.
MAX_DOCUMENT_BYTES = 1 << 30

#: How many rows of a Parquet file are held at a time.
PARQUET_ROWS = 1024


class Document(NamedTuple):
    """One text and where it comes from."""

    #: The text; ``bytes`` where the file holds bytes (plain text, lines,
    #: binary columns), which need not be valid UTF-8.
    text: str | bytes
    #: The file as given; ``-`` for the standard input.
    source: str
    #: Its line (of lines and JSON lines, from 1), its row (of Parquet, from
    #: 0), or 0 for a whole file.
    position: int

    @property
    def place(self) -> str:
        """Source and position, for messages."""
        source = "standard input" if self.source == "-" else self.source
        return f"{source}:{self.position}" if self.position else source


def format_of(path: str | os.PathLike[str]) -> Format:
    """The format that a file's name tells."""
    name = os.fspath(path).lower()
    for ending in (".gz", ".zst"):
        name = name.removesuffix(ending)
    if name.endswith((".jsonl", ".ndjson")):
        return "jsonl"
    return "parquet" if name.endswith(".parquet") else "text"


def documents(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    *,
    format: Format | None = None,
    field: str = "text",
    max_document_bytes: int = MAX_DOCUMENT_BYTES,
    on_progress: Callable[[int], None] | None = None,
) -> Iterator[Document]:
    """The documents of files, in order.

    Args:
        paths: one file or several; ``-`` is the standard input.
        format: what the files are; told by each name by default.
        field: the field of JSON lines or the column of Parquet files.
        max_document_bytes: the size up to which a document is read.
        on_progress: called with how many more bytes of the files have been
            read, as they are on disk; not for the standard input.

    Raises:
        DocumentError: a file cannot be read, is damaged or cut off, has no
            such field or column, or a document is too large; the message names
            the file and the line or row.
    """
    if format is not None and format not in get_args(Format):
        raise ValueError(f"format must be one of {', '.join(get_args(Format))}, not {format!r}")
    for path in [paths] if isinstance(paths, str | os.PathLike) else paths:
        source = os.fspath(path)
        kind = format or format_of(source)
        if kind == "parquet":
            yield from _parquet(source, field, on_progress)
            continue
        with _opened(source, on_progress) as file:
            if kind == "text":
                yield Document(_whole(file, source, max_document_bytes), source, 0)
            elif kind == "lines":
                for number, line in _lines(file, source, max_document_bytes):
                    yield Document(line, source, number)
            else:
                for number, line in _lines(file, source, max_document_bytes):
                    if line.strip():
                        yield Document(_json_text(line, source, number, field), source, number)


@contextmanager
def _opened(source: str, on_progress: Callable[[int], None] | None) -> Iterator[IO[bytes]]:
    """A file's bytes, decompressed; its errors as :class:`DocumentError`."""
    name = _spoken(source)
    try:
        if source == "-":
            yield sys.stdin.buffer
            return
        with io.BufferedReader(_CountedFile(source, on_progress), 1 << 16) as raw:
            if source.endswith(".gz"):
                with gzip.GzipFile(fileobj=raw) as file:
                    yield file  # type: ignore[misc]  # a GzipFile reads like a file
            elif source.endswith(".zst"):
                with _zstd(raw, name) as file:
                    yield file
            else:
                yield raw
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DocumentError(f"{name}: damaged or cut off: {error}") from error
    except DocumentError:
        raise
    except OSError as error:
        raise DocumentError(f"cannot read {name}: {error.strerror or error}") from error


class _CountedFile(io.FileIO):
    """A file that tells how much of it has been read."""

    def __init__(self, path: str, on_progress: Callable[[int], None] | None) -> None:
        super().__init__(path)
        self._on_progress = on_progress

    def readinto(self, buffer: Any) -> int:
        count = super().readinto(buffer) or 0
        if self._on_progress is not None and count:
            self._on_progress(count)
        return count


def _zstd(raw: IO[bytes], name: str) -> IO[bytes]:
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd

            return io.BufferedReader(_ZstdReader(raw, name, zstd.ZstdDecompressor, zstd.ZstdError))
        import zstandard

        def decompressor() -> Any:
            return zstandard.ZstdDecompressor(max_window_size=1 << 31).decompressobj()

        return io.BufferedReader(_ZstdReader(raw, name, decompressor, zstandard.ZstdError))
    except ImportError:
        raise DocumentError(
            f"cannot read {name}: .zst files need the package zstandard: pip install zstandard"
        ) from None


class _ZstdReader(io.RawIOBase):
    """A zstd stream of any number of frames.

    The package's own reader takes a frame that is cut off for its end.
    """

    #: How much is decompressed in one go: a block of 4 bytes can hold 128 KiB.
    CHUNK = 1 << 12

    def __init__(
        self, raw: IO[bytes], name: str, new: Callable[[], Any], error: type[Exception]
    ) -> None:
        self._raw = raw
        self._new = new
        self._error = error
        self._frame: Any = None
        self._input = b""
        self._ready = memoryview(b"")
        self._name = name

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            if not self._input:
                self._input = self._raw.read(self.CHUNK)
            if not self._input:
                if self._frame is not None:
                    raise EOFError("it ends within a zstd frame")
                return 0
            if self._frame is None:
                self._frame = self._new()
            try:
                self._ready = memoryview(self._frame.decompress(self._input))
            except self._error as error:
                raise DocumentError(f"{self._name}: damaged: {error}") from error
            self._input = b""
            if self._frame.eof:
                self._input = self._frame.unused_data
                self._frame = None
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def _whole(file: IO[bytes], source: str, limit: int) -> bytes:
    data = file.read(limit + 1)
    if len(data) > limit:
        raise _too_large(_spoken(source), limit)
    return data


def _lines(file: IO[bytes], source: str, limit: int) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(limit + 3):
        number += 1
        line = line.removesuffix(b"\n").removesuffix(b"\r") if line.endswith(b"\n") else line
        if len(line) > limit:
            raise _too_large(f"{_spoken(source)}:{number}", limit)
        yield number, line


def _too_large(place: str, limit: int) -> DocumentError:
    return DocumentError(
        f"{place}: a document of more than {limit} bytes; cut it into smaller ones"
    )


def _json_text(line: bytes, source: str, number: int, field: str) -> str:
    place = f"{_spoken(source)}:{number}"
    try:
        record = json.loads(line)
    except UnicodeDecodeError as error:
        raise DocumentError(f"{place}: not UTF-8 at byte {error.start} of the line") from error
    except json.JSONDecodeError as error:
        raise DocumentError(f"{place}: not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{place}: not JSON that can be read: {error}") from error
    if not isinstance(record, dict):
        raise DocumentError(f"{place}: expected a JSON object, not {_json_name(record)}")
    if field not in record:
        raise DocumentError(f"{place}: no field {field!r}; there is {_listed(record)}")
    text = record[field]
    if not isinstance(text, str):
        raise DocumentError(f"{place}: field {field!r} is not a string but {_json_name(text)}")
    return text


def _json_name(value: object) -> str:
    if value is None:
        return "null"
    names = {dict: "an object", list: "an array", bool: "a boolean", str: "a string"}
    return names.get(type(value), "a number")


def _listed(names: Iterable[str]) -> str:
    known = [repr(name) for name in names]
    more = f" and {len(known) - 10} more" if len(known) > 10 else ""
    return (", ".join(known[:10]) or "none") + more


def _parquet(
    source: str, column: str, on_progress: Callable[[int], None] | None
) -> Iterator[Document]:
    name = _spoken(source)
    if source.endswith((".gz", ".zst")):
        raise DocumentError(f"cannot read {name}: Parquet compresses by itself; decompress it")
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError:
        raise DocumentError(
            f"cannot read {name}: Parquet files need the package pyarrow: pip install pyarrow"
        ) from None
    row = 0
    try:
        # Parquet is read from its end, which the standard input lets nobody see.
        whole = pa.BufferReader(sys.stdin.buffer.read()) if source == "-" else source
        with pq.ParquetFile(whole) as file:
            schema = file.schema_arrow
            if column not in schema.names:
                raise DocumentError(
                    f"{name}: no column {column!r}; there is {_listed(schema.names)}"
                )
            _check_type(schema.field(column).type, name, column)
            size = 0 if source == "-" else Path(source).stat().st_size
            for batch in file.iter_batches(PARQUET_ROWS, columns=[column]):
                if on_progress is not None and size:
                    on_progress(size * batch.num_rows // file.metadata.num_rows)
                for text in batch.column(0).to_pylist():
                    if text is None:
                        raise DocumentError(f"{name}: row {row} of column {column!r} is null")
                    yield Document(text, source, row)
                    row += 1
    except pa.ArrowException as error:
        raise DocumentError(f"{name}: not a sound Parquet file: {_first_line(error)}") from error
    except DocumentError:
        raise
    except OSError as error:
        raise DocumentError(
            f"cannot read {name}: {error.strerror or _first_line(error)}"
        ) from error


def _check_type(kind: Any, name: str, column: str) -> None:
    import pyarrow as pa

    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    if value not in (
        pa.string(),
        pa.large_string(),
        pa.string_view(),
        pa.binary(),
        pa.large_binary(),
        pa.binary_view(),
    ):
        raise DocumentError(f"{name}: column {column!r} holds {kind}, not strings")


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def _spoken(source: str) -> str:
    return "standard input" if source == "-" else source
