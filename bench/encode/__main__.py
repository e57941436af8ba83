"""tokenseam against its peers: ``make bench`` or ``python -m bench.encode``.

See ``bench/README.md`` for what is measured and how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import Any

from bench import common
from bench.encode import tables

LIBRARIES = ("tokenseam", "tiktoken", "tokenizers", "gigatoken", "fastokens")
PARTS = ("long", "short", "decode", "batch", "load")
# Hugging Face tokenizers needs seconds a megabyte: it gets a shorter text.
SLOW = {"tokenizers": 1.0}


def main() -> None:
    options = arguments()
    libraries = [name for name in options.libraries if util.find_spec(name) is not None]
    for name in options.libraries:
        if name not in libraries:
            print(f"{name} is not installed: left out", file=sys.stderr)
    if "tiktoken" not in libraries:
        raise SystemExit("error: tiktoken is what the others are compared with; install it")
    result: dict[str, Any] = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": common.machine(),
        "versions": common.versions(libraries),
        "options": {"rounds": options.rounds, "megabytes": options.megabytes},
    }
    with tempfile.TemporaryDirectory(prefix="tokenseam-bench-") as scratch:
        runner = Runner(options, libraries, Path(scratch))
        for part in PARTS:
            if part in options.only:
                result[part] = getattr(runner, part)()
    common.write_result(options.output / f"encode-{options.label}.json", dump(result))
    text = tables.markdown(result)
    common.write_result(options.output / f"encode-{options.label}.md", text)
    print(text)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench.encode", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--megabytes", type=float, default=4.0, help="of text a corpus")
    parser.add_argument("--libraries", nargs="+", default=LIBRARIES, choices=LIBRARIES)
    parser.add_argument("--vocabularies", nargs="+", default=["gpt2", "cl100k_base", "o200k_base"])
    parser.add_argument("--corpora", nargs="+", default=["en", "code", "multi", "cjk"])
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS)
    parser.add_argument("--threads", nargs="+", type=int, default=[1, 2])
    parser.add_argument("--core", type=int, help="to pin to; the last one unless told")
    parser.add_argument("--output", type=Path, default=common.RESULTS)
    parser.add_argument("--label", default="local", help="in the names of the result files")
    return parser.parse_args()


class Runner:
    """Starts the workers, libraries in turns, and takes medians."""

    def __init__(self, options: argparse.Namespace, libraries: list[str], scratch: Path) -> None:
        self.options = options
        self.libraries = libraries
        self.scratch = scratch
        self.core = options.core
        if self.core is None and hasattr(os, "sched_getaffinity"):
            self.core = max(os.sched_getaffinity(0))
        self.random = random.Random(1)
        self.texts: dict[str, Path] = {}

    def text(self, corpus: str) -> Path:
        """A corpus as one long text in a file."""
        if corpus not in self.texts:
            path = self.scratch / f"{corpus}.txt"
            text = "\n".join(common.documents(corpus, self.options.megabytes))
            path.write_bytes(text.encode())
            self.texts[corpus] = path
        return self.texts[corpus]

    def work(self, mode: str, vocabulary: str, *, pin: bool = True, **job: Any) -> Any:
        """Runs one worker in a fresh process."""
        job |= {
            "mode": mode,
            "vocabulary": vocabulary,
            "scratch": str(self.scratch),
            "core": self.core if pin else None,
        }
        environment = os.environ | {"PYTHONHASHSEED": "0"}
        if not pin:
            # Pools as large as the largest batch asks for.
            environment["RAYON_NUM_THREADS"] = str(max(self.options.threads))
        done = subprocess.run(
            [sys.executable, "-m", "bench.encode.worker", json.dumps(job)],
            cwd=common.ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise SystemExit(f"error: the worker failed on {job}")
        return json.loads(done.stdout)

    def turns(self, items: Sequence[str]) -> list[str]:
        """The items in a new order: nobody always runs behind the same one."""
        return self.random.sample(items, len(items))

    def long(self) -> list[dict[str, Any]]:
        """One long text to the fastest type: first pass and repeats."""
        rows = []
        for vocabulary in self.options.vocabularies:
            for corpus in self.options.corpora:
                path = self.text(corpus)
                seen: dict[str, list[dict[str, Any]]] = {name: [] for name in self.libraries}
                for _ in range(self.options.rounds):
                    for name in self.turns(self.libraries):
                        megabytes = min(self.options.megabytes, SLOW.get(name, float("inf")))
                        seen[name].append(
                            self.work(
                                "long",
                                vocabulary,
                                library=name,
                                text=str(path),
                                bytes=int(megabytes * 1e6),
                                seconds=2.0,
                            )
                        )
                for name, runs in seen.items():
                    full = [run for run in seen["tiktoken"] if run["bytes"] == runs[0]["bytes"]]
                    rows.append(
                        {
                            "vocabulary": vocabulary,
                            "corpus": corpus,
                            "library": name,
                            "bytes": runs[0]["bytes"],
                            "first": common.median([run["first"] for run in runs]),
                            "warm": common.median([run["warm"] for run in runs]),
                            "all_first": [run["first"] for run in runs],
                            "all_warm": [run["warm"] for run in runs],
                            # None: not on the same text as tiktoken.
                            "same_ids": (runs[0]["checksum"] == full[0]["checksum"])
                            if full
                            else None,
                        }
                    )
                progress(f"long {vocabulary} {corpus}", rows[-len(self.libraries) :])
        return rows

    def short(self) -> list[dict[str, Any]]:
        """Strings of 200 characters, a call each."""
        return [
            {
                "vocabulary": vocabulary,
                "corpus": corpus,
                "microseconds": self.work(
                    "short",
                    vocabulary,
                    libraries=self.libraries,
                    text=str(self.text(corpus)),
                    characters=200,
                    calls=2000,
                    rounds=max(self.options.rounds, 5),
                ),
            }
            for vocabulary in self.options.vocabularies
            for corpus in self.options.corpora
        ]

    def decode(self) -> list[dict[str, Any]]:
        """Ids of a long text, back to text."""
        # The peers stop at some ids or return another type; tiktoken is the bar.
        libraries = [name for name in ("tokenseam", "tiktoken") if name in self.libraries]
        return [
            {
                "vocabulary": vocabulary,
                "corpus": corpus,
                "speed": self.work(
                    "decode",
                    vocabulary,
                    libraries=libraries,
                    text=str(self.text(corpus)),
                    rounds=max(self.options.rounds, 5),
                ),
            }
            for vocabulary in self.options.vocabularies
            for corpus in self.options.corpora
        ]

    def batch(self) -> list[dict[str, Any]]:
        """Batches on several threads, beside the C program on as many."""
        threads = self.options.threads
        control = self.control()
        rows = []
        for corpus in self.options.corpora:
            path = self.scratch / f"{corpus}.batch.json"
            documents = common.documents(corpus, 4 * self.options.megabytes)
            path.write_text(json.dumps(documents), encoding="utf-8")
            for vocabulary in self.options.vocabularies:
                runs: dict[str, list[dict[str, float]]] = {"control": []}
                libraries = [name for name in ("tokenseam", "tiktoken") if name in self.libraries]
                for _ in range(self.options.rounds):
                    for name in self.turns(libraries):
                        runs.setdefault(name, []).append(
                            self.work(
                                "batch",
                                vocabulary,
                                pin=False,
                                library=name,
                                texts=str(path),
                                threads=threads,
                            )
                        )
                    if control is not None:
                        runs["control"].append(run_control(control, threads))
                speedups = {
                    name: {
                        str(count): common.median(
                            [run[str(threads[0])] / run[str(count)] for run in each]
                        )
                        for count in threads
                    }
                    for name, each in runs.items()
                    if each
                }
                rows.append(
                    {
                        "vocabulary": vocabulary,
                        "corpus": corpus,
                        "bytes": sum(len(document.encode()) for document in documents),
                        "documents": len(documents),
                        "seconds": runs,
                        "speedup": speedups,
                    }
                )
                progress(f"batch {vocabulary} {corpus}", [speedups])
        return rows

    def control(self) -> Path | None:
        """The C program, compiled; None without a compiler."""
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        if compiler is None:
            print("no C compiler: batches are not compared with a control", file=sys.stderr)
            return None
        program = self.scratch / "control"
        source = Path(__file__).with_name("control.c")
        subprocess.run([compiler, "-O2", "-pthread", "-o", program, source], check=True)
        return program

    def load(self) -> dict[str, Any]:
        """Loading, and importing, in fresh processes."""
        rows = []
        for vocabulary in self.options.vocabularies:
            seen: dict[str, list[dict[str, float]]] = {name: [] for name in self.libraries}
            for _ in range(self.options.rounds):
                for name in self.turns(self.libraries):
                    seen[name].append(self.work("load", vocabulary, library=name))
            rows += [
                {
                    "vocabulary": vocabulary,
                    "library": name,
                    **{
                        key: common.median([run[key] for run in runs])
                        for key in ("seconds", "resident", "peak")
                    },
                }
                for name, runs in seen.items()
            ]
        program = "import time; s = time.perf_counter(); import {}; print(time.perf_counter() - s)"
        imports: dict[str, list[float]] = {}
        for _ in range(self.options.rounds):
            for name in self.turns(["numpy", *self.libraries]):
                done = subprocess.run(
                    [sys.executable, "-c", program.format(name)],
                    stdout=subprocess.PIPE,
                    text=True,
                    check=True,
                )
                imports.setdefault(name, []).append(float(done.stdout))
        return {
            "rows": rows,
            "import_seconds": {name: common.median(each) for name, each in imports.items()},
        }


def run_control(program: Path, threads: list[int]) -> dict[str, float]:
    """Wall seconds of the C program for each number of threads."""
    done = subprocess.run(
        [program, *map(str, threads)], stdout=subprocess.PIPE, text=True, check=True
    )
    pairs = [line.split() for line in done.stdout.splitlines()]
    return {count: float(seconds) for count, seconds in pairs}


def progress(title: str, rows: list[Any]) -> None:
    """Says on standard error how far the run is."""
    print(title, file=sys.stderr)
    for row in rows:
        shown = {
            key: round(value, 1) if isinstance(value, float) else value
            for key, value in row.items()
            if not key.startswith("all_")
        }
        print("   ", shown, file=sys.stderr)


def dump(result: dict[str, Any]) -> str:
    """JSON with no more digits than were measured."""
    return json.dumps(json.loads(json.dumps(result), parse_float=four_digits), indent=1) + "\n"


def four_digits(text: str) -> float:
    return float(f"{float(text):.4g}")


if __name__ == "__main__":
    main()
