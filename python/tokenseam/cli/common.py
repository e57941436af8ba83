"""What the commands share: options, inputs, outputs, errors."""

from __future__ import annotations

import functools
import io
import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from enum import StrEnum
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated, Any, ParamSpec

import typer

from tokenseam.errors import SaveError, TokenseamError

if TYPE_CHECKING:
    from tokenseam.io import Document, Format
    from tokenseam.tokenizer import Tokenizer

EXIT_DIFFERENCE = 1
EXIT_USAGE = 2
EXIT_FILES = 3
EXIT_INTERRUPTED = 130
EXIT_PIPE = 141

Parameters = ParamSpec("Parameters")


class InputFormat(StrEnum):
    """What the inputs are."""

    AUTO = "auto"
    TEXT = "text"
    LINES = "lines"
    JSONL = "jsonl"
    PARQUET = "parquet"


def complete_names(incomplete: str) -> list[str]:
    """Vocabulary names for the shell's completion."""
    from tokenseam.pretrained.names import NAMES

    return [name for name in NAMES if name.startswith(incomplete)]


Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE]...", help="Files to read; - or none for the standard input."),
]
VocabularyName = Annotated[
    str,
    typer.Option(
        "--tokenizer",
        "-t",
        metavar="NAME|PATH",
        envvar="TOKENSEAM_TOKENIZER",
        help="A vocabulary file, an encoding such as cl100k_base, or org/model on the hub.",
        autocompletion=complete_names,
    ),
]
Pattern = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|REGEX", help="For a rank file: its pattern, or the name of a family."
    ),
]
SpecialTokens = Annotated[
    str | None,
    typer.Option(
        metavar="JSON", help="For a rank file: an object of text to id, or a file with one."
    ),
]
Download = Annotated[
    bool | None,
    typer.Option("--download/--offline", help="Fetch a named vocabulary that is not here."),
]
Text = Annotated[
    str | None, typer.Option("--text", metavar="TEXT", help="A text, instead of files.")
]
InputFormatOption = Annotated[
    InputFormat, typer.Option(help="What the files are; auto tells by their names.")
]
JsonlField = Annotated[
    str | None, typer.Option(metavar="NAME", help='The field of JSON lines; "text" by default.')
]
ParquetColumn = Annotated[
    str | None,
    typer.Option(metavar="NAME", help='The column of Parquet files; "text" by default.'),
]
Threads = Annotated[
    int | None, typer.Option(min=1, metavar="N", help="Threads; one a processor by default.")
]
AddSpecialTokens = Annotated[
    bool,
    typer.Option(
        help="Put the tokens around each text that the vocabulary's template asks for, as "
        "Hugging Face does; rank files ask for none."
    ),
]
AllowedSpecial = Annotated[
    list[str] | None,
    typer.Option(
        metavar="TOKEN",
        help="A special token to recognise in the texts, or all; may be repeated. Others are "
        "plain text.",
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", metavar="FILE", help="Where to write, instead of the standard output."
    ),
]


