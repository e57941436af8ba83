"""Whether ten times the input takes ten times the instructions.

``make bench-linear`` or ``python -m bench.linear``; see ``bench/README.md``.
Needs valgrind, and ``cargo build --release --example encode_file`` before.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench import common

#: The bar: instructions for ten times the input.
LIMIT = 13.0
REPEATED = {
    "space": " ",
    "tab": "\t",
    "newline": "\n",
    "U+3000": "\u3000",
    "a": "a",
    "^": "^",
    "U+0300": "\u0300",
    "CJK": "\u6f22",
    "digit": "7",
    "full stop": ".",
}
ALPHABETS = {
    "random letters": "abcdefghijklmnopqrstuvwxyz",
    "random mixed case": "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "random DNA": "ACGT",
    "random CJK": "".join(map(chr, range(0x4E00, 0x9FA6))),
}


def text(case: str, size: int) -> bytes:
    """About `size` bytes of a case."""
    if case in REPEATED:
        character = REPEATED[case].encode()
        return character * (size // len(character))
    alphabet = ALPHABETS[case]
    width = len(alphabet[0].encode())
    return "".join(random.Random(size).choices(alphabet, k=size // width)).encode()


def instructions(program: Path, vocabulary: list[str], files: list[Path]) -> list[int]:
    """Instructions that encoding each file takes, in one process."""
    with tempfile.TemporaryDirectory(prefix="tokenseam-linear-") as scratch:
        # Counts are dumped before and after each call of this function of the
        # program, so that every second dump is one call.
        name = "encode_file::measured"
        subprocess.run(
            [
                "valgrind",
                "--quiet",
                "--tool=callgrind",
                f"--dump-before={name}",
                f"--dump-after={name}",
                f"--callgrind-out-file={scratch}/out",
                str(program),
                *vocabulary,
                *map(str, files),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        counts = []
        for index in range(1, len(files) + 1):
            dump = Path(scratch, f"out.{2 * index}").read_text(encoding="utf-8", errors="replace")
            found = re.search(r"^(?:summary|totals): (\d+)", dump, re.MULTILINE)
            if found is None:
                raise SystemExit("error: callgrind did not say how many instructions it counted")
            counts.append(int(found[1]))
        return counts


def main() -> None:
    parser = argparse.ArgumentParser(prog="bench.linear", description=__doc__)
    target = Path(os.environ.get("CARGO_TARGET_DIR", common.ROOT / "target"))
    parser.add_argument(
        "--program", type=Path, default=target / "release" / "examples" / "encode_file"
    )
    parser.add_argument(
        "--vocabularies", nargs="+", default=["gpt2", "cl100k_base", "o200k_base", "qwen3"]
    )
    parser.add_argument("--megabytes", type=float, default=1.0, help="of the smaller text")
    parser.add_argument("--cases", nargs="+", default=[*REPEATED, *ALPHABETS])
    parser.add_argument("--output", type=Path, default=common.RESULTS)
    parser.add_argument("--label", default="local", help="in the name of the result file")
    options = parser.parse_args()
    if shutil.which("valgrind") is None:
        raise SystemExit("error: needs valgrind")
    if not options.program.exists():
        raise SystemExit(
            f"error: no {options.program}; build it: "
            "cargo build --release -p tokenseam-core --example encode_file"
        )
    small, large = int(options.megabytes * 1e6), int(options.megabytes * 1e7)
    rows = []
    worst = 0.0
    with tempfile.TemporaryDirectory(prefix="tokenseam-linear-") as name:
        scratch = Path(name)
        files: list[Path] = []
        for case in options.cases:
            # The larger one first: what it leaves in the caches can only make
            # the smaller one cheaper and the ratio worse.
            for size in (large, small):
                path = scratch / f"{len(files)}.txt"
                path.write_bytes(text(case, size))
                files.append(path)
        for vocabulary in options.vocabularies:
            found = common.vocabulary(vocabulary, scratch)
            counts = instructions(options.program, [str(found.ranks), found.pattern], files)
            for case, most, least in zip(options.cases, counts[::2], counts[1::2], strict=True):
                ratio = most / least
                worst = max(worst, ratio)
                rows.append(
                    [
                        f"{vocabulary}, {case}",
                        f"{least / small:.1f}",
                        f"{most / large:.1f}",
                        f"{ratio:.2f}",
                    ]
                )
                print(*rows[-1], sep="\t", file=sys.stderr)
    page = (
        "# Ten times the input, measured\n\n"
        f"{time.strftime('%Y-%m-%d', time.gmtime())}. Instructions a byte for "
        f"{options.megabytes:g} MB and for {10 * options.megabytes:g} MB of one repeated "
        "character, or of random characters without a space, and how many times the "
        f"instructions the larger text takes; the bar is {LIMIT:g}. Counted by callgrind, so "
        "no machine's noise is in it.\n\n"
        + common.markdown_table(["text", "1x", "10x", "ratio"], rows)
    )
    common.write_result(options.output / f"linear-{options.label}.md", page)
    print(page)
    if worst > LIMIT:
        raise SystemExit(f"error: {worst:.1f} times the instructions, which is over {LIMIT:g}")


if __name__ == "__main__":
    main()
