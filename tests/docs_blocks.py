"""Code blocks of a Markdown page: finding them, and running them.

The convention, which CONTRIBUTING.md states for writers:

* a ``python`` block is run, all of a page's blocks in one namespace; the
  ``text`` block right behind it, if there is one, is exactly what it prints,
  and without one it prints nothing;
* in a ``console`` block each line that starts with ``$ `` is run by a shell,
  and the lines up to the next one are exactly what it prints; a line ``...``
  stands for any lines; ``[exit status 2]`` as the last of them says how the
  command ends when that is not with 0;
* ``json`` and ``toml`` blocks are parsed; ``text`` blocks elsewhere are not
  looked at; any other language is an error;
* ``<!-- not run: REASON -->`` on the line before a block leaves it out.

A page's blocks run in one fresh directory that has the repository's
``README.md``, ``examples`` and ``tests`` in it.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>`{3,}|~{3,}) *(?P<info>[^`]*)$")
NOT_RUN = re.compile(r"^ *<!-- not run: *(?P<reason>.*?) *-->$")
STATUS = re.compile(r"\[exit status (?P<status>\d+)\]")


class BlockError(AssertionError):
    """A block that is not what it says, with its place."""


@dataclass(frozen=True)
class Block:
    """A fenced block: `line` is that of its first line of code, from 1."""

    page: str
    line: int
    language: str
    code: str
    not_run: str | None

    def fail(self, problem: str, line: int | None = None) -> BlockError:
        return BlockError(f"{self.page}:{line or self.line}: {problem}")


def blocks(page: str, text: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    found: list[Block] = []
    lines = text.split("\n")
    reason = None
    i = 0
    while i < len(lines):
        opening = FENCE.match(lines[i])
        if opening is None:
            comment = NOT_RUN.match(lines[i])
            if comment is not None:
                reason = comment["reason"]
            elif lines[i].strip():
                reason = None
            i += 1
            continue
        start = i + 1
        i = start
        closing = re.compile(rf"^ *{opening['fence']}{opening['fence'][0]}* *$")
        while i < len(lines) and not closing.match(lines[i]):
            i += 1
        if i == len(lines):
            raise BlockError(f"{page}:{start}: the block that opens here is never closed")
        indent = len(opening["indent"])
        code = "".join(
            line[min(indent, len(line) - len(line.lstrip())) :] + "\n" for line in lines[start:i]
        )
        language = opening["info"].split()[0] if opening["info"].split() else ""
        found.append(Block(page, start + 1, language, code, reason))
        reason = None
        i += 1
    return found


def adjacent(text: str, first: Block, second: Block) -> bool:
    """Whether nothing but blank lines and fences is between two blocks."""
    lines = text.split("\n")
    between = lines[first.line - 1 + first.code.count("\n") + 1 : second.line - 2]
    return all(not line.strip() for line in between)


def run_page(page: str, text: str, directory: Path) -> None:
    """Runs and checks every block of a page in `directory`."""
    found = blocks(page, text)
    namespace: dict[str, Any] = {"__name__": "__main__"}
    for block, following in zip_longest(found, found[1:]):
        if block.not_run is not None:
            if not block.not_run:
                raise block.fail("'not run' needs a reason")
        elif block.language == "python":
            expected = ""
            if (
                following is not None
                and following.language == "text"
                and adjacent(text, block, following)
            ):
                expected = following.code
            run_python(block, expected, namespace, directory)
        elif block.language == "console":
            run_console(block, directory)
        elif block.language == "json":
            json.loads(block.code)
        elif block.language == "toml":
            tomllib.loads(block.code)
        elif block.language != "text":
            raise block.fail(
                f"{block.language or 'a block without a language'} is not checked; use python, "
                "console, json, toml or text, or say why it is not run"
            )


def run_python(block: Block, expected: str, namespace: dict[str, Any], directory: Path) -> None:
    """Runs a ``python`` block and compares what it prints."""
    # Leading empty lines make line numbers in tracebacks those of the page.
    source = "\n" * (block.line - 1) + block.code
    printed = io.StringIO()
    try:
        with contextlib.chdir(directory), contextlib.redirect_stdout(printed):
            exec(compile(source, block.page, "exec"), namespace)
    except Exception as error:
        raise block.fail(f"raised {type(error).__name__}: {error}") from error
    compare(block, block.line, expected.splitlines(), printed.getvalue().splitlines())


def run_console(block: Block, directory: Path) -> None:
    """Runs the commands of a ``console`` block and compares what they print."""
    commands: list[tuple[int, str, list[str]]] = []
    for number, line in enumerate(block.code.splitlines(), block.line):
        if line.startswith("$ "):
            commands.append((number, line[2:], []))
        elif not commands:
            raise block.fail("a console block starts with a command, '$ ...'")
        else:
            commands[-1][2].append(line)
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "COLUMNS": "80",
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONIOENCODING": "utf-8",
    }
    for number, command, expected in commands:
        done = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=300,
            check=False,
        )
        status = 0
        shown = [line for line in expected if line.strip()]
        if shown and (said := STATUS.fullmatch(shown[-1])):
            status = int(said["status"])
            expected = expected[: expected.index(shown[-1])]
        if done.returncode != status:
            raise block.fail(
                f"'{command}' ended with {done.returncode}, not {status}, after printing\n"
                f"{done.stdout}",
                number,
            )
        compare(block, number, expected, done.stdout.splitlines())


def compare(block: Block, line: int, expected: list[str], printed: list[str]) -> None:
    """Fails unless the lines are the expected ones."""
    expected = [text.rstrip() for text in expected]
    printed = [text.rstrip() for text in printed]
    while expected and not expected[-1]:
        expected.pop()
    while printed and not printed[-1]:
        printed.pop()
    parts = ["(?:.*\n)*" if text == "..." else re.escape(text) + "\n" for text in expected]
    if not re.fullmatch("".join(parts), "".join(text + "\n" for text in printed)):
        raise block.fail(
            "the page shows\n"
            + "".join(f"    {text}\n" for text in expected)
            + "but it prints\n"
            + "".join(f"    {text}\n" for text in printed),
            line,
        )
