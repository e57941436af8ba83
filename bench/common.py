"""What the benchmarks share: data, the machine's name, results on disk."""

from __future__ import annotations

import base64
import gzip
import json
import os
import platform
import shutil
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"


def shared() -> Path:
    """The directory of real vocabularies and corpora; exits without it."""
    named = os.environ.get("TOKENSEAM_SHARED")
    path = Path(named) if named else ROOT.parent / "shared"
    if not (path / "data").is_dir():
        raise SystemExit(
            f"error: no data at {path}: set TOKENSEAM_SHARED to a directory with data/vocab "
            "and data/corpus"
        )
    return path


@dataclass(frozen=True)
class Vocabulary:
    """One real vocabulary, unpacked, in both of its forms."""

    name: str
    ranks: Path
    tokenizer_json: Path
    pattern: str
    special_tokens: dict[str, int]

    def mergeable_ranks(self) -> dict[bytes, int]:
        """What tiktoken is built from."""
        lines = (line.split() for line in self.ranks.read_bytes().splitlines())
        return {base64.b64decode(token): int(rank) for token, rank in lines}


def vocabulary(name: str, scratch: Path) -> Vocabulary:
    """Unpacks a shared vocabulary into `scratch`, unless it is there."""
    directory = shared() / "data" / "vocab"
    paths = {}
    for suffix in ("tiktoken", "tokenizer.json"):
        paths[suffix] = scratch / f"{name}.{suffix}"
        if not paths[suffix].exists():
            with (
                gzip.open(directory / f"{name}.{suffix}.gz") as source,
                paths[suffix].open("wb") as target,
            ):
                shutil.copyfileobj(source, target)
    special = json.loads((directory / f"{name}.special.json").read_text(encoding="utf-8"))
    return Vocabulary(
        name, paths["tiktoken"], paths["tokenizer.json"], special["pat"], special["special"]
    )


def documents(name: str, megabytes: float) -> list[str]:
    """Documents from the start of a corpus, `megabytes` of UTF-8 in all; the
    last one is cut to fit."""
    found: list[str] = []
    left = int(megabytes * 1e6)
    path = shared() / "data" / "corpus" / f"{name}.jsonl.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            text = str(json.loads(line)["text"])
            raw = text.encode()
            if len(raw) >= left:
                found.append(raw[:left].decode(errors="ignore"))
                break
            found.append(text)
            left -= len(raw)
    return found


def machine() -> dict[str, Any]:
    """What the figures were measured on."""
    model = platform.processor()
    caches = {}
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
        for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
            level = (index / "level").read_text().strip()
            kind = (index / "type").read_text().strip()
            caches[f"L{level} {kind.lower()}"] = (index / "size").read_text().strip()
    except OSError:
        pass
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "caches": caches,
        "os": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "load_average": [round(load, 2) for load in os.getloadavg()],
    }


def versions(names: Iterable[str]) -> dict[str, str]:
    """The installed versions of the packages that are there."""
    found = {}
    for name in names:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def median(values: Sequence[float]) -> float:
    """The median."""
    return statistics.median(values)


def write_result(path: Path, content: str) -> None:
    """Writes under a temporary name and renames."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    partial.write_text(content, encoding="utf-8")
    partial.replace(path)


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; all but the first column is aligned to the right."""
    lines = ["| " + " | ".join(header) + " |"]
    lines.append("| --- |" + " ---: |" * (len(header) - 1))
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def describe(machine: dict[str, Any], versions: dict[str, str]) -> str:
    """One paragraph that names the machine and the versions."""
    caches = ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    packages = ", ".join(f"{name} {version}" for name, version in versions.items())
    return (
        f"{machine['cpu']}, {machine['cores']} cores ({caches}), {machine['os']}, "
        f"Python {machine['python']}, load average at the start "
        f"{machine['load_average'][0]}. Versions: {packages}.\n"
    )
