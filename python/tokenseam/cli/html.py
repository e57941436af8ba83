"""A page of tokens that needs nothing but a browser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING

from tokenseam.cli.common import visible

if TYPE_CHECKING:
    from tokenseam.cli.show import Piece, Shown

_HEAD = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }}
body {{ max-width: 60rem; margin: 2rem auto 5rem; padding: 0 1rem }}
h1 {{ font-size: 1.2rem }} h2 {{ font-size: 1rem; margin-top: 2rem }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font: 15px/1.9 ui-monospace, monospace }}
.t {{ color: #111; border-radius: .2em; padding: .1em 0 }}
.c0 {{ background: #a6cee3 }} .c1 {{ background: #fdbf6f }} .c2 {{ background: #b2df8a }}
.c3 {{ background: #fb9a99 }} .c4 {{ background: #cab2d6 }}
.s {{ outline: 2px solid #c00 }}
.h {{ font-size: .8em }} .w {{ opacity: .5 }}
.t:hover {{ outline: 2px solid }}
.t:hover::after {{ content: attr(data-d); position: fixed; left: 0; right: 0; bottom: 0;
  padding: .6rem 1rem; background: #222; color: #fff; white-space: pre-wrap }}
</style>
<h1>{title}</h1>
"""


def page(name: str, shown: Iterable[Shown]) -> Iterator[str]:
    """The page, in parts. Every text in it is escaped, and the page's policy
    lets nothing run or load."""
    title = f"Tokens of {name}" if name else "Tokens"
    yield _HEAD.format(title=escape(title))
    for document, pieces, total in shown:
        yield f"<h2>{escape(document.place)}: {total} tokens</h2>\n<pre>"
        for number, piece in enumerate(pieces):
            yield _span(number, piece)
        yield "</pre>\n"
        if len(pieces) < total:
            yield f"<p>The first {len(pieces)} of {total} tokens.</p>\n"
    yield "</html>\n"


def _span(number: int, piece: Piece) -> str:
    details = (
        f"id {piece.id} · token {number} · bytes {piece.start}–{piece.end} · {piece.bytes.hex(' ')}"
    )
    kinds = f"t c{number % 5}" + (" s" if piece.special else "")
    try:
        piece.bytes.decode()
        inside = "".join(
            f'<span class="w">{visible(line.encode())}</span>\n'
            if line == "\n"
            else escape(visible(line.encode()))
            for line in _at_line_ends(piece.bytes.decode())
        )
    except UnicodeDecodeError:
        inside = f'<span class="h">{escape(visible(piece.bytes))}</span>'
    return f'<span class="{kinds}" data-d="{escape(details)}">{inside}</span>'


def _at_line_ends(text: str) -> Iterator[str]:
    for index, line in enumerate(text.split("\n")):
        if index:
            yield "\n"
        if line:
            yield line
