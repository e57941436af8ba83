"""One measurement in a fresh process; prints one line of JSON.

``python -m bench.encode.worker JOB`` where JOB is JSON: ``mode`` (``long``,
``short``, ``decode``, ``batch`` or ``load``), ``core`` (or null), ``scratch``,
``vocabulary``, and what the mode needs.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from bench import common

Job = dict[str, Any]


def cpu(call: Callable[[], Any]) -> tuple[float, Any]:
    """CPU seconds of the whole process for one call, and what it returned."""
    start = time.process_time()
    value = call()
    return time.process_time() - start, value


def resident() -> dict[str, float]:
    """Resident memory and its peak so far, in MB; empty where not known."""
    found = {}
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            key, _, value = line.partition(":")
            if key in ("VmRSS", "VmHWM"):
                found[key] = int(value.split()[0]) * 1024 / 1e6
    except OSError:
        pass
    return found


def long(job: Job, vocabulary: common.Vocabulary) -> Job:
    """The first pass over a text that the process has not seen, then repeats."""
    from bench.encode.libraries import LIBRARIES

    library = LIBRARIES[job["library"]](vocabulary)
    text = Path(job["text"]).read_bytes().decode()
    text = text.encode()[: job["bytes"]].decode(errors="ignore")
    size = len(text.encode())
    # Wakes what is built on first use, with a text from elsewhere.
    library.fastest("warm up 123 ...\n")
    first, encoded = cpu(partial(library.fastest, text))
    checksum = zlib.crc32(library.ids(encoded).tobytes())
    del encoded
    warm: list[float] = []
    while len(warm) < 3 and sum(warm) < job["seconds"]:
        warm.append(cpu(partial(library.fastest, text))[0])
    return {
        "bytes": size,
        "first": size / first / 1e6,
        "warm": size / common.median(warm) / 1e6,
        "checksum": checksum,
    }


def short(job: Job, vocabulary: common.Vocabulary) -> Job:
    """Microseconds a call on short strings, libraries in turns."""
    from bench.encode.libraries import LIBRARIES

    libraries = {name: LIBRARIES[name](vocabulary) for name in job["libraries"]}
    text = Path(job["text"]).read_bytes().decode()
    length = job["characters"]
    strings = [text[i : i + length] for i in range(0, job["calls"] * length, length)]
    special = tuple(vocabulary.special_tokens)
    strings = [string for string in strings if not any(token in string for token in special)]
    times: dict[str, list[float]] = {}
    for turn in range(job["rounds"] + 1):
        for name, library in libraries.items():
            for kind, call in (("encode", library.encode), ("fastest", library.fastest)):
                start = time.process_time()
                for string in strings:
                    call(string)
                spent = time.process_time() - start
                if turn > 0:
                    times.setdefault(f"{name} {kind}", []).append(spent / len(strings) * 1e6)
    return {name: common.median(values) for name, values in times.items()}


def decode(job: Job, vocabulary: common.Vocabulary) -> Job:
    """MB/s of decoding a list of ids (and an array, where that is taken)."""
    from bench.encode.libraries import LIBRARIES

    libraries = {name: LIBRARIES[name](vocabulary) for name in job["libraries"]}
    text = Path(job["text"]).read_bytes().decode()
    size = len(text.encode())
    reference = libraries["tiktoken"]
    array = reference.ids(reference.fastest(text))
    ids = array.tolist()
    times: dict[str, list[float]] = {}
    for turn in range(job["rounds"] + 1):
        for name, library in libraries.items():
            calls: list[tuple[str, Callable[[Any], str | bytes], Any]] = [
                ("decode", library.decode, ids),
                ("decode_bytes", library.decode_bytes, ids),
                ("decode_bytes of an array", library.decode_array, array),
            ]
            for kind, call, argument in calls:
                try:
                    spent, value = cpu(partial(call, argument))
                except NotImplementedError:
                    continue
                if turn > 0:
                    times.setdefault(f"{name} {kind}", []).append(spent)
                elif value != (text if isinstance(value, str) else text.encode()):
                    raise SystemExit(f"error: {name} {kind} does not give the text back")
    return {name: size / common.median(values) / 1e6 for name, values in times.items()}


def batch(job: Job, vocabulary: common.Vocabulary) -> Job:
    """Wall seconds for a batch on each number of threads."""
    from bench.encode.libraries import LIBRARIES

    library = LIBRARIES[job["library"]](vocabulary)
    texts = json.loads(Path(job["texts"]).read_text(encoding="utf-8"))
    library.batch(texts, max(job["threads"]))
    found = {}
    for threads in job["threads"]:
        start = time.perf_counter()
        library.batch(texts, threads)
        found[str(threads)] = time.perf_counter() - start
    return found


def load(job: Job, vocabulary: common.Vocabulary) -> Job:
    """Seconds and memory for loading, in a process that has nothing else."""
    from bench.encode.libraries import LIBRARIES

    kind = LIBRARIES[job["library"]]
    start = time.perf_counter()
    __import__(kind.package)
    imported = time.perf_counter() - start
    before = resident()
    start = time.perf_counter()
    library = kind(vocabulary)
    library.fastest("a")
    seconds = time.perf_counter() - start
    after = resident()
    return {
        "import": imported,
        "seconds": seconds,
        "resident": after.get("VmRSS", 0.0) - before.get("VmRSS", 0.0),
        "peak": after.get("VmHWM", 0.0) - before.get("VmRSS", 0.0),
    }


MODES = {"long": long, "short": short, "decode": decode, "batch": batch, "load": load}


def main() -> None:
    job = json.loads(sys.argv[1])
    if job["core"] is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {job["core"]})
    vocabulary = common.vocabulary(job["vocabulary"], Path(job["scratch"]))
    print(json.dumps(MODES[job["mode"]](job, vocabulary)))


if __name__ == "__main__":
    main()
