"""show: token boundaries in colour."""

from __future__ import annotations

import sys
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from tokenseam.cli import common
from tokenseam.cli.common import InputFormat, guarded, visible
from tokenseam.errors import EncodeError

if TYPE_CHECKING:
    from tokenseam.io import Document
    from tokenseam.tokenizer import Tokenizer

#: Background colours of consecutive tokens, light enough for black text.
COLOURS = ("#a6cee3", "#fdbf6f", "#b2df8a", "#fb9a99", "#cab2d6")


class When(StrEnum):
    """When to use colour."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Piece(NamedTuple):
    """A token in its place."""

    id: int
    #: The part of the text that it stands for; the token's own bytes if none.
    bytes: bytes
    start: int
    end: int
    special: bool


class Shown(NamedTuple):
    """A document's tokens, the first of them."""

    document: Document
    pieces: list[Piece]
    #: How many there are in all.
    total: int


@guarded
def show(
    tokenizer: common.VocabularyName,
    files: common.Files = None,
    text: common.Text = None,
    html: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a page that opens offline, with details."),
    ] = None,
    ids: Annotated[bool, typer.Option("--ids", help="Print each id behind its token.")] = False,
    limit: Annotated[
        int, typer.Option(min=1, metavar="N", help="Show at most N tokens of each text.")
    ] = 20_000,
    color: Annotated[When, typer.Option(help="Whether to use colour.")] = When.AUTO,
    input_format: common.InputFormatOption = InputFormat.AUTO,
    jsonl_field: common.JsonlField = None,
    parquet_column: common.ParquetColumn = None,
    pattern: common.Pattern = None,
    special_tokens: common.SpecialTokens = None,
    download: common.Download = None,
    add_special_tokens: common.AddSpecialTokens = True,
    allowed_special: common.AllowedSpecial = None,
) -> None:
    """Show where the tokens of texts begin and end."""
    engine = common.load(
        tokenizer, pattern=pattern, special_tokens=special_tokens, download=download
    )
    found = common.read(files, text, input_format, jsonl_field, parquet_column)
    options = {
        "allowed_special": common.allowed(allowed_special),
        "disallowed_special": (),
        "add_special_tokens": add_special_tokens,
    }
    shown = (located(engine, document, limit, options) for document in found)
    if html is not None:
        from tokenseam.cli.html import page

        with common.output(html) as file:
            for part in page(engine.name, shown):
                file.write(part.encode())
        return
    for index, item in enumerate(shown):
        if index:
            print()
        _print(item, ids=ids, color=color)


def located(engine: Tokenizer, document: Document, limit: int, options: dict[str, Any]) -> Shown:
    """A document's first tokens."""
    try:
        encoded = engine.encode_with_offsets(document.text, **options)
    except EncodeError as error:
        raise type(error)(f"{document.place}: {error}") from None
    text = document.text.encode() if isinstance(document.text, str) else document.text
    special = frozenset(engine.special_tokens.values())
    pieces = [
        Piece(id, text[start:end] or engine.token_bytes(id), start, end, id in special)
        for id, (start, end) in islice(
            zip(encoded.ids.tolist(), encoded.byte_offsets.tolist(), strict=True), limit
        )
    ]
    return Shown(document, pieces, len(encoded.ids))


def _print(shown: Shown, *, ids: bool, color: When) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(
        force_terminal={"auto": None, "always": True, "never": False}[color],
        no_color=True if color is When.NEVER else None,
        color_system="truecolor" if color is When.ALWAYS else "auto",
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=True,
    )
    colourful = console.color_system is not None and not console.no_color
    line = Text()
    for number, piece in enumerate(shown.pieces):
        style = f"black on {COLOURS[number % len(COLOURS)]}" + (" bold" if piece.special else "")
        if number and not colourful:
            line.append("|")
        # A line break in the token is one on the screen, too.
        for part in visible(piece.bytes).splitlines(keepends=True) or [""]:
            line.append(part, style)
        if ids:
            line.append(f" {piece.id} ", "dim")
        if piece.bytes.endswith(b"\n"):
            console.print(line)
            line = Text()
    if line:
        console.print(line)
    if len(shown.pieces) < shown.total:
        note = f"{shown.document.place}: the first {len(shown.pieces)} of {shown.total} tokens"
        print(f"tokenseam: {note}; see --limit", file=sys.stderr)
