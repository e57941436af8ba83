"""encode, decode, count."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any

import typer

from tokenseam.cli import common
from tokenseam.cli.common import InputFormat, guarded
from tokenseam.errors import DecodeError, DocumentError, EncodeError

if TYPE_CHECKING:
    from tokenseam.io import Document
    from tokenseam.ragged import Ragged
    from tokenseam.tokenizer import Tokenizer


class IdsFormat(StrEnum):
    """How ids are written."""

    IDS = "ids"
    JSON = "json"
    NPY = "npy"
    NPZ = "npz"


class TextFormat(StrEnum):
    """How texts are written."""

    RAW = "raw"
    LINES = "lines"
    JSONL = "jsonl"


@guarded
def encode(
    tokenizer: common.VocabularyName,
    files: common.Files = None,
    text: common.Text = None,
    format: Annotated[
        IdsFormat,
        typer.Option(
            help="ids: numbers between spaces, a line for each text. json: a JSON list for "
            "each. npy: one uint32 array of all. npz: arrays 'values' and 'offsets'."
        ),
    ] = IdsFormat.IDS,
    output: common.Output = None,
    input_format: common.InputFormatOption = InputFormat.AUTO,
    jsonl_field: common.JsonlField = None,
    parquet_column: common.ParquetColumn = None,
    pattern: common.Pattern = None,
    special_tokens: common.SpecialTokens = None,
    download: common.Download = None,
    add_special_tokens: common.AddSpecialTokens = True,
    allowed_special: common.AllowedSpecial = None,
    threads: common.Threads = None,
) -> None:
    """Write the ids of texts."""
    engine = common.load(
        tokenizer, pattern=pattern, special_tokens=special_tokens, download=download
    )
    found = common.read(files, text, input_format, jsonl_field, parquet_column)
    options: dict[str, Any] = {
        "allowed_special": common.allowed(allowed_special),
        "disallowed_special": (),
        "add_special_tokens": add_special_tokens,
        "num_threads": threads,
    }
    binary = format in (IdsFormat.NPY, IdsFormat.NPZ)
    with common.output(output) as file:
        if binary and file.isatty():
            raise typer.BadParameter(f"--format {format} is binary; name a file with --output")
        parts = _encoded(engine, found, options)
        if binary:
            _write_arrays(file, parts, format)
            return
        opening, between, closing = (b"", b" ", b"\n") if format == "ids" else (b"[", b", ", b"]\n")
        for part in parts:
            lines = (between.join(b"%d" % id for id in ids) for ids in part.tolist())
            file.write(b"".join(opening + line + closing for line in lines))


def _encoded(
    engine: Tokenizer, found: Iterator[Document], options: dict[str, Any]
) -> Iterator[Ragged]:
    for batch in common.batches(found):
        try:
            yield engine.encode_batch([document.text for document in batch], **options)
        except EncodeError:
            raise _placed(batch, lambda text: engine.encode_batch([text], **options)) from None


def _placed(batch: list[Document], work: Any) -> EncodeError:
    """The error of the first document that has one, with its place."""
    for document in batch:
        try:
            work(document.text)
        except EncodeError as error:
            message = str(error).removeprefix("text 0 of the batch: ")
            return type(error)(f"{document.place}: {message}")
    raise AssertionError("the batch failed but none of its texts does")


def _write_arrays(file: IO[bytes], parts: Iterator[Ragged], format: IdsFormat) -> None:
    import numpy as np

    from tokenseam.ragged import Ragged

    whole = Ragged.concatenate(parts)
    # NumPy wants to seek, which a pipe cannot.
    buffer = io.BytesIO()
    if format is IdsFormat.NPY:
        np.save(buffer, whole.values, allow_pickle=False)
    else:
        np.savez(buffer, values=whole.values, offsets=whole.offsets)
    file.write(buffer.getbuffer())


@guarded
def count(
    tokenizer: common.VocabularyName,
    files: common.Files = None,
    text: common.Text = None,
    per_document: Annotated[
        bool, typer.Option("--per-document", help="A line for each document, not each file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    input_format: common.InputFormatOption = InputFormat.AUTO,
    jsonl_field: common.JsonlField = None,
    parquet_column: common.ParquetColumn = None,
    pattern: common.Pattern = None,
    special_tokens: common.SpecialTokens = None,
    download: common.Download = None,
    add_special_tokens: common.AddSpecialTokens = True,
    allowed_special: common.AllowedSpecial = None,
    threads: common.Threads = None,
) -> None:
    """Print how many ids texts have: a number for one file, and a line for
    each and for all of them for several."""
    engine = common.load(
        tokenizer, pattern=pattern, special_tokens=special_tokens, download=download
    )
    found = common.read(files, text, input_format, jsonl_field, parquet_column)
    options: dict[str, Any] = {
        "allowed_special": common.allowed(allowed_special),
        "disallowed_special": (),
        "add_special_tokens": add_special_tokens,
    }
    # Files without documents count as well.
    totals = dict.fromkeys(files or ([] if text is not None else ["-"]), 0)
    all_documents = 0
    for batch in common.batches(found):
        try:
            counts = engine.count_batch(
                [document.text for document in batch], num_threads=threads, **options
            ).tolist()
        except EncodeError:
            raise _placed(batch, lambda text: engine.count(text, **options)) from None
        all_documents += len(batch)
        for document, number in zip(batch, counts, strict=True):
            totals[document.source] = totals.get(document.source, 0) + number
            if per_document:
                line = {"source": document.source, "position": document.position, "tokens": number}
                print(json.dumps(line) if as_json else f"{number}\t{document.place}")
    if per_document:
        return
    total = sum(totals.values())
    if as_json:
        print(json.dumps({"tokens": total, "documents": all_documents, "files": totals}))
    elif len(totals) == 1:
        print(total)
    else:
        for source, number in totals.items():
            print(f"{number}\t{source}")
        print(f"{total}\ttotal")


@guarded
def decode(
    tokenizer: common.VocabularyName,
    files: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[FILE]...",
            help="Files of ids, as encode writes them; - or none for the standard input.",
        ),
    ] = None,
    format: Annotated[
        TextFormat,
        typer.Option(
            help="raw: the bytes, with nothing in between. lines: a line end after each text. "
            'jsonl: {"text": ...} for each.'
        ),
    ] = TextFormat.RAW,
    output: common.Output = None,
    skip_special_tokens: Annotated[
        bool, typer.Option("--skip-special-tokens", help="Leave special tokens out.")
    ] = False,
    pattern: common.Pattern = None,
    special_tokens: common.SpecialTokens = None,
    download: common.Download = None,
) -> None:
    """Write the texts that ids stand for."""
    engine = common.load(
        tokenizer, pattern=pattern, special_tokens=special_tokens, download=download
    )
    special = frozenset(engine.special_tokens.values()) if skip_special_tokens else frozenset()
    with common.output(output) as file:
        for place, ids in _id_lists(files or ["-"]):
            kept = [id for id in ids if id not in special] if special else ids
            try:
                if format is TextFormat.JSONL:
                    line = json.dumps({"text": engine.decode(kept)}, ensure_ascii=False)
                    file.write(line.encode() + b"\n")
                else:
                    file.write(engine.decode_bytes(kept))
                    file.write(b"\n" if format is TextFormat.LINES else b"")
            except DecodeError as error:
                raise type(error)(f"{place}: {error}") from None


def _id_lists(files: list[str]) -> Iterator[tuple[str, Any]]:
    """Sequences of ids with their places."""
    from tokenseam.io import documents

    for file in files:
        if file.endswith((".npy", ".npz")):
            for index, ids in enumerate(_arrays(file)):
                yield f"{file}:{index}", ids
        else:
            for document in documents(file, format="lines"):
                yield document.place, _parsed(document)


def _parsed(line: Document) -> list[int]:
    text = line.text.decode("utf-8", "replace") if isinstance(line.text, bytes) else line.text
    try:
        if text.lstrip().startswith("["):
            ids = json.loads(text)
            if not all(type(id) is int for id in ids):
                raise ValueError("expected a list of integers")
        else:
            ids = [int(word) for word in text.replace(",", " ").split()]
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{line.place}: not ids: {error}") from error
    return list(ids)


def _arrays(file: str) -> Ragged:
    import zipfile

    import numpy as np

    from tokenseam.ragged import Ragged

    try:
        loaded = np.load(Path(file), allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return Ragged(loaded, [0, len(loaded)])
        with loaded:
            return Ragged(loaded["values"], loaded["offsets"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise DocumentError(f"cannot read ids from {file}: {error}") from error