def guarded(command: Callable[Parameters, int | None]) -> Callable[Parameters, None]:
    """A command whose errors are one line and an exit code."""

    @functools.wraps(command)
    def run(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            code = command(*args, **kwargs)
            sys.stdout.flush()
        except TokenseamError as error:
            code = fail(str(error), EXIT_FILES)
        except BrokenPipeError:
            # The interpreter flushes once more at exit, into nothing.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = EXIT_PIPE
        except OSError as error:
            # The files that are read and written have errors of their own.
            code = fail(f"cannot write the standard output: {error.strerror}", EXIT_FILES)
        except KeyboardInterrupt:
            code = EXIT_INTERRUPTED
        if code:
            raise typer.Exit(code)

    return run


def fail(message: str, code: int) -> int:
    """Prints an error in one line and returns the exit code."""
    print("tokenseam: error: " + " ".join(message.split()), file=sys.stderr)
    return code


def load(
    name: str,
    *,
    pattern: str | None = None,
    special_tokens: str | None = None,
    download: bool | None = None,
) -> Tokenizer:
    """The tokenizer that the options name."""
    from tokenseam.tokenizer import Tokenizer

    special = None if special_tokens is None else _special_tokens(special_tokens)
    if pattern is None and special is None and not Path(name).is_file():
        return Tokenizer.from_pretrained(name, download=download)
    if not Path(name).exists():
        from tokenseam.pretrained.names import NAMES

        if name in NAMES:
            raise typer.BadParameter(
                f"--pattern and --special-tokens go with a file, and {name!r} has its own"
            )
    return Tokenizer.from_file(name, pattern=pattern, special_tokens=special)


def _special_tokens(given: str) -> dict[str, int]:
    text = given
    if not given.lstrip().startswith("{"):
        try:
            text = Path(given).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise typer.BadParameter(
                f"--special-tokens takes a JSON object or a file with one: {error}"
            ) from error
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise typer.BadParameter(f"--special-tokens is not JSON: {error}") from error
    if isinstance(found, dict) and isinstance(found.get("special_tokens"), dict):
        found = found["special_tokens"]  # the file that Tokenizer.save writes
    if not isinstance(found, dict) or not all(type(id) is int for id in found.values()):
        raise typer.BadParameter('--special-tokens takes an object like {"<|end|>": 100}')
    return found


def allowed(tokens: list[str] | None) -> Any:
    """``allowed_special`` from the option."""
    return "all" if tokens and "all" in tokens else frozenset(tokens or ())


def read(
    files: list[str] | None,
    text: str | None,
    input_format: InputFormat,
    jsonl_field: str | None,
    parquet_column: str | None,
) -> Iterator[Document]:
    """The documents that the options name, with a progress bar on a terminal."""
    from tokenseam.io import Document, documents

    if text is not None:
        if files:
            raise typer.BadParameter("--text stands instead of files; give one or the other")
        return iter([Document(text, "--text", 0)])
    paths = files or ["-"]
    kinds = [_kind(input_format, path) for path in paths]

    def each() -> Iterator[Document]:
        with progress_bar(paths) as advance:
            for path, kind in zip(paths, kinds, strict=True):
                field = parquet_column if kind == "parquet" else jsonl_field
                yield from documents(path, format=kind, field=field or "text", on_progress=advance)

    return each()


KINDS: dict[InputFormat, Format] = {
    InputFormat.TEXT: "text",
    InputFormat.LINES: "lines",
    InputFormat.JSONL: "jsonl",
    InputFormat.PARQUET: "parquet",
}


def _kind(given: InputFormat, path: str) -> Format:
    from tokenseam.io import format_of

    return format_of(path) if given is InputFormat.AUTO else KINDS[given]


def batches(
    found: Iterable[Document], max_bytes: int = 1 << 23, max_count: int = 4096
) -> Iterator[list[Document]]:
    """Documents in lists that are worth a batch each."""
    batch: list[Document] = []
    size = 0
    for document in found:
        batch.append(document)
        size += len(document.text)
        if size >= max_bytes or len(batch) >= max_count:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


#: Seconds of work before a progress bar is worth showing.
PATIENCE = 1.0


@contextmanager
def progress_bar(paths: list[str]) -> Iterator[Callable[[int], None] | None]:
    """Yields what to call with each number of bytes read; shows a bar on the
    standard error when that is a terminal and the work takes a while."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn

    total: int | None = None
    if "-" not in paths:
        total = sum(Path(path).stat().st_size for path in paths if Path(path).is_file())
    bar = Progress(
        BarColumn(),
        DownloadColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        transient=True,
    )
    task = bar.add_task("", total=total)
    started = time.monotonic()

    def advance(count: int) -> None:
        bar.advance(task, count)
        if not bar.live.is_started and time.monotonic() - started > PATIENCE:
            bar.start()

    try:
        yield advance
    finally:
        bar.stop()


@contextmanager
def output(path: Path | None) -> Iterator[IO[bytes]]:
    """Where results go: a file, which is there whole or not at all, or the
    standard output."""
    if path is None:
        with _standard_output() as stream:
            yield stream
        return
    partial = path.with_name(f".{path.name}.{os.urandom(8).hex()}.partial")
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if isinstance(error, TokenseamError):
            raise
        raise SaveError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def _standard_output() -> Iterator[IO[bytes]]:
    stream: Any = sys.stdout.buffer
    if isinstance(stream, io.BufferedWriter):
        yield stream
        stream.flush()
        return
    # Under `python -u` there is no buffer, and a write to a pipe may take in
    # only the beginning of what it is given.
    buffered = io.BufferedWriter(stream)
    try:
        yield buffered
        buffered.flush()
    finally:
        with suppress(OSError):
            buffered.detach()


def visible(piece: bytes) -> str:
    """A token's bytes as text that is safe on a terminal: control characters
    escaped, bytes that are not UTF-8 in hexadecimal."""
    try:
        text = piece.decode()
    except UnicodeDecodeError:
        return f"⟨{piece.hex(' ')}⟩"
    return "".join(_visible_character(character) for character in text)


def _visible_character(character: str) -> str:
    if character.isprintable():
        return character
    named = {"\n": "⏎", "\t": "⇥", "\r": "␍"}
    if character in named:
        return named[character]
    if character.isspace() and character > "\xff":
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{{{code:x}}}"
