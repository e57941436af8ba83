"""info, convert, verify."""

from __future__ import annotations

import json
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tokenseam.cli import common
from tokenseam.cli.common import EXIT_DIFFERENCE, InputFormat, guarded, visible

if TYPE_CHECKING:
    from tokenseam.io import Document
    from tokenseam.tokenizer import Tokenizer


class SaveFormat(StrEnum):
    """What to write."""

    JSON = "tokenizer.json"
    TIKTOKEN = "tiktoken"


class Owner(StrEnum):
    """Whose library to compare with."""

    TIKTOKEN = "tiktoken"
    HF = "hf"


@guarded
def info(
    tokenizer: Annotated[
        str,
        typer.Argument(
            metavar="NAME|PATH",
            help="A vocabulary file, an encoding's name, or org/model.",
            autocompletion=common.complete_names,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
    pattern: common.Pattern = None,
    special_tokens: common.SpecialTokens = None,
    download: common.Download = None,
) -> None:
    """Print the facts of a vocabulary."""
    from tokenseam.cli.facts import facts

    engine = common.load(
        tokenizer, pattern=pattern, special_tokens=special_tokens, download=download
    )
    found = facts(engine)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=1))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(show_header=False, box=None, pad_edge=False)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in found.items():
        table.add_row(name.replace("_", " "), Text(_spoken(value)))
    Console(highlight=False).print(table)


def _spoken(value: Any) -> str:
    if isinstance(value, dict):
        shown = [f"{visible(str(key).encode())} {item}" for key, item in value.items()]
        more = f", and {len(shown) - 12} more" if len(shown) > 12 else ""
        return (", ".join(shown[:12]) or "none") + more
    if isinstance(value, list):
        return ", ".join(map(_spoken, value)) or "none"
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return visible(str(value).encode())


@guarded
def convert(
    source: Annotated[
        str, typer.Argument(metavar="IN", help="A vocabulary file or name, in any form.")
    ],
    target: Annotated[
        Path, typer.Argument(metavar="OUT", help="The file to write; replaced if it exists.")
    ],
    format: Annotated[
        SaveFormat | None,
        typer.Option(help="By default tiktoken if OUT ends in .tiktoken, else tokenizer.json."),
    ] = None,
    pattern: common.Pattern = None,
    special_tokens: common.SpecialTokens = None,
    download: common.Download = None,
) -> None:
    """Write a vocabulary in another form.

    A tiktoken rank file has no room for the pattern and the special tokens;
    they go beside it, into NAME.special.json.
    """
    engine = common.load(source, pattern=pattern, special_tokens=special_tokens, download=download)
    engine.save(target, format=format.value if format is not None else None)


@guarded
def verify(
    tokenizer: common.VocabularyName,
    against: Annotated[Owner, typer.Option(help="The library to compare with.")],
    files: common.Files = None,
    text: common.Text = None,
    input_format: common.InputFormatOption = InputFormat.AUTO,
    jsonl_field: common.JsonlField = None,
    parquet_column: common.ParquetColumn = None,
    pattern: common.Pattern = None,
    special_tokens: common.SpecialTokens = None,
    download: common.Download = None,
    threads: common.Threads = None,
) -> int | None:
    """Encode texts with tokenseam and with the vocabulary's owner, and compare.

    Bytes that are not UTF-8 are replaced first: the owners take none. With
    Hugging Face special tokens in the texts are recognised, as it always does,
    and the template's are added; with tiktoken all is plain text. The first
    difference is printed, and the exit code is 1.
    """
    engine = common.load(
        tokenizer, pattern=pattern, special_tokens=special_tokens, download=download
    )
    theirs = _hf(engine, tokenizer) if against is Owner.HF else _tiktoken(engine)
    recognise = against is Owner.HF
    options: dict[str, Any] = {
        "allowed_special": "all" if recognise else frozenset(),
        "disallowed_special": (),
        "add_special_tokens": recognise,
    }
    found = common.read(files, text, input_format, jsonl_field, parquet_column)
    documents = tokens = 0
    for batch in common.batches(found, max_bytes=1 << 20):
        texts = [_as_text(document) for document in batch]
        ours = engine.encode_batch(texts, num_threads=threads, **options).tolist()
        for document, given, mine in zip(batch, texts, ours, strict=True):
            other = theirs(given)
            if mine != other:
                print(_difference(engine, document, mine, other, against.value))
                return EXIT_DIFFERENCE
            documents += 1
            tokens += len(mine)
    print(f"{documents} documents, {tokens} tokens: the same as {against.value}")
    return None


def _as_text(document: Document) -> str:
    text = document.text
    if isinstance(text, bytes):
        return text.decode("utf-8", "replace")
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _tiktoken(engine: Tokenizer) -> Callable[[str], list[int]]:
    try:
        import tiktoken
    except ImportError:
        raise typer.BadParameter("--against tiktoken needs the package tiktoken") from None
    encoding = tiktoken.Encoding(
        engine.name,
        pat_str=engine._pat_str,
        mergeable_ranks=engine._mergeable_ranks,
        special_tokens=engine._special_tokens,
    )
    return encoding.encode_ordinary


def _hf(engine: Tokenizer, name: str) -> Callable[[str], list[int]]:
    try:
        import tokenizers
    except ImportError:
        raise typer.BadParameter("--against hf needs the package tokenizers") from None
    # The file itself where it is one of theirs, and not what we made of it.
    if Path(name).is_file() and name.endswith(".json") and not name.endswith("tekken.json"):
        data = Path(name).read_text(encoding="utf-8")
    else:
        data = engine.spec.to_tokenizer_json().decode()
    owner = tokenizers.Tokenizer.from_str(data)
    owner.no_truncation()
    owner.no_padding()
    return lambda text: list(owner.encode(text).ids)


def _difference(
    engine: Tokenizer, document: Document, ours: list[int], theirs: list[int], owner: str
) -> str:
    """The first difference, and what lies around it."""
    at = 0
    while at < min(len(ours), len(theirs)) and ours[at] == theirs[at]:
        at += 1
    before = engine.decode_bytes(ours[:at])

    def around(ids: list[int]) -> str:
        return " ".join(f"{id}:{visible(_bytes(engine, id))}" for id in ids[at : at + 8])

    return (
        f"{document.place}: differs at token {at}, byte {len(before)} of the text\n"
        f"  after      ...{visible(before[-40:].decode('utf-8', 'replace').encode())}\n"
        f"  tokenseam  {around(ours)}\n"
        f"  {owner:9}  {around(theirs)}"
    )


def _bytes(engine: Tokenizer, id: int) -> bytes:
    try:
        return engine.token_bytes(id)
    except KeyError:
        return b"?"
