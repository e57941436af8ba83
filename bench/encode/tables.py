"""The result of ``bench.encode`` as Markdown."""

from __future__ import annotations

from typing import Any

from bench.common import describe, markdown_table

Result = dict[str, Any]


def markdown(result: Result) -> str:
    """A page of tables."""
    options = result["options"]
    parts = [
        "# Encoding, measured\n",
        f"{result['date']}, {describe(result['machine'], result['versions'])}",
        f"One core, libraries in turns, {options['rounds']} rounds, medians of CPU time, "
        f"{options['megabytes']:g} MB of text a corpus. Machines differ and are noisy: read "
        "the ratios, which are to tiktoken in the same run.\n",
    ]
    for part, table in (
        ("long", long),
        ("short", short),
        ("decode", decode),
        ("batch", batch),
        ("load", load),
    ):
        if part in result:
            parts.append(table(result[part]))
    return "\n".join(parts)


def unique(rows: list[Result], key: str) -> list[str]:
    """The values of a key, in order of appearance."""
    return list(dict.fromkeys(row[key] for row in rows))


def long(rows: list[Result]) -> str:
    text = (
        "## One long string to the fastest type\n\n"
        "MB/s on the first pass over unseen text in a fresh process / on a repeat, and how "
        "many times tiktoken's that is. `!` marks ids that are not tiktoken's; "
        "tokenizers gets the first 1 MB.\n"
    )
    for vocabulary in unique(rows, "vocabulary"):
        of_vocabulary = [row for row in rows if row["vocabulary"] == vocabulary]
        corpora = unique(of_vocabulary, "corpus")
        by_place = {(row["library"], row["corpus"]): row for row in of_vocabulary}
        table = []
        for library in unique(of_vocabulary, "library"):
            cells = [library]
            for corpus in corpora:
                row, base = by_place[library, corpus], by_place["tiktoken", corpus]
                cells.append(
                    f"{row['first']:.0f} / {row['warm']:.0f} "
                    f"({row['first'] / base['first']:.1f}x / {row['warm'] / base['warm']:.1f}x)"
                    + ("!" if row["same_ids"] is False else "")
                )
            table.append(cells)
        text += f"\n### {vocabulary}\n\n" + markdown_table(["library", *corpora], table)
    return text


def short(rows: list[Result]) -> str:
    text = "## Strings of 200 characters\n\nMicroseconds a call, warm.\n\n"
    kinds = list(dict.fromkeys(kind for row in rows for kind in row["microseconds"]))
    return text + markdown_table(
        ["call", *(f"{row['vocabulary']} {row['corpus']}" for row in rows)],
        [[kind, *(f"{row['microseconds'][kind]:.1f}" for row in rows)] for kind in kinds],
    )


def decode(rows: list[Result]) -> str:
    text = "## Decoding\n\nMB/s, from a list of ids where nothing else is said.\n\n"
    kinds = list(dict.fromkeys(kind for row in rows for kind in row["speed"]))
    return text + markdown_table(
        ["call", *(f"{row['vocabulary']} {row['corpus']}" for row in rows)],
        [[kind, *(f"{row['speed'][kind]:.0f}" for row in rows)] for kind in kinds],
    )


def batch(rows: list[Result]) -> str:
    text = (
        "## Batches on several threads\n\n"
        "How many times faster than on one thread (wall time). The control is a C program "
        "whose threads share nothing, run in the same rounds: it says what the machine gave.\n\n"
    )
    table = []
    for row in rows:
        for name, speedups in row["speedup"].items():
            table.append(
                [
                    f"{row['vocabulary']} {row['corpus']}, {name}",
                    *(f"{value:.2f}" for value in speedups.values()),
                ]
            )
    counts = list(rows[0]["speedup"][next(iter(rows[0]["speedup"]))]) if rows else []
    return text + markdown_table(["batch", *(f"{count} threads" for count in counts)], table)


def load(part: Result) -> str:
    text = (
        "## Loading\n\n"
        "In a fresh process, up to the first encoded character: seconds, and MB of memory "
        "that stay / at the peak.\n\n"
    )
    rows = part["rows"]
    text += markdown_table(
        ["library", *unique(rows, "vocabulary")],
        [
            [
                library,
                *(
                    f"{row['seconds']:.2f} s, {row['resident']:.0f} / {row['peak']:.0f} MB"
                    for row in rows
                    if row["library"] == library
                ),
            ]
            for library in unique(rows, "library")
        ],
    )
    imports = ", ".join(
        f"{name} {seconds * 1000:.0f}" for name, seconds in part["import_seconds"].items()
    )
    return text + f"\nMilliseconds to import: {imports}.\n"
